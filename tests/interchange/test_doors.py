"""The dossier through the page and the API."""

from lims import interchange
from tests.dosing.test_doors import Caller, Tablet, web  # noqa: F401
from tests.interchange.made import give, sealing  # noqa: F401


def test_the_api_answers_with_the_dossier(web, bed, sealing):  # noqa: F811
    dose = give(bed)
    answer = Caller(web, bed, "adel").get(f"/doses/{dose}/dossier")
    assert answer.status_code == 403
    for login in ("quin", "sora"):
        answer = Caller(web, bed, login).get(f"/doses/{dose}/dossier?language=fa")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        assert answer.content_type == "application/zip"
        assert f'filename="dossier-{dose}.zip"' in answer.headers["Content-Disposition"]
        assert interchange.verify(answer.data).word == "VALID BUT UNWITNESSED"
    lot = Caller(web, bed, "quin").get(f"/doses/{bed.world.first.lot}/dossier")
    assert lot.status_code == 422
    strange = Caller(web, bed, "quin").get(f"/doses/{dose}/dossier?language=tlh")
    assert strange.status_code == 422


def test_the_page_of_a_dose_offers_it_to_whoever_may(web, bed, sealing):  # noqa: F811
    dose = give(bed)
    link = f'href="/doses/{dose}/dossier"'
    tablet = Tablet(web, bed, "quin")
    tablet.get(f"/items/{dose}")
    assert link in tablet.text
    answer = tablet.client.get(f"/doses/{dose}/dossier")
    assert interchange.verify(answer.data).found.ok
    tablet.get(f"/items/{bed.world.first.lot}")
    assert "/dossier" not in tablet.text
    other = Tablet(web, bed, "tara")
    other.get(f"/items/{dose}")
    assert link not in other.text
    assert other.client.get(f"/doses/{dose}/dossier").status_code == 403
