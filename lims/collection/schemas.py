"""What comes in and goes out at the doors of collection."""

from typing import Any

from lims import custody, labels, studies
from lims.collection import queries, setting
from lims.collection.models import MarkerState, SpecimenKind
from lims.collection.receipt import REJECTION_REASONS, Decision
from lims.core import clock, db
from lims.core.words import Text
from lims.custody import ItemKind
from lims.web import fields
from lims.web.choices import OneOf

_ = Text

KIND_NAMES = {
    SpecimenKind.MENSTRUAL_FLUID: _("menstrual fluid"),
    SpecimenKind.CORD: _("umbilical cord"),
    SpecimenKind.PRP_BLOOD: _("blood for PRP"),
    SpecimenKind.TEST_BLOOD: _("blood for tests"),
}
DECISION_NAMES = {
    Decision.ACCEPT: _("accept it"),
    Decision.HOLD: _("put it on hold"),
    Decision.REJECT: _("reject it"),
}
MARKER_STATE_NAMES = {
    MarkerState.NEGATIVE: _("negative"),
    MarkerState.REACTIVE: _("reactive, not confirmed"),
    MarkerState.POSITIVE: _("positive"),
    MarkerState.INDETERMINATE: _("indeterminate"),
    MarkerState.INVALID: _("invalid"),
    MarkerState.PENDING: _("pending"),
}
MARKER_NAMES = {
    "anti_hiv_1_2": _("antibodies to HIV 1 and 2"),
    "hbsag": _("HBsAg"),
    "anti_hbc": _("antibodies to HBc"),
    "anti_hcv": _("antibodies to HCV"),
    "syphilis": _("syphilis"),
    "htlv_1_2": _("HTLV 1 and 2"),
    "chlamydia_naat": _("chlamydia (nucleic acid)"),
    "gonorrhoea_naat": _("gonorrhoea (nucleic acid)"),
    "trichomonas": _("trichomonas"),
    "hpv": _("HPV"),
}
# Tubes that a ward has besides those the site allows for PRP; PRP refuses them by name.
_OTHER_TUBES = ("edta", "heparin", "none")
TUBE_NAMES = {
    "sodium_citrate_3.2": _("sodium citrate 3.2 %%"),
    "acd_a": _("ACD-A"),
    "edta": _("EDTA"),
    "heparin": _("heparin"),
    "none": _("none (serum)"),
}


def stated_name() -> fields.Words:
    """What she says, never what is read to her; compared and not kept."""
    return fields.Words(
        required=True,
        private=True,
        longest=200,
        label=_("Her full name, as she says it"),
        help=_("Ask openly: what is your name? Do not read it to her."),
    )


def stated_birth_date() -> fields.Day:
    """The second identifier."""
    return fields.Day(required=True, private=True, label=_("Her birth date, as she says it"))


def why() -> fields.Words:
    """Why to go on where a limit only warns."""
    return fields.Words(
        load_default="",
        label=_("Reason"),
        help=_("Only where a limit warns and you go on."),
    )


class PrepareIn(fields.Shape):
    """A kit is packed."""

    device_lot = fields.Words(
        supplier=True,
        required=True,
        longest=40,
        label=_("Lot of the cup"),
        help=_("From the cup's pouch."),
    )
    device_expires_on = fields.Day(required=True, label=_("Cup expires on"))


class IssueIn(fields.Shape):
    """A kit is bound to one woman, who is there."""

    participant = fields.Words(
        required=True, longest=40, label=_("Participant number"), help=_("From her papers.")
    )
    stated_name = stated_name()
    stated_birth_date = stated_birth_date()


class CollectIn(fields.Shape):
    """Menstrual fluid was collected; the tube is the thing the page is about."""

    kit = fields.Code("K", required=True, label=_("Her kit"), help=_("Scan the kit's label."))
    stated_name = stated_name()
    stated_birth_date = stated_birth_date()
    collected_at = fields.Moment(
        required=True, prefill=clock.now, label=_("When the cup was emptied")
    )
    cycle_day = fields.Whole(
        required=True, at_least=1, at_most=60, label=_("Day of her cycle"),
        help=_("The first day of full bleeding is day 1."),
    )  # fmt: skip
    cup_in_place = fields.Amount(
        "h", units=("h", "min"), at_least=0, required=True, label=_("How long the cup was worn")
    )
    active_infection = fields.Flag(required=True, label=_("Is an active infection known?"))
    medium = fields.Words(required=True, longest=80, label=_("Transport medium"))
    medium_lot = fields.Words(
        supplier=True, required=True, longest=40, label=_("Lot of the medium")
    )
    medium_expires_on = fields.Day(required=True, label=_("Medium expires on"))
    reason = why()


class CordIn(fields.Shape):
    """A cord was collected."""

    collected_at = fields.Moment(required=True, prefill=clock.now, label=_("When it was collected"))
    length = fields.Amount("cm", above=0, required=True, label=_("Length"))
    medium_lot = fields.Words(
        supplier=True, required=True, longest=40, label=_("Lot of the medium")
    )


