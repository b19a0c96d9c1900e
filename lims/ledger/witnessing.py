"""The witness: a small process at another's hands that remembers how large each ledger was.

It takes a seal only where the log's key signed it and the tree grows from the one it saw last, and
signs the same bytes. So an administrator who cuts or forks a ledger needs the witness to forget.
It knows no database: one file holds origin, size, root and key of each log.
"""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lims.ledger import tree
from lims.ledger.signatures import (
    BadSignature,
    PrivateKey,
    PublicKey,
    Statement,
    check_endorsement,
    kid_of,
    opened_seal,
)

PATH = "/seals"
LARGEST = 200_000  # bytes of a request: a proof and a long history of keys have a tenth of it


class NotWitnessed(Exception):
    """The witness does not sign this; `status` is HTTP's, `size` what it knows of the log."""

    def __init__(self, status: int, why: str, size: int = 0) -> None:
        super().__init__(why)
        self.status, self.why, self.size = status, why, size


@dataclass(frozen=True)
class Known:
    """What the witness remembers of one log."""

    number: int
    size: int
    root: str
    key: str


class Witness:
    """Judges seals and signs the good ones."""

    def __init__(self, key: PrivateKey, state: Path, pinned: Sequence[PublicKey] = ()) -> None:
        """Take up the state where it was left.

        Args:
            pinned: keys of logs; without any, the first seal of each log is believed.

        Raises:
            ValueError: the state cannot be read; a witness that forgot is none.
        """
        self._key, self._file, self._pinned = key, state, list(pinned)
        self._turn = threading.Lock()
        self._known: dict[str, Known] = {}
        if state.exists():
            try:
                read = json.loads(state.read_text())
                self._known = {origin: Known(**each) for origin, each in read.items()}
            except (ValueError, TypeError, AttributeError) as wrong:
                raise ValueError(f"{state} is no state of a witness") from wrong

    def judge(self, sent: Mapping[str, Any]) -> str:
        """The co-signature of a seal.

        Args:
            sent: `seal` (JWS), `old` (the size that the proof starts from, 0 for none), `proof`
                (hex), `keys` (the log's history: `public`, `own`, `endorsed`).

        Raises:
            NotWitnessed: it is not signed, and why.
        """
        try:
            seal, old = str(sent["seal"]), sent["old"]
            proof = [bytes.fromhex(each) for each in sent["proof"]]
            known_keys = [
                (PublicKey(each["public"]), each["own"], each["endorsed"])
                for each in sent.get("keys", ())
            ]
        except (KeyError, ValueError, TypeError, AttributeError) as wrong:
            raise NotWitnessed(400, "a seal comes with its old size, proof and keys") from wrong
        with self._turn:
            try:
                said, key = self._signed(seal, known_keys)
                return self._take(said, key, old, proof)
            except BadSignature as wrong:
                raise NotWitnessed(403, str(wrong)) from wrong

    def _signed(
        self, seal: str, history: list[tuple[PublicKey, str, str]]
    ) -> tuple[Statement, PublicKey]:
        """What the seal says, under the key that this log's seals have now."""
        named = {each.kid: each for each, _own, _endorsed in history}.get(kid_of(seal))
        named = named or next((k for k in self._pinned if k.kid == kid_of(seal)), None)
        if named is None:
            raise BadSignature("the seal's key is not among the keys that were sent")
        said = opened_seal(seal, named)
        before = self._known.get(said.origin)
        if before is not None:
            trusted = [PublicKey(before.key)]
        elif self._pinned:
            trusted = self._pinned
        else:
            return said, named
        if named not in trusted:
            self._follow(history, trusted, named)
        return said, named

    def _follow(
        self,
        history: list[tuple[PublicKey, str, str]],
        trusted: list[PublicKey],
        wanted: PublicKey,
    ) -> None:
        """From a key that is trusted to a later one: each signed by the one before."""
        here: PublicKey | None = None
        for public, own, endorsed in history:
            if here is not None:
                check_endorsement(public, own, endorsed, here)
                here = public
            elif public in trusted:
                here = public
            if here == wanted:
                return
        raise BadSignature("signed by a key that no trusted key leads to")

    def _take(self, said: Statement, key: PublicKey, old: object, proof: list[bytes]) -> str:
        before = self._known.get(said.origin)
        now = Known(said.number, said.size, said.root.hex(), key.x)
        if before is not None:
            self._grown(before, said, old, proof)
        if before != now:
            self._keep({**self._known, said.origin: now})
        return self._key.sign(said.payload)

    def _grown(self, before: Known, said: Statement, old: object, proof: list[bytes]) -> None:
        if said.size < before.size or said.number < before.number:
            raise NotWitnessed(409, "the tree has shrunk: a larger one was seen", before.size)
        root = bytes.fromhex(before.root)
        if said.size == before.size:
            if said.root != root or said.number != before.number:
                raise NotWitnessed(409, "a fork: this size was seen otherwise", before.size)
            return
        if said.number == before.number:
            raise NotWitnessed(409, "a fork: this number was seen otherwise", before.size)
        if old != before.size:
            raise NotWitnessed(409, "the proof starts from another size", before.size)
        if not tree.verify_consistency(before.size, root, said.size, said.root, proof):
            raise NotWitnessed(409, "a fork: the tree does not grow from the seen", before.size)

    def _keep(self, known: dict[str, Known]) -> None:
        """On the disk before anything is signed: a witness never forgets what it signed."""
        unfinished = self._file.with_name(self._file.name + ".new")
        with unfinished.open("w") as file:
            json.dump({origin: asdict(each) for origin, each in known.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self._file)
        folder = os.open(self._file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self._known = known


def server(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """An HTTP server for a witness; `serve_forever` runs it."""

    class Door(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            if self.path != PATH:
                return self._answer(404, {"why": f"seals come to {PATH}"})
            try:
                length = int(self.headers.get("Content-Length") or "")
                sent = json.loads(self.rfile.read(length)) if 0 < length <= LARGEST else None
            except (ValueError, RecursionError):
                sent = None
            if not isinstance(sent, dict):
                return self._answer(400, {"why": "send one JSON object"})
            try:
                return self._answer(200, {"cosignature": witness.judge(sent)})
            except NotWitnessed as refused:
                return self._answer(refused.status, {"why": refused.why, "size": refused.size})

        def _answer(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: Any) -> None:
            pass

    return ThreadingHTTPServer((host, port), Door)
