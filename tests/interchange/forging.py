"""Ways to alter a dossier: by accident, and by somebody who repairs whatever can be repaired."""

import base64
import json
import random
from collections.abc import Callable

from lims.interchange import container, rules
from lims.ledger.signatures import PrivateKey
from tests.interchange.made import entries_of, packed, redrawn

Files = dict[str, bytes]
Chance = random.Random


def _flip(content: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def _lines(files: Files) -> list[bytes]:
    return files[rules.ENTRIES].split(b"\n")[:-1]


def _proofs(files: Files) -> dict:
    return json.loads(files[rules.PROOFS])


def _seals(files: Files) -> dict:
    return json.loads(files[rules.SEALS])


def _with(files: Files, **parts: object) -> bytes:
    """Another dossier, its page and its list made again."""
    names = {"proofs": rules.PROOFS, "seals": rules.SEALS, "dossier": rules.DOSSIER}
    again = dict(files)
    for name, value in parts.items():
        if name == "lines":
            again[rules.ENTRIES] = b"".join(line + b"\n" for line in value)  # type: ignore[attr-defined]
        else:
            again[names[name]] = rules.dumps(value)
    return packed(redrawn(again))


def flipped_anywhere(files: Files, chance: Chance) -> bytes:
    return _flip(container.pack(files), chance)


def flipped_member(files: Files, chance: Chance) -> bytes:
    name = chance.choice(sorted(files))
    return packed({**files, name: _flip(files[name], chance)}, honest=True)


def flipped_and_listed(files: Files, chance: Chance) -> bytes:
    name = chance.choice(sorted(set(files) - {rules.MANIFEST}))
    return packed({**files, name: _flip(files[name], chance)})


def dropped_entry(files: Files, chance: Chance) -> bytes:
    lines, proofs = _lines(files), _proofs(files)
    at = chance.randrange(len(lines))
    del lines[at], proofs["proofs"][at]
    return _with(files, lines=lines, proofs=proofs)


def dropped_tail(files: Files, chance: Chance) -> bytes:
    lines, proofs, entries = _lines(files), _proofs(files), entries_of(files)
    last = [
        at
        for at, each in enumerate(entries)
        if at + 1 == len(entries) or entries[at + 1]["stream"] != each["stream"]
    ]
    at = chance.choice(last)
    del lines[at], proofs["proofs"][at]
    return _with(files, lines=lines, proofs=proofs)


def dropped_stream(files: Files, chance: Chance) -> bytes:
    entries, proofs = entries_of(files), _proofs(files)
    gone = chance.choice(sorted({each["stream"] for each in entries}))
    keep = [at for at, each in enumerate(entries) if each["stream"] != gone]
    lines = _lines(files)
    proofs["proofs"] = [proofs["proofs"][at] for at in keep]
    return _with(files, lines=[lines[at] for at in keep], proofs=proofs)


def rewritten_entry(files: Files, chance: Chance) -> bytes:
    """Another reason in an entry, and its whole stream chained again behind it."""
    entries = entries_of(files)
    at = chance.randrange(len(entries))
    entries[at]["reason"] += "!"
    for here in range(at, len(entries) - 1):
        if entries[here + 1]["stream"] != entries[at]["stream"]:
            break
        entries[here + 1]["prev"] = rules.digest(rules.dumps(entries[here])).hex()
    return _with(files, lines=[rules.dumps(each) for each in entries])


def swapped_entries(files: Files, chance: Chance) -> bytes:
    lines = _lines(files)
    one, two = chance.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]
    return _with(files, lines=lines)


def repeated_entry(files: Files, chance: Chance) -> bytes:
    lines, proofs = _lines(files), _proofs(files)
    at = chance.randrange(len(lines))
    lines.insert(at, lines[at])
    proofs["proofs"].insert(at, proofs["proofs"][at])
    return _with(files, lines=lines, proofs=proofs)


def spaced_entry(files: Files, chance: Chance) -> bytes:
    lines = _lines(files)
    at = chance.randrange(len(lines))
    lines[at] = json.dumps(json.loads(lines[at]), ensure_ascii=False).encode()
    return _with(files, lines=lines)


def swapped_proofs(files: Files, chance: Chance) -> bytes:
    proofs = _proofs(files)
    one, two = chance.sample(range(len(proofs["proofs"])), 2)
    listed = proofs["proofs"]
    listed[one], listed[two] = listed[two], listed[one]
    return _with(files, proofs=proofs)


