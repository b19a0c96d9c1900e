"""The tokens of the look, measured: light and dark, and against the figures of the verdicts."""

import re

import pytest

from lims.web import tokens
from tests.conftest import ROOT

SHEETS = sorted((ROOT / "lims").glob("*/static/**/*.css"))
COLOUR = re.compile(r"#[\da-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\(")
# Paper is white whatever the screen is: barcodes on it are read by a camera.
PAPER = {"background: #fff", "color: #000"}


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize(("over", "under", "least"), tokens.PAIRS)
def test_what_stands_on_what_differs_enough(over, under, least, shade):
    front, back = tokens.colours()[over], tokens.colours()[under]

    assert tokens.contrast(getattr(front, shade), getattr(back, shade)) >= least


@pytest.mark.parametrize(
    ("over", "under", "figure"),
    [
        ("ok-ink", "ok-paper", 14.8),
        ("stop-ink", "stop-paper", 7.8),
        ("ask-ink", "ask-paper", 11.7),
        ("ok-paper", "stop-paper", 6.8),  # in grey: light against dark
    ],
)
def test_the_verdicts_are_as_they_were_agreed(over, under, figure):
    found = tokens.contrast(tokens.colours()[over].light, tokens.colours()[under].light)

    assert round(found, 1) == figure


def test_a_verdict_looks_the_same_in_the_dark():
    kinds = ("ok-", "stop-", "ask-paper", "ask-ink", "wait-")
    verdicts = [each for name, each in tokens.colours().items() if name.startswith(kinds)]

    assert len(verdicts) == 10
    assert all(each.light == each.dark for each in verdicts)


def test_no_size_of_text_is_below_sixteen():
    small = [
        (path.name, found)
        for path in SHEETS
        for found in re.findall(r"font(?:-size)?: [^;}]*?\b(\d+)px", path.read_text())
        if int(found) < 16
    ]

    assert small == []
    assert min(size for name, size in tokens.sizes().items() if name.startswith("text")) >= 16


def test_touch_targets_are_as_large_as_their_rooms_ask():
    sizes = tokens.sizes()

    assert sizes["touch"] >= 48
    assert sizes["touch-station"] >= 80
    assert sizes["touch-bedside"] >= 96


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_colour_is_said_in_one_place(path):
    rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    rules = "\n".join(line for line in rules.splitlines() if not line.lstrip().startswith("--"))
    said = [each.strip() for each in re.split(r"[;{}]", rules) if COLOUR.search(each)]

    assert [each for each in said if each not in PAPER] == []


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_every_token_that_is_used_is_there(path):
    text = path.read_text()
    used = set(re.findall(r"var\(--([\w-]+)", text))
    here = set(re.findall(r"--([\w-]+):", text))

    assert used <= here | set(tokens.colours()) | set(tokens.sizes())
