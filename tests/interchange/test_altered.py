"""Altered dossiers: every one refused, by both verifiers; the unaltered never."""

import random
from collections import Counter

from lims import interchange
from lims.interchange import container, rules
from lims.interchange.errors import NoDossier
from lims.ledger.signatures import PrivateKey
from tests.conftest import SOAK
from tests.interchange.forging import WAYS
from tests.interchange.made import Out, members, out, packed, sealing, second  # noqa: F401


def first_says(content: bytes, keys=()) -> str:
    try:
        return interchange.verify(content, keys).word
    except NoDossier:
        return "no dossier"


def second_says(content: bytes, keys=()) -> str:
    program = second()
    try:
        return program.verify(content, [program.unletter(each.x) for each in keys])[0]
    except program.NoDossier:
        return "no dossier"


def test_H47_H23_every_altered_dossier_is_refused_by_both_verifiers(out: Out, measured):  # noqa: F811
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    files = members(out.witnessed)
    known = [out.witness]
    assert {first_says(out.witnessed, known), second_says(out.witnessed, known)} == {"VALID"}
    accepted, tried = [], Counter()
    for trial in range(500 if SOAK else 2 * len(WAYS)):
        way = WAYS[trial % len(WAYS)]
        altered = way(files, chance)
        if altered == out.witnessed:
            continue
        tried[way.__name__] += 1
        for says in (first_says, second_says):
            # Whoever knows no key is told of every change as well as who does.
            word = says(altered, known if trial % 2 else ())
            if word not in ("INVALID", "no dossier"):
                accepted.append((way.__name__, says.__name__, word, trial))
    print(dict(tried))
    measured("H23", trials=sum(tried.values()), failures=len(accepted), seed=seed)
    measured("H47", trials=2 * sum(tried.values()), failures=len(accepted), seed=seed)
    assert accepted == []


def test_H46_a_dossier_forged_as_a_whole_is_refused_by_whoever_has_a_key(out: Out, measured):  # noqa: F811
    """Nobody can tell a world made anew from its bytes; a key from outside can."""
    trials, accepted = (1000 if SOAK else 20), 0
    for _each in range(trials):
        stranger = PrivateKey.made().public
        accepted += interchange.verify(out.witnessed, [stranger]).word != "INVALID"
        if _each == 0:
            assert second_says(out.witnessed, [stranger]) == "INVALID"
        if not SOAK and _each > 4:
            break
    measured("H46", trials=_each + 1, failures=accepted)
    assert accepted == 0


def test_a_container_packed_anew_by_another_program_is_accepted(out: Out, tmp_path):  # noqa: F811
    """What counts are the members; a mail gateway that packs them again does no harm."""
    import zipfile

    path = tmp_path / "again.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members(out.plain).items():
            zipped.writestr(name, content)
    assert (
        first_says(path.read_bytes()) == second_says(path.read_bytes()) == ("VALID BUT UNWITNESSED")
    )


def test_any_byte_between_the_members_is_found(out: Out):  # noqa: F811
    """Headers, dates and attributes of the zip itself: every byte, one after the other."""
    whole = container.pack({"a": b"one", "b/c": b"two", rules.MANIFEST: b"{}"})
    missed = []
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        try:
            files, damage = container.unpack(changed)
        except NoDossier:
            continue
        if not damage and files == container.unpack(whole)[0]:
            missed.append(at)
    assert missed == []
