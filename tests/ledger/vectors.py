"""Makes the published test vectors: `python -m tests.ledger.vectors`.

For whoever writes a verifier of the ledger of her own. They change with the version of the format
and never otherwise; `test_second_verifier.py` holds both of our verifiers to the file.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lims.core.permissions import Actor
from lims.ledger import rules, tree
from lims.ledger.signatures import PrivateKey, Statement

FILE = Path(__file__).parent.parent / "data" / "ledger" / "vectors.json"
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
# What has made canonical forms differ before: order of keys beyond the BMP, escapes, accents.
DATA = (
    {},
    {"b": 1, "a": [None, True, False, -(2**53) + 1, 2**53 - 1]},
    {"\ue000": "private", "\U0001f600": "emoji", "\u20ac": "euro", "\r": "return", "1": "one"},
    {"text": 'quote " backslash \\ slash / tab \t newline \n bell \x07 delete \x7f'},
    {"lines": "\u2028 and \u2029", "persian": "نمونه‌ی خون قاعدگی", "chinese": "经血样本 50 µL"},
    {"accents": "e\u0301 becomes \u00e9", "volume": "2.500", "empty": ["", [], {}]},
)


def person() -> Actor:
    """Somebody whose ids do not change."""
    return Actor(UUID(int=1), UUID(int=2), "Ana", frozenset(), station="bench-1")


def bodies() -> list[bytes]:
    """One stream of entries with these data."""
    made, prev = [], rules.FIRST
    for number, data in enumerate(DATA, 1):
        made.append(
            rules.body(
                rules.Draft(person(), "item/S7K4M29XC", "test.written", data, "because"),
                number=number,
                prev=prev,
                command=f"command-{number}",
                at=AT,
                rows=[],
                peers=[],
                parents=[],
            )
        )
        prev = rules.digest(made[-1])
    return made


def seals(leaves: list[bytes]) -> list[str]:
    """Two seals by a key that everybody knows, so nobody may use it."""
    key = PrivateKey(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"vectors").digest()))
    first = Statement("b2c3", 1, 3, tree.root(leaves[:3]), bytes(32), AT)
    second = Statement("b2c3", 2, 6, tree.root(leaves[:6]), first.digest, AT)
    return [key.public.x, *(key.sign(each.payload) for each in (first, second))]


def made() -> dict:
    """The whole file."""
    stored = bodies()
    leaves = [hashlib.sha256(b"\x00" + bytes([each])).digest() for each in range(33)]
    entries = [rules.digest(each) for each in stored]
    public, *signed = seals(entries)
    sizes = (1, 2, 3, 4, 7, 8, 9, 31, 32, 33)
    return {
        "version": rules.VERSION,
        "entries": [
            {"body": body.decode(), "digest": rules.digest(body).hex()} for body in stored
        ],
        "not_canonical": [
            '{"b":1,"a":2}', '{"a": 1}', '{"a":1.0}', '{"a":1e2}', '{"a":9007199254740992}',
            '{"a":1,"a":1}', '{"a":"\\u00e9"}', '{"a":"\\/"}', '{"a":"e\u0301"}', '{"a":1}\n',
            '{"\ue000":2,"\U0001f600":1}', '{"a":NaN}', "",
        ],
        "tree": {
            "leaves": [each.hex() for each in leaves],
            "roots": {str(size): tree.root(leaves[:size]).hex() for size in (0, *sizes)},
            "inclusion": [
                {"index": at, "size": size,
                 "proof": [each.hex() for each in tree.inclusion_proof(leaves, at, size)]}
                for size in sizes for at in {0, size // 2, size - 1}
            ],
            "consistency": [
                {"old": old, "new": new,
                 "proof": [each.hex() for each in tree.consistency_proof(leaves, old, new)]}
                for new in sizes for old in sizes if old <= new
            ],
        },
        "seals": {"key": public, "jws": signed},
    }  # fmt: skip


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(made(), indent=1, ensure_ascii=False) + "\n")
