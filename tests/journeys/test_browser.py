"""One dose from the cup to "given" in headless Chromium, every stage by its own page.

With EXOTRACE_SCREENSHOT=1 the walk also takes the picture that the README shows.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lims import custody, dosing, ledger, studies
from lims.core import clock, db
from lims.studies import protocol
from tests.journeys import given as entered
from tests.journeys.walking import (
    PASSWORD,
    PIN,
    ZONE,
    Walk,
    badge,
    figures,
    file,
    label,
    practising,
)

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
STUDY = "IRCT20210228050535N2"
NAME = "Laleh Ahmadi"
PEOPLE = {
    "tara": ("Tara Jamshidi", "technician"),
    "ana": ("Ana Moreau", "analyst"),
    "quin": ("Quin Abara", "qc_officer"),
    "rosa": ("Rosa Etxeberria", "qc_officer"),
    "pari": ("Pari Sohrabi", "pharmacist"),
    "clea": ("Clea Nasrin", "clinician"),
    "cyra": ("Cyra Okonjo", "clinician"),
    "ines": ("Ines Varga", "investigator"),
    "sora": ("Sora Bright", "sponsor"),
}
# Kinds that the walk must leave on the streams, each by the stage that writes it.
KINDS = {
    "studies.loaded", "studies.units-confirmed", "studies.list-imported", "studies.delegated",
    "studies.registered", "studies.consented", "studies.banded", "studies.eligible",
    "studies.allocated", "collection.kit-prepared", "collection.kit-issued",
    "collection.collected", "collection.received", "collection.accepted", "collection.marker",
    "culture.isolated", "culture.passaged", "culture.seeded", "culture.harvested",
    "isolation.lot-made", "isolation.filled", "isolation.vial-filled", "labels.stuck",
    "isolation.fill-closed", "qc.file-read",
    "qc.result-entered", "qc.reviewed", "qc.submitted", "release.released", "release.available",
    "dosing.assigned", "dosing.issued", "dosing.thawed", "dosing.assessed", "dosing.checked",
    "dosing.not-given", "dosing.witnessed", "dosing.given", "dosing.received", "dosing.outcome",
    "studies.transfer-planned", "studies.transfer-confirmed", "studies.transfer-done",
}  # fmt: skip


@pytest.fixture
def walk(chromium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """A site of its own that opens tomorrow at eight, and a browser at its bench."""
    home = tmp_path / "home"
    for name in [each for each in os.environ if each.startswith("LIMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LIMS_HOME", str(home))
    monkeypatch.setenv("LIMS_TIME_ZONE", ZONE.key)
    tomorrow = (datetime.now(ZONE) + timedelta(days=1)).replace(
        hour=8, minute=0, second=0, microsecond=0
    )
    standing = clock.SetClock(tomorrow.astimezone(UTC))
    with practising(home) as address, clock.running(standing):
        context = chromium.new_context(
            base_url=address, viewport={"width": 1366, "height": 768}, locale="en-GB"
        )
        context.set_default_timeout(30_000)
        yield Walk(context.new_page(), home, standing)
        context.close()


def test_a_dose_walks_from_cup_to_given_by_its_pages(walk: Walk):
    theatre, freezer = opened(walk)
    number, band, birth_date = enrolled(walk)
    tube = collected(walk, number, birth_date)
    pool = grown(walk, tube)
    lot, dose = made(walk, pool, freezer)
    measured_and_reviewed(walk, lot)
    refused_before_release(walk, band, dose)
    released(walk, lot)
    supplied(walk, number, dose, theatre)
    given(walk, band, dose, number)
    followed_up(walk, number)

    walk.becomes("clea", f"/items/{dose}")
    assert walk.page.locator("b.state[data-state=administered]").inner_text() == "given"
    with db.reading() as session:
        found = ledger.verify(session)
        kinds = {each.kind for each in ledger.newest(session, limit=10_000)}
        row = dosing.given_of(session, custody.find(session, dose).id)
    assert found.ok, found.breaks
    assert kinds >= KINDS, sorted(KINDS - kinds)
    assert (row.delivered_ul, row.residual_ul) == (2000, 80)


# The stages, in their order


def opened(walk: Walk) -> tuple[str, str]:
    """A site opens: people, places, the study, its units, its list, who may act on it."""
    for login, (name, role) in PEOPLE.items():
        walk.act("adel", "/accounts", "/people", login=login, name=name,
                 password=PASSWORD, pin=PIN, **{role: True})  # fmt: skip
    for officer in ("quin", "rosa"):
        walk.act(officer, "/label-designs/approval", "/label-designs", password=PASSWORD)
    places = {}
    for name, kind, temperature in (
        ("Transfer room", "ward", "room"),
        ("Freezer F2, rack 3", "freezer", "-80C"),
    ):
        walk.act("adel", "/places", "/", name=name, kind=kind, temperature_class=temperature)
        (places[kind],) = walk.codes()
    shipped = next(each for each in protocol.shipped() if STUDY.lower() in each.name)
    walk.act("adel", "/study-files", "/studies",
             document=file(shipped.name, shipped.read_bytes()))  # fmt: skip
    assert walk.page.url.endswith(f"/studies/{STUDY}")
    walk.act("sora", f"/studies/{STUDY}/units-confirmation", password=PASSWORD)
    walk.act("sora", f"/studies/{STUDY}/allocation-list",
             content=file("sealed.txt",
                          b"IRCT-EXO\nIRCT-CTL\nIRCT-CTL\nIRCT-EXO\n" * 11))  # fmt: skip
    for login in ("clea", "cyra", "pari", "ines"):
        walk.act("ines", f"/studies/{STUDY}/delegations", login=login, role=PEOPLE[login][1],
                 trained_at=walk.now() - timedelta(days=30),
                 valid_until=walk.now() + timedelta(days=400))  # fmt: skip
    return places["ward"], places["freezer"]


def enrolled(walk: Walk) -> tuple[str, str, date]:
    """Registered, consented, banded, judged, in an arm by the sealed list."""
    birth_date = entered.born(walk.now().astimezone(ZONE).date())
    walk.later(minutes=5)
    walk.act("clea", f"/studies/{STUDY}/participants", kind="participant", name=NAME,
             birth_date=birth_date)  # fmt: skip
    number = walk.page.url.rpartition("/")[2]
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, STUDY))
    walk.later(minutes=10)
    walk.act("clea", f"/participants/{number}/consents", form_version="1.2",
             signed_at=walk.now() - timedelta(minutes=2),
             **dict.fromkeys(read.consent.covers, True))  # fmt: skip
    walk.act("clea", f"/participants/{number}/wristband")
    with db.reading() as session:
        band = studies.live_band(session, studies.subject_by_number(session, number).id).code
    walk.later(hours=24)
    answers = entered.fit(walk.now().astimezone(ZONE).date())
    walk.act(
        "ines", f"/participants/{number}/eligibility", password=PASSWORD,
        **{name: answers.get(name, True) for name in read.fields},
        **{each.id: True for each in read.criteria if each.text is not None},
    )  # fmt: skip
    walk.later(minutes=30)
    walk.act("ines", f"/participants/{number}/allocation")
    assert "IRCT-EXO" in walk.said()
    assert NAME not in walk.text()
    return number, band, birth_date


def collected(walk: Walk, number: str, birth_date: date) -> str:
    """A kit for her, her cup, her blood; both received, the markers negative."""
    her = {"stated_name": NAME, "stated_birth_date": birth_date}
    soon = walk.now().date() + timedelta(days=200)
    path = walk.act("tara", f"/studies/{STUDY}/kits", device_lot="CUP-114",
                    device_expires_on=soon)  # fmt: skip
    kit = path.rpartition("/")[2]
    walk.later(hours=3)
    tube = walk.act("clea", f"/kits/{kit}/issue", participant=number,
                    **her).rpartition("/")[2]  # fmt: skip
    walk.later(days=6)
    walk.act(
        "clea", f"/specimens/{tube}/collection", kit=label(walk.home, kit)[0],
        collected_at=walk.now() - timedelta(minutes=5), cycle_day=2, cup_in_place=("3.5", "h"),
        active_infection=False, medium="PBS, penicillin, streptomycin", medium_lot="TRM-118",
        medium_expires_on=soon, **her,
    )  # fmt: skip
    blood = walk.act(
        "clea", f"/participants/{number}/blood", purpose="blood-for-tests",
        drawn_at=walk.now() - timedelta(minutes=3), volume=("8", "mL"), anticoagulant="none",
        anticoagulant_lot="SST-77", **her,
    ).rpartition("/")[2]  # fmt: skip
    walk.later(hours=5)
    for code, volume in ((tube, "7.2"), (blood, "8")):
        walk.act(
            "tara", f"/specimens/{code}/receipt", label_matches=True, seal_intact=True,
            leaked=False, received_at=walk.now() - timedelta(minutes=5),
            temperature_min=("3", "Cel"), temperature_max=("7", "Cel"), volume=(volume, "mL"),
            appearance="dark red, no odour", clots=False, decision="accept",
        )  # fmt: skip
    walk.later(hours=20)
    for marker in entered.MARKERS:
        walk.act(
            "ana", f"/specimens/{blood}/markers", marker=marker, state="negative",
            material="serum", nucleic_acid=marker in entered.NUCLEIC,
            sampled_at=walk.now() - timedelta(hours=25, minutes=3),
        )  # fmt: skip
    return tube


def grown(walk: Walk, tube: str) -> str:
    """Cells isolated, three passages with their counts, conditioned medium."""
    medium = {
        "medium": "alpha-MEM, 10 % hPL",
        "medium_lot": "MED-2291",
        "medium_expires_on": walk.now().date() + timedelta(days=200),
    }
    walk.act(
        "tara", f"/specimens/{tube}/isolation", route="density-gradient", nucleated_cells=200_000,
        vessel="T75", area_cm2=75, antibiotic=True, **medium,
    )  # fmt: skip
    (flask,) = walk.codes()
    vessels = [flask]
    for wait, living, seeded in (
        (120, 1_600_000, [500_000]),
        (84, 3_200_000, [500_000, 500_000]),
        (80, 4_300_000, [700_000] * 3),
    ):
        walk.later(hours=wait)
        walk.act(
            "tara", f"/cultures/{vessels[0]}/passage", total_cells=round(living / 0.95),
            viability_percent="95", confluence_percent="76", seeded=seeded, vessel="T175",
            area_cm2=175, antibiotic=False, **medium,
        )  # fmt: skip
        vessels = walk.codes()
        assert len(vessels) == len(seeded)
    walk.later(hours=108)
    path = walk.act(
        "tara", f"/cultures/{vessels[0]}/harvest", flasks=vessels[1:], medium_kind="serum_free",
        washes=3, started_at=walk.now() - timedelta(hours=48),
        ended_at=walk.now() - timedelta(minutes=10), total_cells=12_000_000,
        viability_percent="95", confluence_percent="82", volume=("60", "mL"),
    )  # fmt: skip
    return path.rpartition("/")[2]


def made(walk: Walk, pool: str, freezer: str) -> tuple[str, str]:
    """A lot by ultracentrifugation, one vial of it, into the freezer."""
    walk.later(hours=6)
    path = walk.act(
        "tara", f"/harvests/{pool}/isolation", method="ultracentrifugation",
        rotor="fixed angle 70, serial 1147", filtered=False, formulation="PBS, 5 % sucrose",
        started_at=walk.now() - timedelta(hours=5),
        ended_at=walk.now() - timedelta(minutes=5), volume=("3.25", "mL"),
        **entered.ultracentrifugation(),
    )  # fmt: skip
    lot = path.rpartition("/")[2]
    walk.later(hours=1)
    walk.act("tara", f"/lots/{lot}/fill", doses=["2.08"], qc=("0.8", "mL"),
             retained=("0.3", "mL"), waste=("0.02", "mL"))  # fmt: skip
    (dose,) = [each.rpartition("/")[2] for each in walk.links("/items/V")]
    assert walk.page.get_attribute("[data-fill-open]", "data-fill-open") == "3"
    for path in (*walk.links("/items/V"), *walk.links("/items/Q")):
        symbol = label(walk.home, path.rpartition("/")[2])[0]
        walk.act("tara", "/labels/sticking", f"/lots/{lot}", scanned=symbol)
    walk.act("tara", f"/lots/{lot}/fill/closing")
    walk.act("tara", f"/items/{dose}/moves", to=label(walk.home, freezer)[0])
    return lot, dose


def measured_and_reviewed(walk: Walk, lot: str) -> None:
    """Files read, every other test by its own page, a second person's review, handed on."""
    began = walk.now()
    walk.later(hours=2)
    walk.becomes("ana", f"/lots/{lot}")
    (sample,) = [each.rpartition("/")[2] for each in walk.links("/items/Q") if _is_for_tests(each)]
    walk.act(
        "ana", f"/samples/{sample}/particles", dilution="1000",
        file=file("nta.csv", entered.particles(sample), "text/csv"),
    )  # fmt: skip
    walk.act(
        "ana", f"/samples/{sample}/protein", sample_name="SPL1", dilution="20",
        standard_unit="ug/mL", file=file("bca.txt", entered.protein(sample)),
    )  # fmt: skip
    walk.goto(f"/lots/{lot}/results")
    asked = [each.rpartition("/")[2] for each in walk.links(f"/lots/{lot}/results/")]
    assert set(asked) <= set(entered.RESULTS), asked
    for test in sorted(asked, key=lambda each: entered.LATER.get(each, 0)):
        due = began + timedelta(days=entered.LATER.get(test, 0))
        if walk.now() < due:
            walk.later(seconds=(due - walk.now()).total_seconds())
        results(walk, lot, test)
    walk.act("ana", f"/lots/{lot}/derived-results")
    walk.later(hours=3)
    walk.act("quin", f"/lots/{lot}/review", password=PASSWORD)
    walk.act("quin", f"/lots/{lot}/submission")


