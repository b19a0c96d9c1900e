"""Two verifiers, written apart, agree to the bit (H42, H47)."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from lims import ledger
from lims.core import db
from lims.ledger import keys, rules, sealing, signatures, tree
from lims.ledger.models import LedgerEntry, LedgerHead, LedgerLeaf, LedgerPending, LedgerSeal
from tests.conftest import SOAK
from tests.ledger import second_verifier as second
from tests.ledger import vectors
from tests.ledger.tampering import owned, rechain

SEED = 20261127
TABLES = {
    "entry": LedgerEntry,
    "head": LedgerHead,
    "pending": LedgerPending,
    "leaf": LedgerLeaf,
    "seal": LedgerSeal,
}
LETTERS = (
    'aé\u0301\u0915\u093c\ufb33\U0001f600\u2028\u2029\x00\x07\x1f\x7f"\\/\b\f\n\r\t '
    "نمونه‌خون经血样本µΩÅﬁ１２\u200f\ufeff\uffff\U0010ffff"
)


def rows():
    """The ledger's tables as the second verifier takes them."""
    with db.reading() as session:
        return {
            name: [dict(row) for row in session.execute(select(model.__table__)).mappings()]
            for name, model in TABLES.items()
        }


def words(chance, longest=12):
    return "".join(chance.choice(LETTERS) for _each in range(chance.randint(0, longest)))


def value(chance, depth=0):
    """Whatever a service may put into an entry."""
    kinds = [
        lambda: None,
        lambda: chance.random() < 0.5,
        lambda: chance.randint(-(2**60), 2**60),
        lambda: chance.randint(-9, 9),
        lambda: words(chance),
        lambda: Decimal(chance.randint(-(10**9), 10**9)).scaleb(chance.randint(-12, 12)),
        lambda: UUID(int=chance.getrandbits(128)),
        lambda: datetime.fromtimestamp(chance.randint(0, 2**31), UTC),
        lambda: date.fromordinal(chance.randint(700_000, 740_000)),
        lambda: chance.randbytes(4),
        lambda: {words(chance, 3): value(chance, depth + 1) for _n in range(chance.randint(0, 4))},
        lambda: [value(chance, depth + 1) for _n in range(chance.randint(0, 4))],
    ]
    return chance.choice(kinds[:10] if depth > 2 else kinds)()


def test_H42_random_records_are_one_record_for_both_verifiers(
    database, technician, measured, tmp_path
):
    """Written on this database, read back, and recomputed twice."""
    chance = Random(SEED)
    count = 10_000 if SOAK else 300
    keys.use(keys.KeyPlace(tmp_path / "seal.pem", own=True))
    said = {}
    for start in range(0, count, 100):
        with db.transaction():
            for number in range(start, start + 100):
                data = {words(chance, 5): value(chance) for _n in range(chance.randint(0, 6))}
                stream = f"item/{number % 7}"
                ledger.record(technician, stream, "test.written", data, reason=words(chance))
                said[(stream, number // 7 + 1)] = data
    sealing.seal()
    keys._place.clear()

    stored = rows()
    with db.reading() as session:
        first = ledger.verify(session)
    theirs = second.problems(stored)
    wrong = 0
    for row in stored["entry"]:
        if row["kind"] != "test.written":
            continue
        content = second.parsed(row["body"])
        again = rules.rfc8785.dumps(content)
        wrong += not (again == second.written(content) == row["body"])
        wrong += content["data"] != rules.plain(said[(row["stream"], row["number"])])
    measured("H42", trials=count, failures=wrong + len(theirs) + len(first.breaks), seed=SEED)
    assert first.ok, first.breaks[:3]
    assert theirs == []
    assert wrong == 0
    assert len(stored["entry"]) == count + 1


text_ = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain_ = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text_,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text_, inner, max_size=4),
)


@given(plain_)
def test_both_write_the_same_bytes(content):
    content = rules.plain(content)
    data = second.written(content)
    assert data == rules.rfc8785.dumps(content)
    assert second.canonical(data)
    assert json.loads(data) == content


@pytest.fixture(scope="module")
def published():
    return json.loads(vectors.FILE.read_text())


def test_H42_the_published_vectors_hold_for_both(published, measured):
    wrong = []
    for each in published["entries"]:
        body = each["body"].encode()
        wrong += [("digest", each)] * (
            {rules.digest(body).hex(), second.digest(body).hex()} != {each["digest"]}
        )
        wrong += [("bytes", each)] * (not second.canonical(body))
        wrong += [("read", each)] * (rules.read(body).stream != "item/S7K4M29XC")
    wrong += [each for each in published["not_canonical"] if second.canonical(each.encode())]
    leaves = [bytes.fromhex(each) for each in published["tree"]["leaves"]]
    roots = {int(size): bytes.fromhex(each) for size, each in published["tree"]["roots"].items()}
    for size, root in roots.items():
        wrong += [("root", size)] * (
            not tree.root(leaves[:size]) == second.root(leaves[:size]) == root
        )
    for each in published["tree"]["inclusion"]:
        proof = [bytes.fromhex(one) for one in each["proof"]]
        asked = (leaves[each["index"]], each["index"], each["size"], proof, roots[each["size"]])
        wrong += [each] * (not (tree.verify_inclusion(*asked) and second.included(*asked)))
    for each in published["tree"]["consistency"]:
        proof = [bytes.fromhex(one) for one in each["proof"]]
        asked = (each["old"], roots[each["old"]], each["new"], roots[each["new"]], proof)
        wrong += [each] * (not (tree.verify_consistency(*asked) and second.consistent(*asked)))
    key = signatures.PublicKey(published["seals"]["key"])
    raw = signatures._bytes(key.x)
    for number, jws in enumerate(published["seals"]["jws"], 1):
        one, two = signatures.opened(jws, key), second.opened(jws, raw)
        said = second.parsed(two)
        wrong += [jws] * (one != two or said["number"] != number or second.kid(raw) != key.kid)
    count = sum(len(each) for each in (*published["tree"].values(), published["entries"]))
    measured("H42", trials=count, failures=len(wrong), what="published vectors")
    assert wrong == []


