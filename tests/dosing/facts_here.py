"""Facts at the bedside of which everything is right, and what one change makes of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lims.core.gate import Result
from lims.dosing.checks import BEDSIDE
from lims.dosing.facts import (
    Allocation,
    Assessment,
    Band,
    BedsideFacts,
    Consent,
    Custody,
    CycleWindow,
    Device,
    Donor,
    Dose,
    DrawUp,
    Emergency,
    Inspection,
    Kept,
    Limits,
    Lineage,
    Lot,
    Operator,
    Override,
    Participant,
    Plan,
    Session,
    Spoken,
    Storage,
    Thaw,
    TransferWindow,
    Transport,
    Witness,
)

H, M, S = (timedelta(**{unit: 1}) for unit in ("hours", "minutes", "seconds"))
NOW = datetime(2026, 5, 8, 6, 30, tzinfo=UTC)  # 10:00 in Tehran
FET = NOW + 48 * H
BAND, DOSE = "W5K4M29XA", "V7K4M29XC"
HOUSE = Limits(
    check=15 * M,
    sedated_identity=120 * M,
    thaw_room=60 * M,
    thaw_cold=4 * H,
    thaw_warn=Decimal("0.75"),
    thaws=1,
    prp_age=4 * H,
    window_silent=2 * H,
    window_warn=6 * H,
    lead_shortest=24 * H,
    lead_longest=72 * H,
    custody_gap=30 * M,
    pregnancy_test_days=0,
    figures_tries=2,
)
KINDS = ("exo", "cord", "prp")


def good_facts(kind: str = "exo", **changes: Any) -> BedsideFacts:
    """Everything asked, everything right. A change is a group, or a dict of its fields."""
    me, own = "SR-021", kind != "cord"
    donor = Donor.RECIPIENT if own else Donor.OTHER
    flag = True if kind == "cord" else None
    facts = BedsideFacts(
        now=NOW,
        time_zone="Asia/Tehran",
        limits=HOUSE,
        participant=Participant(
            me, study="trial", enrolled=True, eligible=True, visit="dose-1",
            ask_again=not own, asked_again=True if not own else None,
        ),
        consent=Consent(NOW - 90 * 24 * H, True, True, False, NOW - 80 * 24 * H),
        allocation=Allocation(True, kind, flag, donor),
        operator=Operator("p-1", "N. Karimi", True, True, True, True, NOW + H, True),
        witness=Witness("p-2", "L. Rezai", True, True, BAND, DOSE, True, 0, True),
        band=Band(BAND, 1, True, me),
        spoken=Spoken(True, True, NOW - 9 * M, BAND, 1),
        dose=Dose(
            DOSE, study="trial", state="ready-for-use" if kind == "prp" else "thawed",
            allocated_to=me, visit="dose-1", prepared_by=("p-3",), fill_ul=2600,
            expires_at=NOW + 500 * H,
        ),
        lot=Lot(
            "26-017", "ready-for-use" if kind == "prp" else "released", kind, donor, flag,
            NOW + 600 * H, residuals=("penicillin", "albumin"), prp=kind == "prp",
            drawn_at=NOW - H if kind == "prp" else None,
        ),
        lineage=Lineage(
            (me,) if own else ("D-007",), True, (me,), not own, False, not own, True,
        ),
        thaw=None if kind == "prp" else Thaw(NOW - 20 * M, 1, False, Kept.ROOM),
        transport=Transport(ways=1),
        storage=Storage(measured=True),
        custody=Custody(here=True),
        inspection=Inspection(True, True, True, True, True, True),
        window=TransferWindow(48 * H, FET, NOW - H) if kind == "exo"
        else CycleWindow(date(2026, 5, 4), 3, 7),
        plan=Plan(
            1900, 2100, "IUI catheter", "uterine cavity", sites_ul=(2000,), dead_volume_ul=300,
            refused_allergies=("penicillin", "streptomycin", "amphotericin_b"),
        ) if kind == "exo" else Plan(
            1000, 6000, "17G needle", "endometrium", 1000, 1500, 4, (1000, 1200), 100, True
        ),
        device=Device("IUI catheter" if kind == "exo" else "17G needle", "C-88", NOW + 900 * H),
        route="uterine cavity" if kind == "exo" else "endometrium",
        assessment=Assessment(
            NOW - H, True, ("latex",), False, False, False, "negative", date(2026, 5, 8)
        ),
        session=Session(NOW - 10 * M, False, ("tablet-1",)),
        draw_up=DrawUp(NOW - 5 * M, NOW - 3 * M, True),
        emergency=Emergency(True, True),
    )  # fmt: skip
    return changed(facts, **changes)


def changed(facts: BedsideFacts, **changes: Any) -> BedsideFacts:
    """The same facts with some groups, or fields of groups, changed."""
    groups = {
        name: replace(getattr(facts, name), **value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return replace(facts, **groups)


def row(facts: BedsideFacts, check: str) -> Result | None:
    """What one row came to."""
    found = {each.id: each.result for each in BEDSIDE.ask(facts, facts.now).rows}
    return found.get(check)


def why(facts: BedsideFacts, check: str) -> str:
    """Its WHY line, in English."""
    rows = {each.id: each for each in BEDSIDE.ask(facts, facts.now).rows}
    return rows[check].finding.why.spoken("en")


def signed(check: str, role: str = "investigator", **other: Any) -> tuple[Override, ...]:
    """An earlier act, signed by two, with its deviation."""
    return (Override(**{"check": check, "role": role, "by": "p-8", "second": "p-9",
                        "deviation": "DEV-3"} | other),)  # fmt: skip
