"""A label printer of our own: it listens on a socket, answers `~HS` or stays silent, and fails.

It works as the real ones do. What it receives goes through a buffer; a label that is whole there is
printed when there is paper, also long after its line is gone. So a label may come out of which
nobody heard anything any more, and that is what tests must survive.
"""

import re
import socket
import threading
import time
from contextlib import contextmanager, suppress

_LABEL = re.compile(rb"\^XA.*?\^XZ", re.S)
_PAYLOAD = re.compile(rb"\^FD([0-9A-Z]{12})\^FS")


class Printer:
    """A listening printer.

    Args:
        answers: whether it answers `~HS` at all.
        quiet_in_trouble: it gives no answer while something stops it, as Zebras do.
        seconds: how long one label takes.
        paper: how many labels it holds; None for ever.
        drops_after: break the line after so many bytes of it.
        closes: whether it closes its side once the other side has.
    """

    def __init__(self, *, answers=True, quiet_in_trouble=False, seconds=0.0, paper=None,
                 drops_after=None, closes=True):  # fmt: skip
        self.answers, self.quiet_in_trouble = answers, quiet_in_trouble
        self.seconds, self.paper, self.drops_after = seconds, paper, drops_after
        self.closes = closes
        self.buffer, self.out, self.when = [], [], []
        self.lines = 0
        self.lid_open = False
        self._changed = threading.Condition()
        self._open = []
        self._ends = False
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        for work in (self._listen, self._print):
            threading.Thread(target=work, daemon=True).start()

    @property
    def printed(self):
        """The symbols that lie on paper, in their order; a label of ours carries each once."""
        return [_PAYLOAD.search(each)[1].decode() for each in list(self.out)]

    @property
    def stopped(self):
        """Whether something keeps it from printing."""
        return self.lid_open or self.paper == 0

    def refill(self, paper=None):
        """Put labels in and close the lid."""
        with self._changed:
            self.paper, self.lid_open = paper, False
            self._changed.notify_all()

    def forget(self):
        """As when its power is cut: what is in the buffer is gone, and so is every line."""
        with self._changed:
            self.buffer.clear()
            lines, self._open = self._open, []
        for each in lines:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self):
        """Switch it off."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for each in self._open:
            with suppress(OSError):
                each.close()

    def _listen(self):
        while True:
            try:
                line, _peer = self.server.accept()
            except OSError:
                return
            self.lines += 1
            self._open.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        data, read, drops = b"", 0, self.drops_after
        with suppress(OSError):
            while piece := line.recv(65536 if drops is None else max(drops - read, 1)):
                read += len(piece)
                data = self._took(line, data + piece)
                if drops is not None and read >= drops:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    line.close()
                    return
            if self.closes:
                line.close()

    def _took(self, line, data):
        """Do what is whole in what came; the rest stays."""
        while True:
            asked = data.find(b"~HS")
            label = _LABEL.search(data)
            if asked >= 0 and (label is None or asked < label.start()):
                data = data[:asked] + data[asked + 3 :]
                self._answer(line)
            elif label is not None:
                with self._changed:
                    self.buffer.append(label[0])
                    self._changed.notify_all()
                data = data[: label.start()] + data[label.end() :]
            else:
                return data

    def _answer(self, line):
        if not self.answers or (self.quiet_in_trouble and self.stopped):
            return
        with self._changed:
            waiting = len(self.buffer)
            first = f"030,{int(self.paper == 0)},0,0245,{waiting:03d},0,0,0,000,0,0,0"
            second = f"001,0,{int(self.lid_open)},0,1,2,6,0,00000000,1,000"
        line.sendall(b"".join(f"\x02{each}\x03\r\n".encode() for each in (first, second, "1234,0")))

    def _print(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ends or (self.buffer and not self.stopped))
                if self._ends:
                    return
                label = self.buffer[0]
            if self.seconds:
                time.sleep(self.seconds)
            with self._changed:
                if self._ends:
                    return
                if not self.buffer or self.buffer[0] is not label or self.stopped:
                    continue
                self.buffer.pop(0)
                self.out.append(label)
                self.when.append(time.monotonic())
                if self.paper:
                    self.paper -= 1


@contextmanager
def printer(**manner):
    """A printer for a while."""
    here = Printer(**manner)
    try:
        yield here
    finally:
        here.close()
