"""A second verifier of the ledger: standard library only, not one line shared with `lims`.

It is handed the rows of the ledger's tables as plain mappings and believes none of them. Where the
first verifier walks a tree step by step, this one follows the recursive definitions of RFC 6962;
where that one calls a library for Ed25519 and RFC 8785, this one computes them from RFC 8032 and
from the rules for the few kinds of values that an entry may hold. So a fault of one is seen by the
other.

    problems(rows)       what does not hold; empty where all does
    canonical(bytes)     whether these are the RFC 8785 bytes of what they say
    included(…)          whether an inclusion proof holds        (RFC 6962 2.1.1)
    consistent(…)        whether a consistency proof holds       (RFC 6962 2.1.2)
    opened(jws, key)     the payload of a compact JWS under Ed25519
"""

import base64
import json
import unicodedata
from hashlib import sha256, sha512

ZERO = b"\x00" * 32


class Wrong(Exception):
    """What was read cannot be what it claims to be."""


# Bytes of an entry


def digest(body):
    """The digest of an entry, which is its leaf in the tree."""
    return sha256(b"\x00" + body).digest()


def parsed(data):
    """The JSON value of these bytes, if they are the one way of writing it."""

    def pairs(found):
        if len({key for key, _value in found}) != len(found):
            raise Wrong("a key twice")
        return dict(found)

    def no(number):
        raise Wrong(f"the number {number}")

    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_float=no, parse_constant=no
        )
    except (ValueError, RecursionError) as why:
        raise Wrong("not JSON in UTF-8") from why
    if written(value) != data:
        raise Wrong("JSON written in another way than RFC 8785 says")
    return value


def canonical(data):
    """Whether these bytes are canonical."""
    try:
        parsed(data)
    except Wrong:
        return False
    return True


def written(value):
    """The RFC 8785 bytes of a value of the kinds that an entry may hold."""
    return _write(value).encode("utf-8", "strict") if _no_surrogate(value) else b""


def _write(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise Wrong(f"the number {value}")
        return str(value)
    if isinstance(value, str):
        if unicodedata.normalize("NFC", value) != value:
            raise Wrong("text that is not in NFC")
        return '"' + "".join(map(_letter, value)) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, dict):
        # By UTF-16 code units, which is not the order of code points.
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in keys) + "}"
    raise Wrong(f"a {type(value).__name__}")


_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _letter(letter):
    if letter in _SHORT:
        return _SHORT[letter]
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x20 else letter


def _no_surrogate(value):
    return not any(
        0xD800 <= ord(letter) < 0xE000 for letter in json.dumps(value, ensure_ascii=False)
    )


# The tree of RFC 6962


def node(left, right):
    """The hash above two."""
    return sha256(b"\x01" + left + right).digest()


