"""The program beside a printer in a laboratory whose server is elsewhere: `lims print-agent`.

It asks the server whether something waits, opens the line to its printer, and only when that can
print claims a label. The claim hands the label out once and for all, so what this program prints is
printed at most once, whatever happens to it: when it dies the label becomes uncertain (H12). It
knows no database, keeps nothing on disk and shows nothing but its own token.
"""

import http.client
import json
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from lims.core.errors import BadInput, TemporaryFailure
from lims.core.words import Text as _
from lims.labels import reasons
from lims.labels.errors import Interrupted, NotTaken, PrinterSilent, PrinterStopped
from lims.labels.handing import Line

log = logging.getLogger(__name__)
ANSWER_SECONDS = 20.0
_PREFIX = "/api/v1/print-agent/"
_LOCAL = ("127.0.0.1", "localhost", "::1")
_FAILED = 400
_BUSY = (408, 409, 429, 500, 502, 503, 504)
_AGAIN_SECONDS = 1.0


class Refused(Exception):
    """The server refuses, and will go on refusing."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


@dataclass
class Server:
    """The server, as this agent speaks to it: over TLS, without detours, with its token."""

    url: str
    token: str

    def __post_init__(self) -> None:
        """Refuse an address that would show the token to everybody on the way."""
        parts = urlsplit(self.url)
        plain = parts.scheme == "http" and parts.hostname in _LOCAL
        if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query:
            raise BadInput(
                _(
                    "%(url)s is no address of a server; write it as https://lims.example.org.",
                    url=self.url[:200],
                ),
                field="server",
            )
        self._parts = parts

    def ask(self, path: str, body: dict[str, Any] | None = None, key: str = "") -> bytes:
        """One request.

        Raises:
            TemporaryFailure: no answer, or one that may be another the next time.
            Refused: a refusal.
        """
        kind: type[http.client.HTTPConnection] = http.client.HTTPConnection
        more: dict[str, Any] = {"timeout": ANSWER_SECONDS}
        if self._parts.scheme == "https":
            kind = http.client.HTTPSConnection
            more["context"] = ssl.create_default_context()
        connection = kind(self._parts.hostname or "", self._parts.port, **more)
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "*/*"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            connection.request(
                "GET" if body is None else "POST",
                self._parts.path.rstrip("/") + _PREFIX + path,
                None if body is None else json.dumps(body),
                headers,
            )
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException) as away:
            raise TemporaryFailure(
                _("The server does not answer (%(why)s).", why=type(away).__name__)
            ) from away
        finally:
            connection.close()
        if response.status < http.client.MULTIPLE_CHOICES:
            return said
        code = _code_of(said)
        passing = response.status in _BUSY and code not in ("print_queue_state",)
        if passing:
            raise TemporaryFailure(_("The server is busy (%(why)s).", why=code))
        raise Refused(response.status, code)

    def insist(self, path: str, body: dict[str, Any], going: Callable[[], bool]) -> dict[str, Any]:
        """Send one act until it is answered; its key lets it act once. None answered: empty."""
        key = uuid4().hex
        while True:
            try:
                answer: dict[str, Any] = json.loads(self.ask(path, body, key))
                return answer
            except TemporaryFailure as away:
                log.warning("%s", away)
                if not going():
                    return {}
                time.sleep(_AGAIN_SECONDS)


def _code_of(said: bytes) -> str:
    try:
        return str(json.loads(said).get("code", "-"))
    except (ValueError, AttributeError):
        return "-"


class Agent:
    """One run beside one printer.

    Args:
        open_line: opens the line to the printer; given what it takes (`zpl`, `pdf`, `png`).
        going: whether to go on.
    """

    def __init__(
        self,
        server: Server,
        open_line: Callable[[str], AbstractContextManager[Line]],
        going: Callable[[], bool] = lambda: True,
    ) -> None:
        self._server, self._open_line, self._going = server, open_line, going
        self._name = uuid4().hex[:12]
        self._told = ""

    def run(self, pause_seconds: float) -> None:
        """Print what waits, look again, until it is told to end.

        Raises:
            Refused: the token opens nothing (any more).
        """
        while self._going():
            try:
                did = self.once()
            except TemporaryFailure as away:
                log.warning("%s", away)
                did = False
            if not did:
                time.sleep(pause_seconds)

    def once(self) -> bool:
        """Print one label where one waits and the printer can; whether one was printed.

        Raises:
            TemporaryFailure: the server does not answer; nothing was claimed.
        """
        work = json.loads(self._server.ask("work"))
        if not work["waiting"]:
            return False
        try:
            with self._open_line(work["language"]) as line:
                self._tell("ready", "")
                return self._print(line)
        except PrinterStopped as stopped:
            self._tell("stopped", stopped.reason)
        except PrinterSilent as silent:
            self._tell("silent", silent.reason)
        except BadInput:
            self._tell("stopped", reasons.NOT_LISTED)
        return False

    def _print(self, line: Line) -> bool:
        claimed = self._server.insist("claims", {"agent": self._name}, self._going)
        if not claimed.get("id"):
            return False
        path = f"copies/{quote(claimed['id'])}/"
        try:
            stream = self._server.ask(path + "content")
        except TemporaryFailure as away:
            self._report(path, "not-sent", str(away))
            return False
        except Refused as refused:
            self._report(path, "not-taken", str(refused))
            return False
        try:
            handed = line.send(claimed["name"], stream)
        except NotTaken as refused:
            self._report(path, "not-taken", str(refused))
        except Interrupted as lost:
            self._report(path, "uncertain", str(lost))
            return False
        else:
            self._report(path, "printed" if handed.printed else "sent", handed.said or "")
        return True

    def _report(self, path: str, outcome: str, said: str) -> None:
        """Tell what came of it. Whoever is too late is told so, and what stands there stays."""
        try:
            self._server.insist(
                path + "outcome", {"outcome": outcome, "said": said[:400]}, self._going
            )
        except Refused as late:
            log.warning("what came of %s was not taken: %s", path, late)

    def _tell(self, health: str, said: str) -> None:
        if self._told != health + said:
            body = {"health": health, "said": said[:400]}
            self._server.insist("printer", body, self._going)
            self._told = health + said