def results(walk: Walk, lot: str, test: str) -> None:
    """One test by its page."""
    walk.act("ana", f"/lots/{lot}/results/{test}", **entered.RESULTS[test])


def _is_for_tests(path: str) -> bool:
    with db.reading() as session:
        kind = custody.find(session, path.rpartition("/")[2]).kind
    return kind is custody.ItemKind.QC_SAMPLE


def at_step_two(walk: Walk, band: str, dose: str) -> None:
    """The giver scans the band, hears her say who she is, scans the dose."""
    walk.becomes("clea", "/bedside")
    walk.scan("#f-band", band)
    next_page(walk)
    assert NAME in walk.text()
    walk.enter("form[data-act]", name_agrees=True, birth_date_agrees=True)
    next_page(walk)
    walk.scan("#f-dose", dose)
    next_page(walk)


def next_page(walk: Walk) -> None:
    """Go on in the bedside's steps."""
    with walk.page.expect_navigation(wait_until="domcontentloaded"):
        walk.page.click("form[data-act] button.main")
    walk.looked()


def refused_before_release(walk: Walk, band: str, dose: str) -> None:
    """A dose of a lot that nobody released: STOP, four lines, nothing given."""
    at_step_two(walk, band, dose)
    stop = walk.page.locator("[data-verdict=stop]")
    assert "STOP: DO NOT GIVE" in stop.inner_text()
    said = [each.strip() for each in stop.locator("dd").all_inner_texts()]
    assert len(said) == 4
    assert all(said)
    assert not walk.page.locator("form[action$='/given']").count()
    walk.enter("form.not-given", reason="its lot is not released", dose_went="the freezer")
    with walk.page.expect_navigation(wait_until="domcontentloaded"):
        walk.page.click("form.not-given button")
    walk.looked()
    assert "NOT GIVEN" in walk.text()
    with db.reading() as session:
        item = custody.find(session, dose)
        assert item.state is custody.State.FILLED
        assert dosing.given_of(session, item.id) is None


