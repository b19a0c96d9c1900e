"""Labels speak the language of the site, whatever language their technician works in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import combinations

import pytest
from sqlalchemy import select

from lims import labels, settings
from lims.core import clock, db, words
from lims.core.permissions import WORKER
from lims.core.words import Text
from lims.isolation import labelling
from lims.labels import LabelContent, RequestState, layout
from lims.labels.models import LabelRequest
from lims.settings import MissingSetting
from lims.station.rehearsal.leaving import print_labels
from lims.studies import protocol
from tests import bed
from tests.approved import put_in_force

OTHERS = ("fa", "zh")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """The labels of a site that chose this language."""
    labels.speak(language)
    try:
        yield
    finally:
        labels.speak("en")


def drawn() -> list[LabelRequest]:
    """Every label, once what waits was drawn."""
    print_labels()
    with db.reading() as session:
        return list(session.scalars(select(LabelRequest)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", OTHERS)
def test_every_label_of_the_journey_is_drawn_in_the_language_of_the_site(database, language):
    with speaking(language), words.speaking("en"):
        world = bed.build()
        with clock.running(clock.SetClock(world.at)):
            put_in_force()
            made = drawn()

    assert {each.state for each in made} <= {RequestState.DRAWN, RequestState.VERIFIED}
    assert {each.language for each in made} == {language}
    assert len({each.template for each in made}) >= 6
    own = {text for each in made for text in each.fields.values() if not text.isascii()}
    assert Text("conditioned medium").spoken(language) in own
    assert not any("conditioned medium" in each.fields.values() for each in made)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_label_printed_again_speaks_as_it_did_and_its_picture_stays(database):
    with clock.running(clock.SetClock(datetime(2026, 3, 1, tzinfo=UTC))):
        put_in_force()
    with speaking("fa"):
        world = bed.build()
    with clock.running(clock.SetClock(world.at)):
        before = next(each for each in drawn() if each.template == "dose_vial_38x25")
        picture = labels.redraw(WORKER, request_id=before.id).png
        world.stage.do("tara", labels.reprint, code=before.code, reason="It was smudged.")
        after = next(each for each in drawn() if each.code == before.code and each.copy == 2)

        assert (after.language, after.fields) == ("fa", before.fields)
        assert labels.redraw(WORKER, request_id=before.id).png == picture


@pytest.mark.parametrize("language", ["en", *OTHERS])
def test_no_text_of_a_study_is_too_long_for_a_vial_in_any_language(language):
    template, tried, site = layout.load("dose_vial_38x25"), 0, protocol.demonstration_site()
    markers = [
        each.replace("_", " ")
        for which in ("required", "optional")
        for each in site.limit(f"markers.{which}")
    ]
    with speaking(language):
        for path in protocol.shipped():
            read = protocol.load(protocol.read_file(path), site)
            for name in (each for each in read.labels if each.startswith("short_product_")):
                for count in range(len(markers) + 1):
                    for reactive in combinations(markers, count):
                        said = labelling.warning(reactive)
                        fields = dict(template.example) | {
                            "product": read.label(name, language),
                            "route": read.label("short_route", language),
                            "warning": said if isinstance(said, str) else said.spoken(language),
                        }
                        code = fields.pop("code")
                        labels.render(LabelContent(template.name, fields, code, 1, language), "zpl")
                        tried += 1
                        if count > 2:  # how many there are is all that is said of them
                            break
    assert tried > 50


def test_a_language_that_labels_do_not_speak_is_refused_at_the_start(tmp_path):
    given = {"LIMS_HOME": str(tmp_path), "LIMS_LABEL_LANGUAGE": "de"}
    with pytest.raises(MissingSetting, match="de; labels speak one of en, fa, zh"):
        settings.read(given)
    assert settings.read(given | {"LIMS_LABEL_LANGUAGE": "fa"}).label_language == "fa"
