"""Labels on a sheet lie in its cells, from the one that is free, and are never scaled."""

import io
import json
from itertools import pairwise

import pypdf
import pytest
from click.testing import CliRunner
from PIL import Image

from lims.core import codes
from lims.core.errors import BadInput
from lims.labels import DoesNotFit, layout, sheets
from lims.labels.drawing import draw
from lims.labels.label_commands import label
from lims.labels.symbols import read
from tests import services_here

COMMAND = "command_70x37"


def commands(count: int):
    template = layout.load(COMMAND)
    return [
        draw(template, {"name": f"Command {at}"}, codes.draw("X"), 0, 600) for at in range(count)
    ]


@pytest.mark.parametrize("name", sheets.sheets())
def test_the_cells_of_a_sheet_lie_on_its_page_and_apart(name):
    sheet = sheets.sheet(name)
    last = sheet.corner(sheet.cells - 1)

    assert last[0] + sheet.cell_mm[0] <= sheet.page_mm[0] + 0.01
    assert last[1] + sheet.cell_mm[1] <= sheet.page_mm[1] + 0.01
    assert sheet.pitch_mm[0] >= sheet.cell_mm[0]
    assert sheet.pitch_mm[1] >= sheet.cell_mm[1]
    corners = [sheet.corner(at) for at in range(sheet.cells)]
    assert len(set(corners)) == sheet.cells
    assert all(one[1] <= other[1] for one, other in pairwise(corners))


def test_a_print_begins_at_the_free_label_and_goes_on_overleaf():
    sheet = sheets.sheet("a4_24_70x37")
    pages = pypdf.PdfReader(io.BytesIO(sheets.pdf(commands(30), sheet, start=20))).pages

    assert [page.extract_text().count("Command") for page in pages] == [5, 24, 1]
    places = []
    pages[0].extract_text(
        visitor_text=lambda text, _cm, tm, *_font: (
            places.append((tm[4], tm[5])) if "Command" in text else None
        )
    )
    left, top = sheet.corner(19)
    wanted = ((left + 25) / 25.4 * 72, (297 - top - 9) / 25.4 * 72)
    assert places[0] == pytest.approx(wanted, abs=4)


def test_what_fits_no_cell_or_no_sheet_is_refused():
    sheet = sheets.sheet("a4_65_38x21")
    with pytest.raises(DoesNotFit, match="70 x 37"):
        sheets.pdf(commands(1), sheet)
    good = sheets.sheet("a4_24_70x37")
    for start in (0, 25):
        with pytest.raises(BadInput, match="1 to 24"):
            sheets.pdf(commands(1), good, start=start)
    with pytest.raises(BadInput):
        sheets.pdf([], good)
    with pytest.raises(sheets.NoSheet, match="a4_24_70x37"):
        sheets.sheet("a5")


def test_every_label_of_a_printed_sheet_is_read(tmp_path):
    drawings = commands(9)
    (picture,) = services_here.paper(
        sheets.pdf(drawings, sheets.sheet("a4_24_70x37"), start=2), tmp_path, 300
    )
    with Image.open(picture) as page:
        found = sorted(read(page))

    assert found == sorted(("datamatrix", each.symbols[0].text.encode()) for each in drawings)


def test_the_command_draws_a_sheet_from_a_list(tmp_path):
    file, page = tmp_path / "rows.json", tmp_path / "sheet.pdf"
    file.write_text(json.dumps([{"code": codes.draw("X"), "name": "Undo"}] * 3))

    done = CliRunner().invoke(
        label,
        [
            *("sheet", COMMAND, str(file), "--sheet", "a4_24_70x37", "--start", "23"),
            *("--json", "-o", str(page)),
        ],
    )

    assert json.loads(done.stdout) == {
        "template": COMMAND,
        "sheet": "a4_24_70x37",
        "labels": 3,
        "pages": 2,
    }
    assert len(pypdf.PdfReader(page).pages) == 2


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"code": 1}]', "[" * 100_000])
def test_a_list_that_is_none_is_refused_by_the_file(tmp_path, text):
    file = tmp_path / "rows.json"
    file.write_text(text)
    done = CliRunner().invoke(
        label,
        ["sheet", COMMAND, str(file), "--sheet", "a4_24_70x37", "-o", str(tmp_path / "x.pdf")],
    )
    assert isinstance(done.exception, BadInput)
    assert done.exception.field == "file"
