"""A reason of the program: kept in English, said in the reader's language."""

import re

import pytest

from lims import app  # noqa: F401 - every feature says its reasons
from lims.core import because
from lims.core.words import Text, catalogue, speaking


def test_every_reason_of_the_program_is_known_again_and_said_in_each_language():
    assert len(because._known) >= 18
    for each in because._known:
        for language in ("fa", "zh"):
            assert each.sentence.message in catalogue(language), each.sentence.message


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (
            "consent withdrawn; her choice for the material: keep_for_traceability",
            "consent withdrawn; her choice for the material: keep it for traceability",
        ),
        (
            "temperature of Freezer F1: lower from 2026-MAY-08 06:30Z: excursion",
            "temperature of Freezer F1: lower from 2026-MAY-08 06:30Z: outside its limits",
        ),
        (
            "fill not closed: volumes do not add up; 1 of 3 vials without a label: V7K4M29YJ",
            "fill not closed: volumes do not add up; 1 of 3 vials without a label: V7K 4M2 9YJ",
        ),
        (
            "fill not closed: 90 µL of 2000 µL lost: a drop; and another; not seen",
            "fill not closed: 90 µL of 2000 µL lost: a drop; and another; not seen",
        ),
        ("not-usable: it was warm: -20 °C", "Not usable: it was warm: -20 °C"),
        ("no-effect: the lid, 100 % shut", "Usable: it has no effect on the material: the lid, "
         "100 % shut"),
    ],
)  # fmt: skip
def test_what_is_kept_is_said_in_words_and_not_in_names_of_the_program(kept, said):
    assert str(because.said(kept)) == said
    with speaking("fa"):
        in_persian = str(because.said(kept))
    assert re.search("[\u0600-\u06ff]", in_persian), in_persian


@pytest.mark.parametrize(
    "written",
    [
        "",
        None,
        "broken when it was received",
        "missing when the courier came",
        "temperature of the room: too warm",
        "temperature on the way in our car: excursion",
        "50 % of it spilt: %(reason)s",
        "<b>parent rejected</b>",
    ],
)
def test_what_a_person_wrote_is_shown_as_it_was_written(written):
    with speaking("zh"):
        assert because.said(written) == (written or "")


def test_a_reason_says_what_it_keeps():
    lost = because.Because(Text("%(how)s of %(what)s"), how={"lost": Text("it was lost")})
    try:
        kept = lost.kept(how="lost", what="50 %")
        assert kept == "lost of 50 %"
        assert str(because.said(kept)) == "it was lost of 50 %"
    finally:
        because._known.remove(lost)
