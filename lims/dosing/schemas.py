"""What comes in through the doors of dosing."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from lims import custody, labels, studies
from lims.core import clock, db, numbers
from lims.core.errors import NotFound
from lims.core.words import Text
from lims.custody import ItemKind
from lims.dosing import packing
from lims.dosing.facts_product import Kept
from lims.studies.protocol import Field, FieldKind
from lims.web import fields

_ = Text


class PregnancyTest(StrEnum):
    """What the test of the day said."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    NONE = "none"


class AssignIn(fields.Shape):
    """Whom a dose is meant for."""

    participant = fields.Words(
        longest=40, required=True, label=_("Participant"), help=_("Her number, such as SARI-021.")
    )


class IssueIn(fields.Shape):
    """Into whose hands a dose goes."""

    to = fields.Code(
        "P", required=True, label=_("Badge of whoever gives it"), help=_("Scan her badge.")
    )
    place = fields.Code("A", label=_("Where it is taken to"))


KEPT = {
    Kept.ROOM: _("at room temperature (20 to 25 °C)"),
    Kept.COLD: _("cold (2 to 8 °C)"),
}


class ThawIn(fields.Shape):
    """How it is kept from now on."""

    kept = fields.Choice(
        Kept,
        KEPT,
        required=True,
        label=_("Kept after the thaw"),
        help=_("Each has its own time; the clock starts when you send this."),
    )


class ReasonIn(fields.Shape):
    """Why."""

    reason = fields.Words(required=True, lines=True, label=_("Reason"))


class DestroyIn(ReasonIn):
    """Why it is destroyed, and who sees it."""

    witness = fields.Words(
        required=True, longest=80, label=_("Second person"), help=_("Her sign-in name.")
    )
    witness_password = fields.Secret(
        required=True,
        label=_("Password of the second person"),
        help=_("She types it herself, after she has seen it destroyed."),
    )


class AssessmentIn(fields.Shape):
    """Her state today, signed by the investigator."""

    fever = fields.Flag(required=True, label=_("Has she a fever?"))
    infection = fields.Flag(required=True, label=_("Has she a genital or pelvic infection?"))
    bleeding = fields.Flag(required=True, label=_("Is she bleeding?"))
    pregnancy_test = fields.Choice(
        PregnancyTest,
        {
            PregnancyTest.NEGATIVE: _("negative"),
            PregnancyTest.POSITIVE: _("positive"),
            PregnancyTest.NONE: _("none done"),
        },
        required=True,
        label=_("Pregnancy test"),
    )
    pregnancy_tested_on = fields.Day(label=_("Day of the pregnancy test"))
    allergies = fields.Words(
        lines=True,
        label=_("Allergies"),
        help=_("One a line, such as penicillin; leave it empty where she has none."),
    )
    password = fields.Secret(required=True, label=_("Your password, to sign"))


class SeenIn(fields.Shape):
    """What the person giving looked at and asked; all of it may come later, and is pending."""

    other_trial_asked = fields.Flag(label=_("Is she still in no other trial? Ask her."))
    seal_intact = fields.Flag(label=_("Seal whole, container without a crack?"))
    cap_matches = fields.Flag(label=_("Code on the cap as on the container?"))
    appearance_good = fields.Flag(label=_("Clear, without clumps, colour as it should be?"))
    fully_thawed = fields.Flag(label=_("Fully thawed, no ice left?"))
    label_readable = fields.Flag(label=_("Label readable?"))
    label_matches = fields.Flag(label=_("Product, volume and participant on the label right?"))
    precautions = fields.Flag(label=_("Biohazard label read, precautions accepted?"))
    device = fields.Words(longest=60, label=_("Needle or catheter"))
    device_lot = fields.Words(supplier=True, longest=40, label=_("Lot of the needle or catheter"))
    device_expires_on = fields.Day(label=_("Its expiry date"))
    route = fields.Words(longest=80, label=_("Route"))
    emergency_kit = fields.Flag(label=_("Complete emergency kit at hand?"))
    emergency_staff = fields.Flag(label=_("Somebody trained for an emergency at hand?"))