class ReceiveIn(fields.Shape):
    """Every item of the list at the door of the lab, then the decision."""

    label_matches = fields.Flag(
        required=True, label=_("Does the label agree with the delivery note?")
    )
    seal_intact = fields.Flag(required=True, label=_("Is the seal whole?"))
    leaked = fields.Flag(required=True, label=_("Has it leaked?"))
    received_at = fields.Moment(required=True, prefill=clock.now, label=_("When it arrived"))
    temperature_min = fields.Amount(
        "Cel", required=True, label=_("Lowest temperature on the way"), help=_("From the logger.")
    )
    temperature_max = fields.Amount(
        "Cel", required=True, label=_("Highest temperature on the way"), help=_("From the logger.")
    )
    volume = fields.Amount(
        "mL",
        smallest="uL",
        units=("mL", "uL"),
        above=0,
        label=_("Volume"),
        help=_("Of fluid; a cord has none, and of blood it is known."),
    )
    appearance = fields.Words(required=True, longest=200, label=_("Colour and smell"))
    clots = fields.Flag(required=True, label=_("Are there clots?"))
    decision = fields.Choice(
        Decision, DECISION_NAMES, required=True, label=_("What becomes of it?")
    )
    reason_code = OneOf(
        REJECTION_REASONS, REJECTION_REASONS, label=_("Why it is rejected"),
        help=_("Only if you reject it."),
    )  # fmt: skip
    reason = why()


def _read_of(code: str) -> studies.Protocol:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.SPECIMEN])
        specimen = queries.specimen_of(session, item.id)
        subject = studies.subject(session, specimen.subject_id)
        return studies.protocol_of(studies.study(session, subject.study_id))


def marker_in(code: str) -> fields.Shape:
    """One marker of those that the site asks for."""
    read = _read_of(code)
    listed: Any = (*read.limit("markers.required"), *read.limit("markers.optional"))  # type: ignore[misc]
    materials: Any = read.limit("markers.specimen_types")
    return _made(
        {
            "marker": OneOf(listed, MARKER_NAMES, required=True, label=_("Marker")),
            "state": fields.Choice(
                MarkerState, MARKER_STATE_NAMES, required=True, label=_("Result")
            ),
            "material": OneOf(
                materials,
                {"serum": _("serum"), "plasma": _("plasma")},
                required=True,
                label=_("Tested on"),
            ),
            "nucleic_acid": fields.Flag(
                required=True, label=_("Was it a nucleic-acid test?"), help=_("Such as a PCR.")
            ),
            "sampled_at": fields.Moment(required=True, label=_("When the blood was drawn")),
        }
    )


def blood_in(number: str) -> fields.Shape:
    """Blood was drawn; which tubes PRP may come from is the site's to say, at the gate."""
    with db.reading() as session:
        subject = studies.subject_by_number(session, number)
        read = studies.protocol_of(studies.study(session, subject.study_id))
    allowed: Any = read.limit("prp.anticoagulants")
    purposes = (SpecimenKind.PRP_BLOOD, SpecimenKind.TEST_BLOOD)
    return _made(
        {
            "purpose": OneOf(
                [each.value for each in purposes],
                {each.value: KIND_NAMES[each] for each in purposes},
                required=True,
                label=_("What for"),
            ),
            "stated_name": stated_name(),
            "stated_birth_date": stated_birth_date(),
            "drawn_at": fields.Moment(
                required=True, prefill=clock.now, label=_("When it was drawn")
            ),
            "volume": fields.Amount(
                "mL", smallest="uL", units=("mL", "uL"), above=0, required=True, label=_("Volume")
            ),
            "anticoagulant": OneOf(
                (*allowed, *_OTHER_TUBES), TUBE_NAMES, required=True, label=_("Anticoagulant")
            ),
            "anticoagulant_lot": fields.Words(
                supplier=True, required=True, longest=40, label=_("Lot of the tubes")
            ),
            "reason": why(),
        }
    )


def _made(shape: dict[str, Any]) -> fields.Shape:
    made: Any = fields.Shape.from_dict(shape, name="Asked")
    return made()


class KitOut(fields.Shape):
    """A prepared kit."""

    kit = fields.Code()
    state = fields.Words()


class SpecimenOut(fields.Shape):
    """A specimen: its code, what it is, where it stands, whose it is."""

    code = fields.Code()
    kind = fields.Choice(SpecimenKind)
    state = fields.Words()
    participant = fields.Words()


class MarkerOut(fields.Shape):
    """One marker of a donor."""

    code = fields.Code()
    marker = fields.Words()
    state = fields.Choice(MarkerState)


def set_label_of(code: str) -> fields.Shape:
    """The form of the label of a kit's set, with whom the last one of the study said to call.

    Raises:
        ItemUnknown: no kit carries this code.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.KIT])
        contact = setting.first_contact(session, item)
    asked = fields.Words(
        longest=200,
        required=True,
        prefill=contact,
        label=_("Whom she calls"),
        help=_("A number that answers, and when. No participant's name."),
    )
    has_one = _("Only where the set has its large label already.")
    return labels.label_form("SetLabelIn", {"contact": asked}, has_one=has_one)
