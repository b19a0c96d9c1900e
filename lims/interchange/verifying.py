"""Is this dossier what it says? Asked of a file alone: no database, no network, no trust."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lims.core import clock
from lims.core.words import Text as _
from lims.interchange import checks, container, facts, keys, page, rules
from lims.interchange.checks import Examined, Seals
from lims.interchange.errors import NoDossier, NoKey, SealBeyond
from lims.ledger.signatures import BadSignature, PublicKey, Statement, kid_of, opened_seal

VALID, UNWITNESSED, INVALID = "VALID", "VALID BUT UNWITNESSED", "INVALID"


@dataclass(frozen=True)
class Verdict:
    """What the examination of a dossier came to.

    Attributes:
        dose: which dose the file says it is about.
        seal: the seal everything was proven against; None where it did not hold.
        keys: the ids of the keys that signed, to compare with what one knows from elsewhere.
    """

    dose: str
    found: Examined
    seal: Statement | None
    keys: tuple[str, ...]

    @property
    def word(self) -> str:
        """The verdict; never a bare yes.

        VALID needs a witness and a key from outside: a witness whom only the file names is none.
        """
        if not self.found.ok:
            return INVALID
        return VALID if self.found.witnessed and self.found.trusted else UNWITNESSED

    @property
    def as_of(self) -> datetime | None:
        """The instant of the seal: the trail stood like this then."""
        return self.seal.at if self.seal and self.found.ok else None

    @property
    def why(self) -> str:
        """What did not hold first."""
        wrong = next((row for row in self.found.rows if not row.passed), None)
        return f"{wrong.what}: {wrong.why}" if wrong else ""

    def as_json(self) -> dict[str, Any]:
        """The document of `lims dossier verify --json`."""
        return {
            "ok": self.found.ok,
            "verdict": self.word,
            "trusted": self.found.trusted,
            "witnessed": self.found.witnessed,
            "as_of": clock.text(self.as_of) if self.as_of else None,
            "dose": self.dose,
            "why": self.why or None,
            "seal": {"number": self.seal.number, "size": self.seal.size, "origin": self.seal.origin}
            if self.seal
            else None,
            "keys": list(self.keys),
            "checks": [
                {"what": str(row.what), "passed": row.passed, "why": row.why}
                for row in self.found.rows
            ],
        }


def verify_file(path: Path, key: Path | None = None, seal: Path | None = None) -> Verdict:
    """Verify a dossier in a file.

    Args:
        key: a file with public keys that the reader knows from elsewhere.
        seal: a file with a seal that she knows from elsewhere.

    Raises:
        NoDossier, NoKey, SealBeyond: what cannot be answered at all.
    """
    brought = _keys(key) if key else []
    return verify(_read(path, container.MOST_BYTES), brought, _shown(seal) if seal else "")


def verify(content: bytes, brought: Sequence[PublicKey] = (), shown: str = "") -> Verdict:
    """Verify the bytes of a dossier.

    Raises:
        NoDossier: they are none.
        SealBeyond: the seal shown cannot be compared.
    """
    files, damage = container.unpack(content)
    missing = sorted(set(rules.ALWAYS) - set(files))
    if len(missing) > len(rules.ALWAYS) // 2:
        raise NoDossier(
            _("This zip file is no dossier: it has neither entries nor proofs."), field="file"
        )
    found = Examined()
    _container(found, files, damage, missing)
    if missing:
        return Verdict("", found, None, ())
    return _content(found, files, brought, shown)


def _container(
    found: Examined, files: Mapping[str, bytes], damage: str, missing: Sequence[str]
) -> None:
    found.that(_("The container is as it was written"), damage)
    found.that(_("Nothing is missing from the file"), f"{missing[0]} is missing" if missing else "")
    if not missing:
        wrong = "" if files[rules.MANIFEST] == rules.manifest(files) else _differs(files)
        found.that(_("Every member has the digest that the list gives"), wrong)


def _differs(files: Mapping[str, bytes]) -> str:
    """Which member the manifest does not describe."""
    try:
        listed = {
            each["name"]: each["sha256"] for each in rules.loads(files[rules.MANIFEST])["files"]
        }
    except (ValueError, KeyError, TypeError):
        return "the list itself is damaged"
    for name, content in files.items():
        if name != rules.MANIFEST and listed.get(name) != rules.sha256(content):
            return f"{name} was changed"
    return "the list itself was changed"


def _attempt(call: Callable[[], str]) -> str:
    """What is wrong, where a stranger's bytes may be of any shape."""
    try:
        return call()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as fault:
        return f"it is of another form ({fault})"


def _content(
    found: Examined, files: Mapping[str, bytes], brought: Sequence[PublicKey], shown: str
) -> Verdict:
    entries, wrong = checks.bytes_of(files)
    if not found.that(_("Every entry is in its exact bytes"), wrong):
        return Verdict("", found, None, ())
    digests = [rules.digest(line) for line in files[rules.ENTRIES].split(b"\n")[:-1]]
    found.that(
        _("Every chain is without a gap from its first entry on"),
        _attempt(lambda: checks.chains(entries, digests)),
    )
    found.that(
        _("Entries that name each other are here"),
        _attempt(lambda: checks.named(entries, digests)),
    )
    seal, line, others = _seal(found, files, entries)
    if seal is None or others is None:
        return Verdict("", found, None, ())
    found.that(
        _("Every entry is in the sealed tree"),
        _attempt(lambda: checks.inclusion(files, entries, digests, seal)),
    )
    _witnessed(found, others, seal, line, brought, shown)
    dose = _told(found, files, entries, digests, seal)
    signers = (kid_of(others.seal), *(kid_of(each) for each in others.cosignatures))
    return Verdict(dose, found, seal, signers)