def half(size):
    """The largest power of two that is smaller than `size`."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def root(leaves):
    """MTH of section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = half(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def included(leaf, index, size, proof, wanted):
    """Whether the audit path leads from this leaf to this root."""

    def climb(m, n, path):
        if n == 1:
            if path:
                raise Wrong("a proof too long")
            return leaf
        if not path:
            raise Wrong("a proof too short")
        k = half(n)
        if m < k:
            return node(climb(m, k, path[:-1]), path[-1])
        return node(path[-1], climb(m - k, n - k, path[:-1]))

    if not _numbers(index, size) or not 0 <= index < size or not _hashes(leaf, wanted, *proof):
        return False
    try:
        return climb(index, size, list(proof)) == wanted
    except Wrong:
        return False


def consistent(old, old_root, new, new_root, proof):
    """Whether the first `old` leaves stand unchanged in the first `new`."""

    def both(m, n, path, first):
        if m == n:
            if len(path) != (0 if first else 1):
                raise Wrong("a proof of another length")
            return (old_root, old_root) if first else (path[0], path[0])
        if not path:
            raise Wrong("a proof too short")
        k = half(n)
        if m <= k:
            was, now = both(m, k, path[:-1], first)
            return was, node(now, path[-1])
        was, now = both(m - k, n - k, path[:-1], False)
        return node(path[-1], was), node(path[-1], now)

    if not _numbers(old, new) or not 0 < old <= new or not _hashes(old_root, new_root, *proof):
        return False
    try:
        return both(old, new, list(proof), True) == (old_root, new_root)
    except Wrong:
        return False


def _numbers(*values):
    return all(isinstance(each, int) and not isinstance(each, bool) for each in values)


def _hashes(*values):
    return all(isinstance(each, bytes) and len(each) == 32 for each in values)


# Ed25519 as RFC 8032 5.1 and its section 6 give it

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1


def _x_of(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return x if x & 1 == sign else P - x


def _add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def _times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = _add(total, point)
        point = _add(point, point)
        number >>= 1
    return total


def _point(data):
    y = int.from_bytes(data, "little")
    x = _x_of(y & (1 << 255) - 1, y >> 255)
    y &= (1 << 255) - 1
    return None if x is None else (x, y, 1, x * y % P)


_BY = 4 * pow(5, -1, P) % P
BASE = (_x_of(_BY, 0), _BY, 1, _x_of(_BY, 0) * _BY % P)


def signed(public, message, signature):
    """Whether this Ed25519 signature is this key's over this message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % P == 0


# Compact JWS


def _unpacked(text):
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, TypeError) as why:
        raise Wrong("not base64url") from why
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise Wrong("base64url written in another way")
    return data


def kid(public):
    """The id of a raw public key."""
    return sha256(public).hexdigest()[:16]


def opened(jws, public):
    """What this key signed.

    Raises:
        Wrong: it did not.
    """
    parts = jws.split(".")
    if len(parts) != 3:
        raise Wrong("no compact JWS")
    try:
        header = json.loads(_unpacked(parts[0]))
    except ValueError as why:
        raise Wrong("no header") from why
    if header != {"alg": "Ed25519", "kid": kid(public)}:
        raise Wrong("a header of another kind or key")
    if not signed(public, f"{parts[0]}.{parts[1]}".encode(), _unpacked(parts[2])):
        raise Wrong("the signature does not fit")
    return _unpacked(parts[1])


# The whole ledger


def problems(rows):
    """What does not hold in a ledger.

    Args:
        rows: lists of mappings as the tables have them: `entry`, `head`, `pending`, `leaf`, `seal`.

    Returns:
        One line for each, with the stream and number or the seal.
    """
    found = []
    entries = sorted(rows["entry"], key=lambda row: (row["stream"], row["number"]))
    read = {}
    ends = {}
    for row in entries:
        where = f"{row['stream']} {row['number']}"
        number, before = ends.get(row["stream"], (0, ZERO))
        ends[row["stream"]] = (row["number"], row["digest"])
        if digest(row["body"]) != row["digest"]:
            found.append(f"{where}: digest")
        if row["number"] != number + 1 or row["prev"] != before:
            found.append(f"{where}: does not follow")
        try:
            said = parsed(row["body"])
            copies = (said["stream"], said["number"], said["prev"], said["kind"], said["command"])
        except (Wrong, KeyError, TypeError) as why:
            found.append(f"{where}: {why}")
            continue
        stands = (row["stream"], row["number"], row["prev"].hex(), row["kind"], row["command"])
        if copies != stands or said["v"] != 1:
            found.append(f"{where}: its columns")
        read[(row["stream"], row["number"])] = (said, row["digest"].hex())
    for row in rows["head"]:
        if ends.pop(row["stream"], None) != (row["number"], row["digest"]):
            found.append(f"{row['stream']} {row['number']}: head")
    found += [f"{stream} {number}: no head" for stream, (number, _digest) in ends.items()]
    for (stream, number), (said, _digest) in read.items():
        for peer in said["peers"]:
            other = read.get((peer["stream"], peer["number"]), ({"peers": ()}, ""))[0]
            back = {"stream": stream, "number": number}
            if back not in other["peers"] or other["command"] != said["command"]:
                found.append(f"{stream} {number}: peer {peer['stream']} {peer['number']}")
        for parent in said["parents"]:
            there = read.get((parent["stream"], parent["number"]))
            if there is None or there[1] != parent["digest"]:
                found.append(f"{stream} {number}: parent {parent['stream']} {parent['number']}")
    found += _counter_problems(read)
    return found + _sealing_problems(rows, read)


def _counter_problems(read):
    """A counter-entry answers an earlier one of its stream, by its digest, and each only once."""
    found, answered = [], set()
    for (stream, number), (said, _digest) in sorted(read.items()):
        if "counters" not in said["data"]:
            continue
        named = said["data"]["counters"]
        there = read.get((named["stream"], named["number"]))
        wrong = (
            named["stream"] != stream
            or named["number"] >= number
            or there is None
            or there[1] != named["digest"]
            or (stream, named["number"]) in answered
        )
        answered.add((stream, named["number"]))
        if wrong:
            found.append(f"{stream} {number}: answers {named['stream']} {named['number']}")
    return found


def _sealing_problems(rows, read):
    found = []
    by_id = {row["id"]: row["digest"] for row in rows["entry"]}
    leaves, place = [], {}
    for at, row in enumerate(sorted(rows["leaf"], key=lambda each: each["number"])):
        if row["number"] != at or row["entry_id"] not in by_id:
            return [f"leaf {at}: missing, or without entry"]
        leaves.append(by_id[row["entry_id"]])
        place[by_id[row["entry_id"]].hex()] = at
    waits = {row["entry_id"] for row in rows["pending"]}
    sealed = {row["entry_id"] for row in rows["leaf"]}
    found += [f"entry {each}: neither leaf nor waiting" for each in set(by_id) - sealed - waits]
    found += [f"entry {each}: waited and is gone" for each in waits - set(by_id)]
    keys = _keys(read, place, found)
    size, before = 0, ZERO
    for number, row in enumerate(sorted(rows["seal"], key=lambda each: each["number"]), 1):
        try:
            right = [public for at, public in keys if at < row["size"]][-1]
            payload = opened(row["jws"], right)
            said = parsed(payload)
            wanted = {
                "v": 1,
                "origin": said["origin"],
                "number": number,
                "size": row["size"],
                "root": row["root"].hex(),
                "prev": before.hex(),
                "at": said["at"],
            }
            if said != wanted or row["prev"] != before or row["number"] != number:
                found.append(f"seal {number}: says another thing")
            if not size < row["size"] <= len(leaves) or root(leaves[: row["size"]]) != row["root"]:
                found.append(f"seal {number}: root")
            size, before = row["size"], sha256(payload).digest()
        except (Wrong, KeyError, TypeError, IndexError) as why:
            found.append(f"seal {number}: {why}")
    if size != len(leaves):
        found.append(f"leaf {size}: in no seal")
    return found


def _keys(read, place, found):
    """Leaf and raw key of each sealing key, each signed by itself and by the one before."""
    keys = []
    for (stream, number), (said, entry) in sorted(read.items()):
        if stream != "configuration/seal-key" or said["kind"] != "ledger.seal-key":
            continue
        try:
            public = _unpacked(said["data"]["public"])
            jwk = written({"crv": "Ed25519", "kty": "OKP", "x": said["data"]["public"]})
            whole = (
                said["data"]["kid"] == kid(public) and opened(said["data"]["own"], public) == jwk
            )
            if keys:
                whole = whole and opened(said["data"]["endorsed"], keys[-1][1]) == jwk
            else:
                whole = whole and said["data"]["endorsed"] == ""
            if not whole:
                raise Wrong("not taken in as it must")
            if entry in place:
                keys.append((place[entry], public))
        except (Wrong, KeyError, TypeError) as why:
            found.append(f"key {number}: {why}")
    return keys
