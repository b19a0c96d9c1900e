"""What is asked of a dossier, one row for each thing; all of it offline, none of it on trust.

The order is that of the argument: the bytes, the chains, the statement of what belongs to the
dossier, the tree, the seal, its keys and witnesses; then what the entries say: the facts, the
gates, the people, the papers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lims.core.words import Text as _
from lims.interchange import facts, keys, rules
from lims.interchange.facts import Entry, Told
from lims.ledger import tree
from lims.ledger.signatures import PublicKey, Statement, kid_of, opened, opened_seal

YES = ("ok", "ask")
GIVEN = ("dosing.given", "dosing.given-on-paper")
FINAL_GATES = {"release.released": "release", **dict.fromkeys(GIVEN, "bedside")}


@dataclass(frozen=True)
class Row:
    """One thing that was looked at."""

    what: _
    passed: bool
    why: str = ""


@dataclass
class Examined:
    """Everything that was looked at, and what it showed."""

    rows: list[Row] = field(default_factory=list)
    seal: Statement | None = None
    witnessed: bool = False
    trusted: bool = False

    def that(self, what: _, wrong: str = "") -> bool:
        """Note a row; it passed where nothing is wrong."""
        self.rows.append(Row(what, not wrong, wrong))
        return not wrong

    @property
    def ok(self) -> bool:
        """Whether everything passed."""
        return all(row.passed for row in self.rows)


def bytes_of(files: Mapping[str, bytes]) -> tuple[list[Entry], str]:
    """The entries, and what is wrong with their bytes."""
    lines = files[rules.ENTRIES].split(b"\n")
    if lines.pop() != b"":
        return [], "the last line does not end"
    found = []
    for at, line in enumerate(lines, 1):
        try:
            entry = rules.loads(line)
            _shape(entry)
        except (ValueError, KeyError, TypeError) as fault:
            return [], f"line {at}: {fault}"
        found.append(entry)
    order = [(each["stream"], each["number"]) for each in found]
    if order != sorted(set(order)):
        return [], "the entries are not in their order, each once"
    return found, "" if found else "there are no entries"


def _shape(entry: Any) -> None:
    """Raise unless it is an entry as this version writes them."""
    wanted = {
        "v": int, "stream": str, "number": int, "prev": str, "kind": str, "command": str,
        "at": str, "actor": dict, "data": dict, "rows": list, "reason": str, "peers": list,
        "parents": list, "device_at": str,
    }  # fmt: skip
    if not isinstance(entry, dict) or entry.get("v") != 1:
        raise ValueError("no entry of a known version")
    if "marks" in entry:  # something was odd about its time; then the machine is named as well
        wanted |= {"marks": list, "host": str}
    if set(entry) != set(wanted) or entry["number"] < 1:
        raise ValueError("an entry of another form")
    if any(type(entry[name]) is not kind for name, kind in wanted.items()):
        raise ValueError("an entry of another form")
    rules.unhexed(entry["prev"])
    if [*sorted(entry["actor"])] != ["account", "by", "person", "station"]:
        raise ValueError("an entry without its actor")
    for change in entry["rows"]:
        if set(change) != {"table", "id", "set"} or not all(
            isinstance(pair, list) and len(pair) == 2 for pair in change["set"].values()
        ):
            raise ValueError("an entry with changes of another form")
    for each in (*entry["peers"], *entry["parents"]):
        if not isinstance(each["stream"], str) or type(each["number"]) is not int:
            raise ValueError("an entry that names another in another form")


def chains(entries: Sequence[Entry], digests: Sequence[bytes]) -> str:
    """Every stream from its first entry on, without a gap, each naming the digest before it."""
    last: dict[str, tuple[int, bytes]] = {}
    for entry, digest in zip(entries, digests, strict=True):
        number, prev = last.get(entry["stream"], (0, bytes(32)))
        if entry["number"] != number + 1:
            return f"{entry['stream']}: entry {number + 1} is missing"
        if entry["prev"] != prev.hex():
            return f"{entry['stream']} {entry['number']} does not follow from the one before"
        last[entry["stream"]] = (entry["number"], digest)
    return ""


def named(entries: Sequence[Entry], digests: Sequence[bytes]) -> str:
    """Peers and parents that entries name are here, or of streams left outside as a whole."""
    here = {
        (entry["stream"], entry["number"]): digest.hex()
        for entry, digest in zip(entries, digests, strict=True)
    }
    commands = {(entry["stream"], entry["number"]): entry["command"] for entry in entries}
    streams = {entry["stream"] for entry in entries}
    for entry in entries:
        me = f"{entry['stream']} {entry['number']}"
        for each in (*entry["peers"], *entry["parents"]):
            other = (each["stream"], each["number"])
            if each["stream"] in streams and other not in here:
                return f"{me} names {other[0]} {other[1]}, which is missing"
        for each in entry["peers"]:
            other = (each["stream"], each["number"])
            if other in here and commands[other] != entry["command"]:
                return f"{me} and its peer {other[0]} {other[1]} are of two acts"
        for each in entry["parents"]:
            other = (each["stream"], each["number"])
            if other in here and here[other] != each["digest"]:
                return f"{me} grew from another {other[0]} {other[1]}"
    return ""


def stated(entries: Sequence[Entry], digests: Sequence[bytes], statement: Entry) -> str:
    """The streams are those of the statement, up to the very entries that it names."""
    heads = {
        entry["stream"]: (entry["number"], digest.hex())
        for entry, digest in zip(entries, digests, strict=True)
    }
    own = heads.pop(statement["stream"])
    if own[0] != statement["number"]:
        return "its last entry is not the statement of what it holds"
    wanted = {
        each["stream"]: (each["number"], each["digest"]) for each in statement["data"]["heads"]
    }
    for stream in sorted(set(wanted) | set(heads)):
        if wanted.get(stream) != heads.get(stream):
            return f"{stream} ends elsewhere than it was stated to"
    return ""


def summary(statement: Entry, seal: Statement) -> dict[str, Any]:
    """What `dossier.json` says: the statement, and where and when it was made."""
    return {
        "format": rules.FORMAT,
        "v": rules.VERSION,
        "origin": seal.origin,
        "made_at": statement["at"],
        **{name: value for name, value in statement["data"].items() if name != "heads"},
        "streams": statement["data"]["heads"],
    }


def inclusion(
    files: Mapping[str, bytes],
    entries: Sequence[Entry],
    digests: Sequence[bytes],
    seal: Statement,
) -> str:
    """Every entry is a leaf of the sealed tree, each its own, in the order of its stream."""
    proofs = rules.loads(files[rules.PROOFS])
    if set(proofs) != {"v", "size", "proofs"} or proofs["v"] != rules.VERSION:
        return "the proofs are of another form"
    if rules.whole(proofs["size"]) != seal.size or len(proofs["proofs"]) != len(entries):
        return "the proofs are for another tree or for other entries"
    seen: set[int] = set()
    last: dict[str, int] = {}
    for entry, digest, proof in zip(entries, digests, proofs["proofs"], strict=True):
        me = f"{entry['stream']} {entry['number']}"
        if set(proof) != {"leaf", "path"}:
            return f"{me}: a proof of another form"
        leaf = rules.whole(proof["leaf"])
        path = [rules.unhexed(each) for each in proof["path"]]
        if leaf in seen or leaf <= last.get(entry["stream"], -1):
            return f"{me}: its leaf is another's"
        if not tree.verify_inclusion(digest, leaf, seal.size, path, seal.root):
            return f"{me} is not in the sealed tree"
        seen.add(leaf)
        last[entry["stream"]] = leaf
    return ""


@dataclass(frozen=True)
class Seals:
    """`seals.json` as it was read; nothing of it is believed yet."""

    seal: str
    cosignatures: tuple[str, ...]
    newest: str
    consistency: tuple[bytes, ...]
    earlier: tuple[tuple[str, tuple[bytes, ...]], ...]
    witnesses: tuple[PublicKey, ...]


def seals(files: Mapping[str, bytes]) -> Seals:
    """Read `seals.json`.

    Raises:
        ValueError, KeyError, TypeError: it is of another form.
    """
    found = rules.loads(files[rules.SEALS])
    if set(found) != {"v", "seal", "cosignatures", "newest", "consistency", "earlier", "witnesses"}:
        raise ValueError("the seals are of another form")
    for each in found["witnesses"]:
        if each != PublicKey(each["x"]).jwk:
            raise ValueError("a witness's key is of another form")
    return Seals(
        found["seal"],
        tuple(found["cosignatures"]),
        found["newest"],
        tuple(rules.unhexed(each) for each in found["consistency"]),
        tuple(
            (each["seal"], tuple(rules.unhexed(one) for one in each["consistency"]))
            for each in found["earlier"]
        ),
        tuple(PublicKey(each["x"]) for each in found["witnesses"]),
    )


def sealed(found: Seals, line: keys.History) -> Statement:
    """The seal, where the newest key of the history made it.

    Raises:
        BadSignature: it did not.
    """
    return opened_seal(found.seal, line.keys[-1])


def related(found: Seals, seal: Statement, line: keys.History) -> str:
    """Every other seal in the dossier is of the same growing tree."""
    others = [*found.earlier, *([(found.newest, found.consistency)] if found.newest else [])]
    if not found.newest and found.consistency:
        return "a proof to a newer seal that is not there"
    for jws, proof in others:
        other = opened_seal(jws, *line.keys)
        if other.origin != seal.origin:
            return "a seal of another installation"
        older, newer = sorted((other, seal), key=lambda each: each.number)
        if older.number == newer.number or not tree.verify_consistency(
            older.size, older.root, newer.size, newer.root, list(proof)
        ):
            return f"seals {older.number} and {newer.number} are not of one growing tree"
    return ""


def witnesses(
    found: Seals, seal: Statement, line: keys.History, brought: Sequence[PublicKey]
) -> tuple[list[PublicKey], str]:
    """Who co-signed this very seal, and what is wrong with a co-signature."""
    known = {each.kid: each for each in (*found.witnesses, *brought)}
    own = {each.kid for each in line.keys}
    seen: list[PublicKey] = []
    for jws in found.cosignatures:
        kid = kid_of(jws)
        if kid in own:
            return [], "the seal's own key stands as a witness"
        if kid not in known:
            continue  # nobody here knows the witness; whoever does brings its key
        if opened(jws, known[kid]) != seal.payload:
            return [], f"the witness {kid} signed something else"
        seen.append(known[kid])
    if len(set(seen)) != len(seen):
        return [], "a witness stands twice"
    return seen, ""


def against(other: Statement, found: Seals, seal: Statement, line: keys.History) -> bool | None:
    """Whether a seal from outside is of the same tree; None where nothing here can tell."""
    if other.origin != seal.origin:
        return False
    if other.number == seal.number:
        return other == seal
    if other.size == seal.size:
        return other.root == seal.root
    # `related` has shown these to be of our tree already.
    shown = [opened_seal(jws, *line.keys) for jws, _proof in found.earlier]
    shown += [opened_seal(found.newest, *line.keys)] if found.newest else []
    for each in shown:
        if each.number == other.number or each.size == other.size:
            return each == other or (each.number != other.number and each.root == other.root)
    return None


def facts_agree(told: Told, statement: Entry) -> str:
    """The statement says what the entries say, and the whole line of the dose is here."""
    said = statement["data"]
    for name, value in told.stated().items():
        if said.get(name) != value:
            return f"the statement says of {name} what the entries do not"
    streams = {entry["stream"] for entry in told.entries}
    wanted = {f"item/{told.code(each)}" for each in told.line}
    for row in (told.recipient(), told.donor()):
        if row:
            wanted.add(f"participant/{row['number']}")
    if said["study"]:
        wanted.add(f"study/{said['study']}")
    missing = sorted(wanted - streams)
    return f"{missing[0]} is missing" if missing else ""


def gates(told: Told) -> str:  # noqa: PLR0911 - one for each way to fail
    """Whoever released and whoever gave was told yes, and the record keeps the whole answer."""
    streams = facts.by_stream(told.entries)
    given = told.given() is not None
    lot = told.code(told.lot_id) if told.lot_id else ""
    released = [e for e in streams.get(f"item/{lot}", []) if e["kind"] == "release.released"]
    done = [e for e in streams[f"item/{told.dose}"] if e["kind"] in GIVEN]
    if given and not released:
        return "it was given, and nobody released its lot"
    if given != bool(done):
        return "what was given and the bedside's entry disagree"
    for entry in (*released, *done):
        gate = entry["data"]["gate"]
        me = f"{entry['stream']} {entry['number']}"
        if gate["gate"] != FINAL_GATES[entry["kind"]]:
            return f"{me} holds the answer of another gate"
        if excused(entry):
            continue
        results = [row["result"] for row in gate["rows"]]
        if gate["verdict"] not in YES or set(results) - {"passed", "warned"} or not results:
            return f"{me}: the gate did not say yes"
        if gate["verdict"] != ("ask" if "warned" in results else "ok"):
            return f"{me}: the verdict does not follow from its rows"
        if "warned" in results and not entry["reason"].strip():
            return f"{me}: a warning was passed over without a reason"
    return ""


def excused(entry: Entry) -> bool:
    """Whether it was entered from paper, and what had not been in order stands as a deviation.

    The record of a mishap is no worse a record: the dossier shows it and holds.
    """
    return entry["kind"] == "dosing.given-on-paper" and bool(entry["data"]["finding"])


def people(told: Told) -> str:
    """Own cells came from the woman they went to; two people stood at the bed."""
    given, recipient, donor = told.given(), told.recipient(), told.donor()
    rule = told.donor_rule()
    if recipient and donor and not any(map(excused, told.entries)):
        same = recipient["number"] == donor["number"]
        if rule == "recipient" and not same:
            return "the arm asks for her own cells, and donor and recipient are two"
        if rule == "other" and same:
            return "the arm asks for another donor, and she is her own"
    if given and not given["witness_id"]:
        return "nobody witnessed it"
    if given and given["operator_id"] == given["witness_id"]:
        return "whoever gave it was her own witness"
    return ""


def papers(  # noqa: PLR0911 - one for each way to fail
    files: Mapping[str, bytes], told: Told, statement: Entry
) -> str:
    """Every file is the one that the entries pin."""
    pinned, said = told.papers(), statement["data"]
    names = {each["name"]: each["sha256"] for each in said["files"]}
    strange = sorted(set(files) ^ {*rules.ALWAYS, *names})
    if strange:
        return f"{strange[0]} is not among what was stated"
    for name, stated_digest in names.items():
        if rules.sha256(files[name]) != stated_digest:
            return f"{name} is not the file that was stated"
    wanted = {rules.STUDY: pinned.study.encode(), rules.SITE: pinned.site.encode()}
    if pinned.specification_digest:
        wanted[rules.SPECIFICATION] = rules.dumps(pinned.specification)
        if rules.sha256(wanted[rules.SPECIFICATION]) != pinned.specification_digest:
            return "the specification in the entries has not the digest pinned beside it"
    for name, content in wanted.items():
        if files.get(name) != content:
            return f"{name} is not the one that the entries hold"
    if names.get(rules.CERTIFICATE, "") != pinned.certificate:
        return f"{rules.CERTIFICATE} is not the one that was signed"
    known = [{"sha256": sha, "kind": kind} for sha, kind in pinned.evidence]
    if [{k: e[k] for k in ("sha256", "kind")} for e in said["evidence"]] != known:
        return "the files of instruments are not those of the entries"
    enclosed = {
        rules.EVIDENCE + e["sha256"]: e["sha256"] for e in said["evidence"] if e["included"]
    }
    if {name: sha for name, sha in names.items() if name.startswith(rules.EVIDENCE)} != enclosed:
        return "the files enclosed are not those that were stated"
    if rules.sha256(files[rules.VERIFIER]) != said["verifier"]:
        return f"{rules.VERIFIER} is not the program that was packed"
    return ""
