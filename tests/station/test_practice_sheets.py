"""The practice sheets: every code is read from the paper, and each trap does what it says."""

import io
import re

import pypdf
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import select

from lims import studies
from lims.core import codes, db, words
from lims.dosing import downtime, recognising
from lims.labels import OldLabel
from lims.people import actor_for
from lims.release import Certificate
from lims.station import cards, practice_sheets
from lims.station.bench import Bench, Scanned
from lims.station.demo import LEARNER
from lims.station.scanning import scan
from lims.studies import Wristband
from tests import services_here
from tests.station import practice

DPI = 200
LANGUAGES = ("en", "fa", "zh")


def test_every_page_of_a_demonstrations_papers_says_practice(shown):
    with db.reading() as session:
        (_code, paper), *more = session.execute(select(Certificate.lot_id, Certificate.pdf)).all()
    assert more
    sheet = downtime.sheet(actor_for("pari"), code=shown.now["dose"]).get_data()
    for content in (paper, sheet):
        for page in pypdf.PdfReader(io.BytesIO(content)).pages:
            assert "PRACTICE - not for human use" in page.extract_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_demo_sheet_decodes_to_its_text_on_every_page(shown, tmp_path, language):
    with words.speaking(language):
        found = practice.printed(shown)
        content = practice_sheets.draw(found)
    wanted = [card.text for section in found for card in section.cards]
    read, small = [], []
    for page in services_here.paper(content, tmp_path, DPI):
        for each in zxingcpp.read_barcodes(
            Image.open(page), formats=zxingcpp.BarcodeFormat.DataMatrix
        ):
            read.append(each.text)
            across = abs(each.position.top_right.x - each.position.top_left.x)
            small += [each.text] if across / DPI * 25.4 < 15 else []
    assert sorted(read) == sorted(wanted)
    assert small == []
    # Chinese comes back with a nought before each letter.
    found_on = pypdf.PdfReader(io.BytesIO(content)).pages
    texts = [page.extract_text().replace("\x00", "") for page in found_on]
    whole = re.sub(r"\s", "", "".join(texts))
    assert [text for text in wanted if text not in whole] == []
    assert all("PRACTICE" in text for text in texts)


def test_the_sheets_hold_what_is_needed_to_practise(shown):
    found = practice.printed(shown)
    assert [len(each.cards) for each in found] == [3, 12, 10, 2, 2, 20, 6]
    badges, *_rest, traps = found
    assert all(shown.people[LEARNER[0]]["pin"] in each.note for each in badges.cards[:1])
    assert all(each.note for each in traps.cards)
    ours = [card.text for section in found for card in section.cards if not card.gs1]
    assert all(codes.fold(each)[1] == codes.PRACTICE for each in ours)


def test_each_trap_does_what_its_line_says(shown):
    nima = actor_for(LEARNER[0])
    wrong, expired, blocked, old, damaged, band = practice.printed(shown)[-1].cards

    def kind(text: str) -> str:
        return scan(nima, scanned=Scanned(text, "k" * 32), bench=Bench()).panel.kind

    assert [kind(each.text) for each in (expired, blocked)] == ["ask", "ask"]
    assert [kind(each.text) for each in (old, damaged, band)] == ["stop", "stop", "stop"]
    with pytest.raises(OldLabel):
        cards.scanned(nima, code=old.text)
    with pytest.raises(codes.WrongCheckCharacter):
        codes.parse(damaged.text)
    assert wrong.text.startswith(shown.now["dose"])


def test_H28_every_wristband_on_the_sheets_is_a_cancelled_copy_and_is_refused(shown, measured):
    nima = actor_for(LEARNER[0])
    bands = {
        card.text
        for section in practice.printed(shown)
        for card in section.cards
        if card.text.startswith("W")
    }
    assert len(bands) == 3
    with db.reading() as session:
        live = set(session.scalars(select(Wristband.code).where(Wristband.live)))
    refused = [each for each in bands if recognising.recognise(nima, band=each).stop is not None]
    on_arms = [each for each in bands if codes.parse(each).code in live]
    measured("H28", trials=len(bands), failures=len(bands) - len(refused) + len(on_arms))
    assert sorted(refused) == sorted(bands)
    assert on_arms == []
    good = studies.live_band
    with db.reading() as session:
        her = studies.subject_by_number(session, shown.now["participant"])
        band = good(session, her.id)
        assert band is not None
    assert recognising.recognise(nima, band=codes.symbol(band.code, 1)).stop is None
