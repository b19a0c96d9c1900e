"""Drawing a label against the least work that could do it: `make bench`.

1. One label as ZPL, against a bare string template (Jinja, compiled once) filled with the same
   fields and codes. A burst prints one template many times: the fields of a lot are the same, the
   code differs, and so do the figures of a dose.
2. One label as PNG, read back, against the same symbol drawn by the bare libraries (python-barcode
   onto Pillow for bars, zxing-cpp for a DataMatrix), saved as PNG and read back by bare zxing-cpp.

`python tests/bench/bench_labels.py --profile` says where the time goes.
"""

import argparse
import cProfile
import io
import pstats
import re
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import barcode
import jinja2
import zxingcpp
from PIL import Image

from lims.core import codes
from lims.labels import LabelContent, layout, render, zpl
from lims.labels.drawing import draw

AIMS = {"zpl": 0.5, "png": 0.6}
COUNT, ROUNDS = 100, 7


def contents(name):
    """A burst: one template, other codes, other figures, the fields of one lot."""
    template = layout.load(name)
    fields = {key: value for key, value in template.example.items() if key != "code"}
    return template, [
        (
            fields | ({"readback": f"{at * 97 % 10_000:04d}"} if "readback" in fields else {}),
            codes.draw(template.code_letters[0]),
            1,
        )
        for at in range(COUNT)
    ]


def ours_zpl(template, many):
    for fields, code, copy in many:
        zpl.stream(draw(template, fields, code, copy))


def escaped(value):
    """What a field says, with what a printer would take for a command in hex."""
    return re.sub(
        r"[^ !#-\]`-}]",
        lambda found: "".join(f"_{byte:02X}" for byte in found[0].encode()),
        value,
    )


def bare_zpl(template, many):
    """The stream of one label with its fields cut out and filled in again."""
    fields, code, copy = many[0]
    text = zpl.stream(draw(template, fields, code, copy)).decode()
    text = text.replace(codes.symbol(code, copy), "{{ payload }}")
    text = text.replace(codes.grouped(code), "{{ code }}")
    for name, value in fields.items():
        if len(value) > 3:
            text = text.replace(zpl.field_data(value), f"{{{{ {name} }}}}")
    made = jinja2.Environment(autoescape=False).from_string(text)

    def run(many):
        for each, code, copy in many:
            made.render(
                payload=codes.symbol(code, copy),
                code=codes.grouped(code),
                **{name: escaped(value) for name, value in each.items()},
            ).encode()

    return run


def ours_png(template, many):
    for fields, code, copy in many:
        render(LabelContent(template.name, fields, code, copy), "png")


def bare_png(template, _many):
    dots = template.symbols[0].module_dots
    wide = round(float(template.width_mm) / 25.4 * 300)
    tall = round(float(template.height_mm) / 25.4 * 300)
    bars = template.symbols[0].symbology == "code128"

    def run(many):
        for _fields, code, copy in many:
            payload = codes.symbol(code, copy)
            label = Image.new("1", (wide, tall), 1)
            if bars:
                bits = barcode.Code128(payload).build()[0]
                row = bytes(0 if each == "1" else 255 for each in bits for _dot in range(dots))
                label.paste(Image.frombytes("L", (len(row), 94), row * 94), (60, 60))
            else:
                made = zxingcpp.create_barcode(
                    payload, zxingcpp.BarcodeFormat.DataMatrix, force_square=True
                ).to_image(scale=dots, add_quiet_zones=True)
                square = Image.frombytes("L", made.shape[::-1], bytes(memoryview(made)))
                label.paste(square, (4, 4))
            file = io.BytesIO()
            label.save(file, "PNG")
            with Image.open(io.BytesIO(file.getvalue())) as picture:
                found = zxingcpp.read_barcodes(picture.convert("L"), try_downscale=False)
            if [each.text for each in found] != [payload]:
                raise SystemExit("the baseline does not read what it drew")

    return run


def timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(kind, name) -> float:
    """The median over interleaved rounds of bare time over ours."""
    template, many = contents(name)
    ours = ours_zpl if kind == "zpl" else ours_png
    bare = (bare_zpl if kind == "zpl" else bare_png)(template, many)
    ours(template, many[:3])
    ratios, mine, theirs = [], [], []
    for _round in range(ROUNDS):
        _template, many = contents(name)  # codes that nobody has drawn before
        theirs.append(timed(partial(bare, many)))
        mine.append(timed(partial(ours, template, many)))
        ratios.append(theirs[-1] / mine[-1])
    print(
        f"{kind} {name}: ratio {median(ratios):.2f} (aim {AIMS[kind]}), "
        f"{median(mine) / COUNT * 1e3:.2f} ms a label, bare {median(theirs) / COUNT * 1e3:.2f} ms"
    )
    return median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    if parser.parse_args().profile:
        template, many = contents("dose_vial_38x25")
        for call in (ours_zpl, ours_png):
            call(template, many)
            profile = cProfile.Profile()
            profile.runcall(call, template, many)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(25)
        return
    for kind in AIMS:
        for name in ("dose_vial_38x25", "lot_label_75x40"):
            measure(kind, name)


if __name__ == "__main__":
    main()