def test_the_published_vectors_are_what_this_program_makes(published):
    """A change of the format is a new version, never the old one with other bytes."""
    assert json.loads(json.dumps(vectors.made())) == published


def test_H47_no_altered_proof_is_believed_by_the_second_verifier(measured):
    """Each hash of a proof altered, dropped, doubled, swapped; each number another."""
    accepted = trials = refused = 0
    sizes = range(1, 131) if SOAK else (*range(1, 18), 31, 32, 33, 64, 65)
    leaves = [second.digest(bytes([each])) for each in range(131)]
    flipped = bytes([leaves[0][0] ^ 1]) + leaves[0][1:]
    for size in sizes:
        root = second.root(leaves[:size])
        for index in range(size):
            proof = tree.inclusion_proof(leaves, index, size)
            refused += not second.included(leaves[index], index, size, proof, root)
            forged = [
                (leaves[index], index, size, other, root) for other in altered(proof, flipped)
            ] + [
                (flipped, index, size, proof, root),
                (leaves[index], index, size, proof, flipped),
                (leaves[index], size, size, proof, root),
                (leaves[index], -1, size, proof, root),
                (leaves[index], index, 0, proof, root),
                (leaves[index], (index + 1) % size if size > 1 else 1, size, proof, root),
            ]
            trials += len(forged) + 1
            accepted += sum(second.included(*each) for each in forged)
        for old in range(1, size + 1):
            was = second.root(leaves[:old])
            proof = tree.consistency_proof(leaves, old, size)
            refused += not second.consistent(old, was, size, root, proof)
            forged = [(old, was, size, root, other) for other in altered(proof, flipped)] + [
                (old, flipped, size, root, proof),
                (old, was, size, flipped, proof),
                (0, was, size, root, proof),
                (size + 1, was, size, root, proof),
            ]
            trials += len(forged) + 1
            accepted += sum(second.consistent(*each) for each in forged)
    measured("H47", trials=trials, failures=accepted + refused, what="second verifier")
    assert (accepted, refused) == (0, 0)
    assert trials > 5000


def altered(proof, flipped):
    """Every proof that is this one but for one fault."""
    yield [*proof, flipped]
    yield [flipped, *proof]
    for at, each in enumerate(proof):
        yield [*proof[:at], bytes([each[0] ^ 1]) + each[1:], *proof[at + 1 :]]
        yield [*proof[:at], each[:-1] + bytes([each[-1] ^ 128]), *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[: at + 1], *proof[at:]]
        yield [*proof[:at], each[:31], *proof[at + 1 :]]
        if at and proof[at - 1] != each:
            yield [*proof[: at - 1], each, proof[at - 1], *proof[at + 1 :]]


def test_the_second_verifier_knows_the_signatures_of_rfc_8032():
    """Section 7.1, tests 1 to 3; then each with one bit altered."""
    known = (
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
         "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    )  # fmt: skip
    for each in known:
        public, message, signature = map(bytes.fromhex, each)
        assert second.signed(public, message, signature)
        assert not second.signed(public, message + b"x", signature)
        for at in (0, 31, 32, 63):
            forged = bytearray(signature)
            forged[at] ^= 1
            assert not second.signed(public, message, bytes(forged))
        # The same signature with s + L is a second spelling that RFC 8032 refuses.
        s = int.from_bytes(signature[32:], "little") + second.L
        assert not second.signed(public, message, signature[:32] + s.to_bytes(32, "little"))


def test_both_find_the_same_faults(database, technician, tmp_path):
    keys.use(keys.KeyPlace(tmp_path / "seal.pem", own=True))
    for act in range(4):
        with db.transaction():
            for stream in range(5):
                ledger.record(technician, f"item/{stream}", "test.written", {"n": act})
        sealing.seal()
    keys._place.clear()
    faults = (
        "UPDATE ledger_entry SET kind = 'forged' WHERE stream = 'item/2' AND number = 2",
        "UPDATE ledger_entry SET number = 9 WHERE stream = 'item/2' AND number = 2",
        "DELETE FROM ledger_entry WHERE stream = 'item/3' AND number = 4",
        "DELETE FROM ledger_head WHERE stream = 'item/1'",
        "DELETE FROM ledger_leaf WHERE number = 8",
        "DELETE FROM ledger_seal WHERE number = 2",
        "UPDATE ledger_seal SET size = 3 WHERE number = 4",
    )
    assert second.problems(rows()) == []
    for fault in (*faults, None):
        kept = rows()
        with owned(database) as connection:
            if fault:
                connection.exec_driver_sql(fault)
            else:
                rechain(connection, "item/4", 2, {"reason": "forged"})
        with db.reading() as session:
            assert not ledger.verify(session).ok
        assert second.problems(rows()), fault
        with owned(database) as connection:
            for table in TABLES.values():
                connection.execute(text(f"DELETE FROM {table.__tablename__}"))
            for name, table in TABLES.items():
                if kept[name]:
                    connection.execute(table.__table__.insert(), kept[name])
        assert second.problems(rows()) == []