class CheckIn(SeenIn):
    """Step 1 and 2: the scans as they were read, and what was looked at."""

    dose = fields.Words(longest=20, required=True, label=_("Dose"))
    participant = fields.Words(longest=40, required=True, label=_("Participant"))
    band = fields.Words(longest=20, label=_("Wristband"))
    name_agrees = fields.Flag(label=_("The name she says is that of the record"))
    birth_date_agrees = fields.Flag(label=_("The birth date she says is that of the record"))


class StepIn(fields.Shape):
    """What every step of the bedside page sends: the number of its visit."""

    step = fields.Words(longest=40, required=True)


class BandIn(fields.Shape):
    """Step 1."""

    band = fields.Words(longest=20, required=True, label=_("Wristband on the arm"))


class SpokenIn(StepIn):
    """Step 1, her own words."""

    name_agrees = fields.Flag(required=True, label=_("Did she say this name?"))
    birth_date_agrees = fields.Flag(required=True, label=_("Did she say this birth date?"))


class DoseIn(StepIn):
    """Step 2."""

    dose = fields.Words(longest=20, required=True, label=_("Dose"))


def looked_at(
    *,
    devices: Sequence[str],
    routes: Mapping[str, str],
    other_trial: bool,
    precautions: bool,
    thawed: bool,
) -> fields.Shape:
    """Step 2, what is looked at: every question needs its answer.

    Args:
        devices, routes: of the whole trial, so that none says which arm she is in.
        other_trial, precautions, thawed: whether these are asked of her and of this product.
    """
    asked = SeenIn()
    left_out = {
        name
        for name, wanted in (
            ("other_trial_asked", other_trial),
            ("precautions", precautions),
            ("fully_thawed", thawed),
        )
        if not wanted
    }
    entered: dict[str, Any] = {"step": fields.Words(longest=40, required=True)}
    for name, given in asked.fields.items():
        if name in left_out or not isinstance(given, fields.Input):
            continue
        if isinstance(given, fields.Flag):
            entered[name] = fields.Flag(required=True, label=given.label)
        elif isinstance(given, fields.Day):
            entered[name] = fields.Day(required=True, label=given.label)
        else:
            entered[name] = fields.Words(longest=40, required=True, label=given.label)
    entered |= tools(devices, routes, required=True)
    shape: type[fields.Shape] = fields.Shape.from_dict(  # type: ignore[assignment]
        entered, name="LookedAtIn"
    )
    return shape()


def tools(
    devices: Sequence[str], routes: Mapping[str, str], *, required: bool
) -> dict[str, fields.Input]:
    """Device and route of a trial, each with a word for another one."""
    return {
        "device": fields.Choice(
            chosen(tuple(dict.fromkeys((*devices, "other")))),
            {each: Text(each.replace("_", " ")) for each in devices} | {"other": _("another one")},
            required=required,
            label=_("Needle or catheter"),
        ),
        "route": fields.Choice(
            chosen(tuple(dict.fromkeys((*routes, "other")))),
            {each: Text("%(title)s", title=title or each) for each, title in routes.items()}
            | {"other": _("another one")},
            required=required,
            label=_("Route"),
        ),
    }


class SecondIn(StepIn):
    """Step 3 on the giver's device: who joins, besides what she scans, reads and signs."""

    login = fields.Words(longest=100, required=True, label=_("Your user name"))


class WitnessIn(fields.Shape):
    """Step 3: both scans again, and the four figures off the label."""

    band = fields.Words(longest=20, required=True, label=_("Wristband on the arm"))
    dose = fields.Words(longest=20, required=True, label=_("Dose in your hand"))
    # A secret, so that no page shows it again and no digest is made of it.
    figures = fields.Secret(
        required=True,
        label=_("The four figures printed large on the label"),
        help=_("Read them off the label in your hand."),
    )
    password = fields.Secret(required=True, label=_("Your password, to sign"))


def given_at_sites() -> fields.Amounts:
    """What was delivered, site by site; the same at the bed and from paper."""
    return fields.Amounts(
        "mL",
        smallest="uL",
        above=0,
        fewest=1,
        most=20,
        required=True,
        label=_("Volume given at each site"),
        help=_("One a line, in mL."),
    )