def released(walk: Walk, lot: str) -> None:
    """By a third person, who did nothing else on it."""
    walk.later(hours=2)
    walk.act("rosa", f"/lots/{lot}/release", meaning="released", password=PASSWORD,
             reason="purity band reported; the trial sets no limit that stops")  # fmt: skip
    assert walk.page.locator("[data-state=released]").count()
    walk.speaks("fa", "rtl")
    walk.speaks("en", "ltr")


def supplied(walk: Walk, number: str, dose: str, theatre: str) -> None:
    """Transfer planned and confirmed; the dose hers, in the giver's hands, thawed; she is fit."""
    walk.later(hours=24)
    walk.act("pari", f"/doses/{dose}/assignment", participant=number)
    walk.later(minutes=20)
    walk.act("pari", f"/doses/{dose}/issue", to=badge("clea"), place=label(walk.home, theatre)[0])
    walk.later(minutes=10)
    walk.act("clea", f"/items/{dose}/acceptance", condition="cold, seal intact")
    walk.act("ines", f"/participants/{number}/transfer-plan",
             planned_at=walk.now() + timedelta(hours=47, minutes=30))  # fmt: skip
    walk.act("ines", f"/participants/{number}/transfer-plan/confirmation")
    walk.act(
        "ines", f"/participants/{number}/assessment", fever=False, infection=False,
        bleeding=False, pregnancy_test="negative",
        pregnancy_tested_on=walk.now().astimezone(ZONE).date(), password=PASSWORD,
    )  # fmt: skip
    walk.act("clea", f"/doses/{dose}/thaw", kept="room")
    walk.later(minutes=15)