def bent_proof(files: Files, chance: Chance) -> bytes:
    proofs = _proofs(files)
    proof = chance.choice(proofs["proofs"])
    path = proof["path"]
    bend = chance.randrange(7)
    if bend == 0:
        proof["leaf"] += 1
    elif bend == 1:
        proof["path"] = []
    elif bend == 2:
        proof["path"] = [*path, path[-1]]
    elif bend == 3:
        proof["path"] = path[1:]
    elif bend == 4:
        proof["path"] = [path[-1], *path[:-1]]
    elif bend == 5:
        at = chance.randrange(len(path))
        path[at] = _flip(bytes.fromhex(path[at]), chance).hex()
    else:
        proofs["size"] += chance.choice([-1, 1])
    return _with(files, proofs=proofs)


def another_seal(files: Files, chance: Chance) -> bytes:
    """The same words, signed by a key that nobody endorsed; named as itself or as the real one."""
    seals = _seals(files)
    head, payload, _signature = seals["seal"].split(".")
    forger = PrivateKey.made()
    said = json.loads(_unlettered(payload))
    if chance.random() < 0.5:
        said["at"] = "2031-01-01T00:00:00.000000Z"
    signed = forger.sign(rules.dumps(said))
    if chance.random() < 0.5:
        signed = ".".join([head, *signed.split(".")[1:]])
    seals["seal"] = signed
    return _with(files, seals=seals)


def replayed_seal(files: Files, chance: Chance) -> bytes:
    """An older seal of the same ledger in the place of the new one."""
    seals = _seals(files)
    older = chance.choice(seals["earlier"])
    seals |= {"seal": older["seal"], "earlier": [], "cosignatures": [], "witnesses": []}
    return _with(files, seals=seals)


def bent_seal(files: Files, chance: Chance) -> bytes:
    seals = _seals(files)
    parts = seals["seal"].split(".")
    at = chance.randrange(3)
    where = chance.randrange(len(parts[at]))
    letter = chance.choice(sorted(set(rules_letters) - {parts[at][where]}))
    parts[at] = parts[at][:where] + letter + parts[at][where + 1 :]
    seals["seal"] = ".".join(parts)
    return _with(files, seals=seals)


def bent_relation(files: Files, chance: Chance) -> bytes:
    """Another proof between the seals, or none."""
    seals = _seals(files)
    other = chance.choice(seals["earlier"])
    if chance.random() < 0.5 and other["consistency"]:
        other["consistency"] = other["consistency"][:-1]
    else:
        other["consistency"] = [*other["consistency"], "0" * 64]
    return _with(files, seals=seals)


def own_witness(files: Files, chance: Chance) -> bytes:
    """A co-signature over something else, under a key that is given along."""
    seals = _seals(files)
    witness = PrivateKey.made()
    said = json.loads(_unlettered(seals["seal"].split(".")[1]))
    said["size"] += chance.choice([1, 7])
    seals["cosignatures"] = [witness.sign(rules.dumps(said))]
    seals["witnesses"] = [witness.public.jwk]
    return _with(files, seals=seals)


def another_fact(files: Files, chance: Chance) -> bytes:
    dossier = json.loads(files[rules.DOSSIER])
    name = chance.choice(["recipient", "donor", "lot", "state", "given_at", "origin", "software"])
    dossier[name] = dossier[name] + "1"
    return _with(files, dossier=dossier)


def strange_member(files: Files, chance: Chance) -> bytes:
    if chance.random() < 0.5:
        return packed({**files, "evidence/" + "0" * 64: b"more"})
    gone = chance.choice(sorted(set(files) - {rules.MANIFEST}))
    return packed({name: each for name, each in files.items() if name != gone})


def another_page(files: Files, chance: Chance) -> bytes:
    """A page that always says yes."""
    told = files[rules.PAGE].replace(b"verdict();", b"/* yes */;", 1)
    assert told != files[rules.PAGE]
    return packed({**files, rules.PAGE: told})


def another_program(files: Files, chance: Chance) -> bytes:
    return packed({**files, rules.VERIFIER: b"print('VALID')\n"})


def _unlettered(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


rules_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
WAYS: tuple[Callable[[Files, Chance], bytes], ...] = (
    flipped_anywhere, flipped_member, flipped_and_listed, dropped_entry, dropped_tail,
    dropped_stream, rewritten_entry, swapped_entries, repeated_entry, spaced_entry, swapped_proofs,
    bent_proof, another_seal, replayed_seal, bent_seal, bent_relation, own_witness, another_fact,
    strange_member, another_page, another_program,
)  # fmt: skip