def not_given(label: Text) -> fields.Amount:
    """What of the vial did not reach her."""
    return fields.Amount(
        "mL",
        smallest="uL",
        at_least=0,
        units=("mL", "uL"),
        required=True,
        label=label,
    )


class GivenIn(SeenIn):
    """The dose was given."""

    started_at = fields.Moment(required=True, label=_("Injection started"))
    ended_at = fields.Moment(required=True, label=_("Injection ended"))
    sites = given_at_sites()
    residual = not_given(_("Left in device and container"))
    wasted = not_given(_("Spilt or wasted"))
    drawn_up_at = fields.Moment(required=True, label=_("Drawn up"))
    draw_up_witnessed = fields.Flag(
        required=True, label=_("Did the second person watch the drawing up?")
    )
    reason = fields.Words(
        lines=True, load_default="", label=_("Why it was given in spite of the warning")
    )
    password = fields.Secret(required=True, label=_("Your password, to sign"))


class NotGivenIn(fields.Shape):
    """The check ended without a dose."""

    reason = fields.Words(required=True, lines=True, label=_("Why was it not given?"))
    dose_went = fields.Words(
        longest=40,
        required=True,
        label=_("Where is the dose now?"),
        help=_("Such as: red tray, back to the pharmacy."),
    )


def outcome_of(number: str, outcome: str) -> fields.Shape:
    """The form of one outcome, from the fields that the study declares for it.

    Raises:
        SubjectUnknown: nobody has this number.
        NotFound: the study has no such outcome.
    """
    with db.reading() as session:
        subject = studies.subject_by_number(session, number)
        read = studies.protocol_of(studies.study(session, subject.study_id))
    declared = next((each for each in read.outcomes if each.id == outcome), None)
    if declared is None:
        raise NotFound(
            _(
                "%(outcome)s is no outcome of this study; there are %(known)s.",
                outcome=outcome,
                known=", ".join(each.id for each in read.outcomes),
            ),
            field="outcome",
        )
    entered: dict[str, Any] = {
        "observed_on": fields.Day(
            required=True, label=_("Day of the finding"), prefill=lambda: clock.now().date()
        )
    }
    entered.update({each.name: _input(each) for each in declared.fields})
    shape: type[fields.Shape] = fields.Shape.from_dict(  # type: ignore[assignment]
        entered, name="OutcomeIn"
    )
    return shape()


def _input(field: Field) -> fields.Input:
    label = field.title or field.name.replace("_", " ")
    if field.kind is FieldKind.QUANTITY and field.unit:
        return fields.Amount(field.unit, label=label)
    if field.kind is FieldKind.INTEGER:
        return fields.Whole(label=label)
    if field.kind is FieldKind.BOOLEAN:
        return fields.Flag(label=label)
    if field.kind is FieldKind.DATE:
        return fields.Day(label=label)
    if field.kind is FieldKind.CHOICE:
        return fields.Choice(chosen(field.choices), label=label)
    return fields.Words(label=label)


def chosen(values: tuple[str, ...]) -> type[StrEnum]:
    """An enum of values that are only known when the study has been read."""
    make: Any = StrEnum  # its members are known when it runs, so no checker can name them
    made: type[StrEnum] = make("Chosen", {f"c{at}": value for at, value in enumerate(values)})
    return made


def as_text(given: Mapping[str, Any]) -> dict[str, str]:
    """Loaded values as `record_outcome` takes them."""
    return {name: _text(value) for name, value in given.items() if value not in (None, "")}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return value.value
    if hasattr(value, "unit"):
        return f"{numbers.plain(value.value)} {value.unit}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def pack_of(code: str) -> fields.Shape:
    """The form of the label of a dose's pack, with whom the last pack of the study said to call.

    Raises:
        ItemUnknown: no dose carries this code.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE])
        contact = packing.first_contact(session, item)
    asked = fields.Words(
        longest=200,
        required=True,
        prefill=contact,
        label=_("Whom to call"),
        help=_("The establishment, the investigator, and a number that answers."),
    )
    return labels.label_form("PackLabelIn", {"contact": asked})