def given(walk: Walk, band: str, dose: str, number: str) -> None:
    """Two people at the bed, the gate between them and the dose."""
    with db.reading() as session:
        arm = studies.protocol_of(studies.study_by_code(session, STUDY)).arm("IRCT-EXO")
    at_step_two(walk, band, dose)
    looked = {
        "other_trial_asked", "seal_intact", "cap_matches", "appearance_good", "fully_thawed",
        "label_readable", "label_matches", "precautions", "emergency_kit", "emergency_staff",
    }  # fmt: skip
    asked = [each for each in looked if walk.page.locator(f"form[data-act] [name={each}]").count()]
    walk.enter(
        "form[data-act]", **dict.fromkeys(asked, True), device=arm.device, route=arm.route,
        device_lot="DEV-4410", device_expires_on=walk.now().date() + timedelta(days=300),
    )  # fmt: skip
    next_page(walk)
    assert "NOT YET: second person" in walk.text(), walk.text()[:1500]
    assert figures(walk.home, dose) not in walk.page.content()
    walk.now.forward(minutes=3)
    witness = "form[action$='/witness']"
    walk.scan(f"{witness} [name=band]", band)
    walk.scan(f"{witness} [name=dose]", dose)
    walk.enter(witness, login="cyra", figures=figures(walk.home, dose), password=PASSWORD)
    walk.send(witness, "the second person")
    assert "MAY BE GIVEN" in walk.text(), walk.text()[:1500]
    picture(walk)
    walk.now.forward(minutes=5)
    now = walk.now()
    walk.enter(
        "form.given", drawn_up_at=now - timedelta(minutes=3), draw_up_witnessed=True,
        started_at=now - timedelta(minutes=2), ended_at=now - timedelta(minutes=1),
        sites=["2"], residual=("0.08", "mL"), wasted=("0", "mL"), password=PASSWORD,
    )  # fmt: skip
    walk.send("form.given", "GIVEN")
    assert "GIVEN" in walk.page.inner_text("[data-verdict=ok]")


def followed_up(walk: Walk, number: str) -> None:
    """The transfer, and what became of it."""
    walk.later(days=2)
    walk.act("clea", f"/participants/{number}/transfer",
             done_at=walk.now() - timedelta(minutes=30))  # fmt: skip
    walk.later(days=14)
    walk.act(
        "clea", f"/participants/{number}/outcomes/chemical_pregnancy",
        observed_on=walk.now().astimezone(ZONE).date(), hcg=("212", "m[IU]/mL"),
        cut_off=("25", "m[IU]/mL"),
    )  # fmt: skip


def picture(walk: Walk) -> None:
    """The README's picture, where it is asked for: the answer at the bed."""
    if os.environ.get("EXOTRACE_SCREENSHOT"):
        (ROOT / "docs").mkdir(exist_ok=True)
        walk.page.evaluate("document.fonts.ready.then(() => scrollTo(0, 0))")
        walk.page.screenshot(path=str(ROOT / "docs" / "screenshot.png"))