def _seal(
    found: Examined, files: Mapping[str, bytes], entries: Sequence[facts.Entry]
) -> tuple[Statement | None, keys.History, Seals | None]:
    line = keys.history([each for each in entries if each["stream"] == rules.KEYS])
    if not found.that(_("Every key of the seal follows from the one before it"), line.broken):
        return None, line, None
    seal, others, wrong = None, None, ""
    try:
        others = checks.seals(files)
        seal = checks.sealed(others, line)
    except (ValueError, KeyError, TypeError, IndexError) as fault:
        wrong = str(fault) or "it cannot be read"
    if not found.that(_("The seal is signed by its key"), wrong):
        return None, line, others
    return seal, line, others


def _witnessed(
    found: Examined,
    others: Seals,
    seal: Statement,
    line: keys.History,
    brought: Sequence[PublicKey],
    shown: str,
) -> None:
    found.seal = seal
    found.that(
        _("Other seals in it are of the same growing tree"),
        _attempt(lambda: checks.related(others, seal, line)),
    )
    seen: list[PublicKey] = []
    try:
        seen, wrong = checks.witnesses(others, seal, line, brought)
    except ValueError as fault:
        wrong = str(fault)
    if others.cosignatures:
        found.that(_("Every co-signature is of its witness, over this seal"), wrong)
    found.witnessed = bool(seen)
    if brought:
        vouched = {each for one in brought for each in line.after(one)}
        found.trusted = line.keys[-1] in vouched or bool(set(brought) & set(seen))
        found.that(
            _("A key from outside vouches for it"),
            "" if found.trusted else "none of the keys you gave signed here",
        )
    if shown:
        _compared(found, shown, others, seal, line)


def _compared(
    found: Examined, shown: str, others: Seals, seal: Statement, line: keys.History
) -> None:
    try:
        other = opened_seal(shown, *line.keys)
    except BadSignature as fault:
        found.that(_("The seal from outside is of the same tree"), str(fault))
        return
    same = checks.against(other, others, seal, line)
    if same is None:
        raise SealBeyond(
            _(
                "The seal you gave (number %(theirs)s) cannot be compared with that of the "
                "dossier (number %(ours)s): it holds no proof between them. Ask for a dossier "
                "exported with your seal.",
                theirs=other.number,
                ours=seal.number,
            ),
            field="seal",
        )
    found.that(
        _("The seal from outside is of the same tree"),
        "" if same else "it is another tree: one of the two was rewritten",
    )


def _told(
    found: Examined,
    files: Mapping[str, bytes],
    entries: Sequence[facts.Entry],
    digests: Sequence[bytes],
    seal: Statement,
) -> str:
    try:
        dose = str(rules.loads(files[rules.DOSSIER])["dose"])
        said = facts.statement(entries, dose)
        told = facts.Told([each for each in entries if each is not said], dose)
    except (ValueError, KeyError, TypeError) as fault:
        found.that(_("The dossier says what its sealed statement says"), f"{fault}")
        return ""
    summed = rules.dumps(checks.summary(said, seal))
    found.that(
        _("The dossier says what its sealed statement says"),
        "" if summed == files[rules.DOSSIER] else "dossier.json was changed",
    )
    for what, call in (
        (_("Nothing was left out of what it was stated to hold"),
         lambda: checks.stated(entries, digests, said)),
        (_("The lineage and the facts follow from the entries"),
         lambda: checks.facts_agree(told, said)),
        (_("Whoever released and gave it was told yes, or a deviation says otherwise"),
         lambda: checks.gates(told)),
        (_("Donor, recipient and the people at the bed are who they must be"),
         lambda: checks.people(told)),
        (_("Every paper is the one that the entries pin"),
         lambda: checks.papers(files, told, said)),
        (_("The page shows what the dossier holds"), lambda: page.same(files, said["data"])),
    ):  # fmt: skip
        found.that(what, _attempt(call))
    return dose


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as fault:
        raise NoDossier(
            _(
                "%(name)s cannot be read (%(why)s); give the file of a dossier.",
                name=path.name,
                why=fault.strerror or "?",
            ),
            field="file",
        ) from None


def _text(path: Path, field: str) -> str:
    try:
        return _read(path, 1_000_000)[:1_000_000].decode().strip()
    except (NoDossier, UnicodeDecodeError):
        raise NoKey(
            _("%(name)s cannot be read as text; give a file of text.", name=path.name), field=field
        ) from None


def _keys(path: Path) -> list[PublicKey]:
    found = keys.keys_in(_text(path, "key"))
    if not found:
        raise NoKey(
            _(
                "%(name)s holds no Ed25519 public key; give a JWK, a JWK set or a PEM file.",
                name=path.name,
            ),
            field="key",
        )
    return found


def _shown(path: Path) -> str:
    found = keys.seal_in(_text(path, "seal"))
    if not found:
        raise NoKey(
            _("%(name)s holds no seal; give the seal as it is published.", name=path.name),
            field="seal",
        )
    return found


def seal_number(path: Path) -> int:
    """The number of the seal in a file; nothing of it is believed for that.

    Raises:
        NoKey: there is none in it.
    """
    return keys.number_of(_shown(path))
