"""Every sentence that a person may read is there in every language, with the same places in it."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from lims.core.words import LANGUAGES, Exact, Text, catalogue, speaking

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"%\((\w+)\)s")
METHODS = [("lims/**.py", "python"), ("lims/**/templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "Text": None}


def sentences() -> set[str]:
    """The sentences that stand in the sources and templates."""
    found = extract_from_dir(
        ROOT,
        method_map=METHODS,
        options_map={"lims/**/templates/**.html": {"encoding": "utf-8"}},
        keywords=KEYWORDS,
    )
    return {message for _file, _line, message, *_rest in found if isinstance(message, str)}


SENTENCES = sentences()


def test_the_sources_are_really_read():
    assert "Scan anything" in SENTENCES or len(SENTENCES) > 1000


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_no_sentence_lacks_a_language(language):
    missing = sorted(SENTENCES - set(catalogue(language)))

    assert not missing, f"{len(missing)} sentences have no {language}: {missing[:5]}"


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_a_translation_has_the_places_of_its_sentence(language):
    wrong = [
        message
        for message, said in catalogue(language).items()
        if sorted(PLACE.findall(message)) != sorted(PLACE.findall(said))
    ]

    assert not wrong, wrong[:5]


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_no_catalogue_keeps_what_nobody_says(language):
    stale = sorted(set(catalogue(language)) - SENTENCES)

    assert not stale, f"{len(stale)} sentences are said no more: {stale[:5]}; run make words"


def test_a_sentence_inside_a_sentence_speaks_the_same_language():
    inner = Text("dose")
    with speaking("en"):
        assert str(Text("%(what)s: %(why)s", what=inner, why="x")) == "dose: x"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (Text("%(count)s vials filled", count=12), "۱۲"),
        (Text("%(minutes)s min ago, %(standing)s", minutes=7, standing="ok"), "۷"),
        # What was written somewhere, and what is compared with print, keeps its digits.
        (Text("%(count)s vials filled", count="12"), "12"),
        (Text("%(number)s entries", number=12), "12"),
        (Text("%(code)s is blocked. Put it aside and call quality.", code="V7K 4M2 9YJ"), "7"),
    ],
)
def test_a_count_in_a_persian_sentence_has_persian_digits(sentence, said):
    assert said in sentence.spoken("fa")
    for language in ("en", "zh"):
        assert not re.search("[۰-۹]", sentence.spoken(language))


def test_a_figure_and_its_unit_stay_on_one_line_in_persian():
    with speaking("fa"):
        assert str(Exact("-80.5 °C")) == "\u2066-80.5\u00a0°C\u2069"
        assert str(Exact("2.000 mL, 5.0E10 /mL")) == "\u20662.000\u00a0mL, 5.0E10 /mL\u2069"
    assert str(Exact("-80.5 °C")) == "-80.5 °C"
