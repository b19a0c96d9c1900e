"""Into the trial: registered, consented, banded, judged, allocated."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from lims import studies
from lims.core import clock, db
from lims.station.rehearsal.stage import Stage, Walk, Woman, days, hours, minutes

_FIRST = ("Laleh", "Mina", "Nasrin", "Ayşe", "Li Na", "Wang Fang", "Zahra", "Elena", "Noor", "Mei")
_LAST = (
    "Ahmadi",
    "Karimi",
    "Zhang",
    "Moradi",
    "Liu",
    "Hosseini",
    "Chen",
    "Rostami",
    "Zhao",
    "Safavi",
)
_JUDGED = True


def made_up(stage: Stage, index: int) -> Woman:
    """A name and a birth date that belong to nobody."""
    chance = stage.chance
    age_days = chance.randint(23 * 366, 38 * 365)
    return Woman(
        index=index,
        name=f"{chance.choice(_FIRST)} {chance.choice(_LAST)} {index + 1:03d}",
        birth_date=clock.now().date() - timedelta(days=age_days),
    )


def enrol(stage: Stage, woman: Woman, *, arm: str = "") -> Walk:
    """From registration to her arm."""
    made = stage.do(
        "clea",
        studies.register,
        study=stage.study,
        name=woman.name,
        birth_date=woman.birth_date,
    )
    woman.number = made["number"]
    yield minutes(10)
    stage.do(
        "clea",
        studies.give_consent,
        number=woman.number,
        form_version="1.2",
        covers=list(_protocol(stage).consent.covers),
        signed_at=clock.now() - minutes(2),
    )
    woman.band = stage.do("clea", studies.issue_wristband, number=woman.number)["code"]
    yield days(1)
    fields, judged = answers(stage, woman)
    stage.sign("ines", studies.sign_eligibility, number=woman.number, fields=fields, judged=judged)
    yield hours(1)
    given = stage.do(
        "ines",
        studies.allocate,
        number=woman.number,
        arm=arm,
        ground="next in the order of arrival" if arm else "",
    )
    woman.arm = given["arm"]


def _protocol(stage: Stage) -> studies.Protocol:
    with db.reading() as session:
        return studies.protocol_of(studies.study_by_code(session, stage.study))


def answers(stage: Stage, woman: Woman) -> tuple[dict[str, Any], dict[str, bool]]:
    """Fields of a woman who may be enrolled, and the criteria a clinician judges."""
    today = clock.now().date()
    read = _protocol(stage)
    age = (today - woman.birth_date).days * 4 // 1461
    chance = stage.chance
    known: Mapping[str, Any] = {
        "failed_transfer_cycles": chance.randint(3, 5),
        "good_quality_embryos_transferred": chance.randint(3, 9),
        "conceived_from_them": False,
        "age": age,
        "height": "165 cm",
        "weight": f"{chance.randint(54, 74)} kg",
        "measured_on": _day(today),
        "sex": "female",
        "AFC": chance.randint(7, 15),
        "AMH": f"1.{chance.randint(2, 9)} ng/mL",
        "previous_tcra": True,
        "tcra_date": _day(today - days(400)),
        "prp_date": _day(today - days(200)),
        "transfer_cycles": chance.randint(1, 3),
        "transfer_cycle_thickness": f"5.{chance.randint(1, 9)} mm",
        "consent_in_force": True,
        "infection_results_present": True,
        "infection_found": False,
        "allergy_to_component": False,
        "untreated_submucosal_fibroid": False,
        "fibroid_size": "0 cm",
        "adenomyosis": False,
        "uterine_malformation": False,
        "endometrial_polyps": False,
        "hydrosalpinx_size": "0 cm",
        "significant_vaginal_discharge": False,
        "endometriotic_cyst_size": "0 cm",
        "surgery_date": _day(today + days(30)),
        "other_trial_date": "never",
    }
    fields = {name: known.get(name, True) for name in read.fields}
    judged = {each.id: _JUDGED for each in read.criteria if each.text is not None}
    return fields, judged


def _day(day: date) -> str:
    return day.isoformat()


def sealed_list(stage: Stage) -> str:
    """A list of blocks of four in chance order, as an external service would make it."""
    read = _protocol(stage)
    treated = [arm.code for arm in read.arms.values() if arm.product]
    control = [arm.code for arm in read.arms.values() if not arm.product]
    size = read.allocation.block_size or 4
    rows: list[str] = []
    for _block in range(-(-max(read.allocation.target, 120) // size)):
        block = (treated + control) * (size // len(read.arms))
        stage.chance.shuffle(block)
        rows += block
    return "\n".join(rows) + "\n"
