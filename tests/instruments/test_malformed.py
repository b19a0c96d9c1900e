"""Hazards H15, H20 and H61: what is broken, cut, edited or hostile is refused or marked."""

import os
import random
from pathlib import Path

from lims import instruments

DATA = Path(__file__).parent.parent / "data"
FILES = [
    DATA / "nta" / "beads.csv",
    DATA / "plate-reader" / "endpoint_stdcurve_singleplate.txt",
    DATA / "plate-reader" / "Lowry_Protein_Assay_no_results_matrix.txt",
]
SOAK = os.environ.get("EXOTRACE_SOAK") == "1"
SPICE = [b"\0", b"\xff", b"\n", b"\t", b",", b'"', b"-", b"1E999", b"[", b"Results", b"1_0",
         b"\xe2\x80\xae", b"nan", b"inf", b"=cmd()", b"9" * 60]  # fmt: skip


def outcome(data: bytes) -> tuple[str, object]:
    """`refused`, `marked` (a warning) or `read`; anything else is raised."""
    try:
        reading = instruments.read(data, "x")
    except instruments.NotReadable as refused:
        return f"refused: {refused}", None
    reading.as_json()
    return ("marked" if reading.warnings else "read"), reading.samples


def test_H61_no_damage_ends_in_anything_but_a_refusal_or_a_reading(measured):
    draw = random.Random(61)
    trials = 20000 if SOAK else 240
    failures = []
    for _each in range(trials):
        data = bytearray(draw.choice(FILES).read_bytes())
        for _cut in range(draw.randint(1, 6)):
            at = draw.randrange(len(data))
            match draw.randrange(4):
                case 0:
                    del data[at : at + draw.randint(1, 400)]
                case 1:
                    data[at:at] = draw.choice(SPICE)
                case 2:
                    data[at] = draw.randrange(256)
                case _:
                    end = draw.randrange(len(data))
                    data[at:at] = data[end : end + draw.randint(1, 300)]
            if not data:
                break
        try:
            outcome(bytes(data))
        except Exception as broken:
            failures.append(repr(broken))
    measured("H61", trials=trials, failures=len(failures), seed=61)
    print(f"H61: n={trials}")
    assert not failures, failures[:3]


def test_H20_a_file_cut_short_is_never_read_as_whole(measured):
    draw = random.Random(20)
    trials = 3000 if SOAK else 150
    silent = []
    for _each in range(trials):
        path = draw.choice(FILES)
        whole = path.read_bytes().rstrip()
        cut = draw.randrange(1, len(whole))
        # What was lost must show: as a refusal, or as a warning that the whole file has not.
        before = {str(each.what) for each in instruments.read(path.read_bytes(), "x").warnings}
        try:
            after = instruments.read(whole[:cut], "x").warnings
        except instruments.NotReadable:
            continue
        if not {str(each.what) for each in after} - before:
            silent.append((path.name, cut, whole[:cut][-40:]))
    measured("H20", trials=trials, failures=len(silent), seed=20)
    print(f"H20: n={trials}")
    assert not silent, silent[:3]


def test_H15_nta_figures_off_by_a_factor_or_without_unit_never_pass_silently(measured):
    draw = random.Random(15)
    trials = 1000 if SOAK else 60
    data = FILES[0].read_bytes()
    lines = data.split(b"\r\n")
    at = next(n for n, each in enumerate(lines) if each.startswith(b"Concentration (Part"))
    quiet = {str(each.what) for each in instruments.read(data, "x").warnings}
    silent = []
    for _each in range(trials):
        name, *cells = lines[at].split(b",")
        if draw.random() < 0.5:
            name = draw.choice([b"Concentration", b"Concentration (Particles / ul)", b"",
                                b"Concentration (ug / ml)", b"Particles"])  # fmt: skip
        else:
            which = draw.randrange(13)
            factor = draw.choice([10, 100, 1000, 10000])
            cells[which] = str(int(cells[which]) * factor).encode()
        try:
            after = instruments.read(
                b"\r\n".join([*lines[:at], b",".join([name, *cells]), *lines[at + 1 :]]), "x"
            ).warnings
        except instruments.NotReadable:
            continue
        if not {str(each.what) for each in after} - quiet:
            silent.append((name, cells))
    measured("H15", trials=trials, failures=len(silent), seed=15)
    print(f"H15: n={trials}")
    assert not silent, silent[:3]
