"""Dosing: from a released vial to a woman, and what became of it.

A dose is assigned to one participant, issued into the hands that will give it, thawed, and checked
at her bed by two people. `BEDSIDE` is the gate; it is asked at the first scan, after the witness,
and once more inside the transaction that records the dose as given. Nothing else gives.
"""

from lims.dosing.bedside import (
    ask,
    given,
    not_given,
    start_check,
    verdict_of,
    witness,
)
from lims.dosing.checks import BEDSIDE, validity
from lims.dosing.facts_product import Kept
from lims.dosing.keeping import keep_doses_traceable
from lims.dosing.late import record_from_paper
from lims.dosing.models import (
    Administration,
    BedsideCheck,
    CheckState,
    OutcomeRecord,
    PaperRecord,
)
from lims.dosing.outcomes import record_outcome
from lims.dosing.packing import label_pack, pack_around, pack_by_code
from lims.dosing.queries import (
    Given,
    assignment_of,
    assignments_to,
    check_by_id,
    given_among,
    given_of,
    given_to,
    open_checks,
    outcomes_of,
    paper_of,
    recalled_and_out,
    received_by,
    unconfirmed,
)
from lims.dosing.recalled import came_to
from lims.dosing.supplying import assess, assign, destroy, issue, return_dose, thaw

__all__ = [
    "BEDSIDE",
    "Administration",
    "BedsideCheck",
    "CheckState",
    "Given",
    "Kept",
    "OutcomeRecord",
    "PaperRecord",
    "ask",
    "assess",
    "assign",
    "assignment_of",
    "assignments_to",
    "came_to",
    "check_by_id",
    "destroy",
    "given",
    "given_among",
    "given_of",
    "given_to",
    "issue",
    "keep_doses_traceable",
    "label_pack",
    "not_given",
    "open_checks",
    "outcomes_of",
    "pack_around",
    "pack_by_code",
    "paper_of",
    "recalled_and_out",
    "received_by",
    "record_from_paper",
    "record_outcome",
    "return_dose",
    "start_check",
    "thaw",
    "unconfirmed",
    "validity",
    "verdict_of",
    "witness",
]
