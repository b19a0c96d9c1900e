"""`lims label render` draws a label by hand."""

import json

import pytest
from click.testing import CliRunner

from lims.core import codes
from lims.core.errors import BadInput
from lims.labels import layout, read_png
from lims.labels.commands import label


def run(*arguments, **more):
    return CliRunner().invoke(label, arguments, **more)


def fields(name):
    return [f"--field={key}={value}" for key, value in layout.load(name).example.items()]


@pytest.mark.parametrize("name", layout.names())
def test_a_label_drawn_by_hand_is_copy_00(tmp_path, name):
    file = tmp_path / "label.png"

    result = run("render", name, *fields(name), "--dpi", "203", "--json", "-o", str(file))

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["template"] == name
    ours = [each for each in said["symbols"] if each["symbology"] in ("datamatrix", "code128")]
    assert {codes.parse(each["text"]).copy for each in ours} == {0}
    drawn = sorted((each["symbology"], each["text"].encode()) for each in said["symbols"])
    assert sorted(read_png(file.read_bytes())) == drawn


@pytest.mark.parametrize("kind", ["svg", "pdf", "zpl"])
def test_the_other_formats_are_written(tmp_path, kind):
    file = tmp_path / "label"
    name = "place_50x20"
    assert run("render", name, *fields(name), "--format", kind, "-o", str(file)).exit_code == 0
    assert file.stat().st_size > 300


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["place_50x20", "--field=name=F1"], "code"),
        (["place_50x20", "--field=name=F1", "--field=code=A7K4M29XX"], "code"),
        (["place_50x20", "--field=code=A7K4M29XW"], "name"),
        (["place_50x20", "--field=code=A7K4M29XW", "--field=name=F1", "--dpi=301"], "dpi"),
        (["place_50x20", "--field=code=A7K4M29XW", "--field=name=F1", "--format=gif"], "format"),
        (["place_50x20", "--field=code"], "field"),
        (["place_50x20", "--field=name=F1", "--field=name=F2"], "name"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, arguments, field):
    file = tmp_path / "label.png"

    result = run("render", *arguments, "-o", str(file))

    assert isinstance(result.exception, BadInput)
    assert result.exception.field == field
    assert not file.exists()
