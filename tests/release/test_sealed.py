"""A release is sealed at once, and its certificate prints the seal that stood at its signing."""

import io

import pypdf
import pytest

from lims import custody, ledger, release
from lims.core import db, queue
from lims.core.gate import GateStopped
from lims.ledger import keys
from tests.laboratory import PASSWORD
from tests.ledger.sealed import key_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Sender:
    """What is sent to the worker, and whether what it is about was committed by then."""

    def __init__(self):
        self.sent = []

    def send_task(self, name, **_more):
        self.sent.append((name, db.in_transaction()))


@pytest.fixture
def sent(tmp_path):
    """Every message to the worker."""
    sender = Sender()
    queue.use(sender)
    key_in(tmp_path)
    yield sender.sent
    keys._place.clear()
    queue.use(None)


def asked(sent):
    return [each for each in sent if each[0] == "ledger.seal"]


def printed(lot):
    with db.reading() as session:
        pdf = release.certificate_of(session, custody.find(session, lot).id).pdf
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_certificate_before_any_seal_says_so_and_its_release_asks_for_one(laboratory, sent):
    lot = laboratory.awaiting()
    laboratory.confirm_units()
    assert asked(sent) == []

    laboratory.release(laboratory.rosa, lot, reason="purity is reported only")

    assert asked(sent) == [("ledger.seal", False)]
    assert "nothing had been sealed yet" in printed(lot)


def test_a_certificate_prints_the_newest_seal_whole(laboratory, sent):
    lot = laboratory.awaiting()
    laboratory.confirm_units()
    ledger.seal()

    laboratory.release(laboratory.rosa, lot, reason="purity is reported only")

    with db.reading() as session:
        seal = ledger.newest_seal(session)
    text = printed(lot)
    root = seal.root.hex()
    assert " ".join(root[at : at + 16] for at in range(0, 64, 16)) in text
    assert f"no. {seal.number} over {seal.size} entries" in text
    assert seal.key_id in text


def test_a_rejection_asks_for_a_seal_and_a_refused_release_does_not(laboratory, sent):
    lot = laboratory.awaiting(S14=("0.5", "[IU]/mL"))
    laboratory.confirm_units()
    with pytest.raises(GateStopped):
        laboratory.release(laboratory.rosa, lot, reason="please")
    assert asked(sent) == []

    release.reject(laboratory.rosa, code=lot, reason="endotoxin", password=PASSWORD)

    assert asked(sent) == [("ledger.seal", False)]
