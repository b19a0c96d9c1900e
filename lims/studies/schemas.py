"""What comes in and goes out at the doors of studies."""

from typing import Any

from marshmallow import fields as plain_fields

from lims.core import clock, db
from lims.core.permissions import PEOPLE, ROLE_NAMES
from lims.core.words import Text
from lims.studies import queries
from lims.studies.calendar import SOURCES
from lims.studies.models import SubjectKind, SubjectState
from lims.studies.protocol import MATERIAL_NAMES, Criterion, Field, FieldKind, Protocol
from lims.web import fields
from lims.web.choices import OneOf, opened

_ = Text
_LARGEST_COUNT = 10_000

KIND_NAMES = {
    SubjectKind.PARTICIPANT: _("participant"),
    SubjectKind.DONOR: _("donor (her tissue is given to others)"),
}
STATE_NAMES = {
    SubjectState.SCREENING: _("screening"),
    SubjectState.ELIGIBLE: _("eligible"),
    SubjectState.ALLOCATED: _("in an arm"),
    SubjectState.COMPLETED: _("completed"),
    SubjectState.WITHDRAWN: _("withdrawn"),
}
COVER_NAMES = {
    "collection": _("collection of her own material"),
    "processing": _("processing"),
    "storage": _("storage"),
    "banking": _("banking"),
    "infectious_markers": _("tests for infections"),
    "genetic_tests": _("genetic tests"),
    "allocation": _("allocation to an arm"),
    "administration": _("the treatment itself"),
    "anaesthesia": _("anaesthesia"),
    "follow_up": _("follow-up"),
    "tumour_markers": _("tumour markers"),
    "use_for_others": _("use for other patients"),
}
SOURCE_NAMES = {
    "natural": _("natural bleeding"),
    "withdrawal": _("bleeding after hormones were stopped"),
    "induced": _("induced bleeding"),
}
WINDOW_NAMES = {
    "B21": _("time before the embryo transfer (B21)"),
    "B22": _("day of the cycle (B22)"),
}


def password() -> fields.Secret:
    """The last field of what is signed."""
    return fields.Secret(
        required=True,
        label=_("Your password"),
        help=_("It is your signature; type it yourself."),
    )


class LoadIn(fields.Shape):
    """A study file, and the site's defaults it is read with."""

    document = fields.File(
        required=True,
        most=1_000_000,
        accept=".toml",
        label=_("Study file"),
        help=_("The text of the trial, as checked with lims study check."),
    )
    site_document = fields.File(
        most=1_000_000,
        accept=".toml",
        label=_("File of the site's defaults"),
        help=_("Leave it empty to use the site's own."),
    )


class SignIn(fields.Shape):
    """A signature and no more."""

    password = password()


class EraseIn(fields.Shape):
    """Why who she is goes, and a signature."""

    reason = fields.Words(
        required=True,
        lines=True,
        label=_("Why her identity is erased"),
        help=_("It stays for ever. No names."),
    )
    password = password()


class DelegateIn(fields.Shape):
    """Who may act in which role, until when."""

    login = fields.Words(required=True, longest=60, label=_("User name"))
    role = OneOf(
        sorted(each.value for each in PEOPLE),
        {each.value: ROLE_NAMES[each] for each in PEOPLE},
        required=True,
        label=_("Role on this study"),
    )
    trained_at = fields.Moment(required=True, label=_("Trained on"))
    valid_until = fields.Moment(required=True, label=_("Valid until"))


class RegisterIn(fields.Shape):
    """A new participant or donor. Her name is sealed and stands on no page."""

    kind = fields.Choice(
        SubjectKind,
        KIND_NAMES,
        required=True,
        prefill=SubjectKind.PARTICIPANT,
        label=_("She joins as"),
    )
    name = fields.Words(
        required=True,
        private=True,
        longest=200,
        label=_("Full name"),
        help=_("As in her papers. It is encrypted and shown for identity checks only."),
    )
    birth_date = fields.Day(required=True, private=True, label=_("Birth date"))


class BandIn(fields.Shape):
    """Why a new band is needed, once she has one."""

    reason = fields.Words(
        label=_("Why a new band"),
        help=_("Only if she has one: the old band is cancelled."),
    )


class ListIn(fields.Shape):
    """A randomisation list, made outside."""

    content = fields.File(
        required=True,
        most=1_000_000,
        accept=".txt,.csv",
        label=_("Randomisation list"),
        help=_("One arm code a line, in order. It is sealed row by row."),
    )


class CycleIn(fields.Shape):
    """The first day of the cycle."""

    day = fields.Day(required=True, label=_("First day of full bleeding"))
    source = OneOf(SOURCES, SOURCE_NAMES, required=True, label=_("Kind of bleeding"))


class PlanIn(fields.Shape):
    """When the embryo transfer is planned."""

    planned_at = fields.Moment(
        required=True,
        label=_("Planned time of the embryo transfer"),
        help=_("A plan before this one is kept, marked replaced."),
    )


class TransferIn(fields.Shape):
    """When the embryo transfer was."""

    done_at = fields.Moment(required=True, prefill=clock.now, label=_("Time of the transfer"))


class OverrideIn(fields.Shape):
    """Leave to differ from a time window."""

    check_id = OneOf(
        WINDOW_NAMES, WINDOW_NAMES, required=True, label=_("Which window"), help=_("No other rule.")
    )
    deviation = fields.Words(
        required=True,
        lines=True,
        longest=1000,
        label=_("The protocol deviation"),
        help=_("What differs and why it is acceptable. Another person must sign as well."),
    )
    password = password()


class SecondIn(fields.Shape):
    """The second signature under leave to differ."""

    check_id = OneOf(WINDOW_NAMES, WINDOW_NAMES, required=True, label=_("Which window"))
    password = password()


class PurposeIn(fields.Shape):
    """Why somebody looks who a participant is."""

    purpose = OneOf(
        ("collection", "dosing", "wristband", "call"),
        {
            "collection": _("identity check at collection"),
            "dosing": _("identity check before the dose"),
            "wristband": _("identity check for a wristband"),
            "call": _("to call her"),
        },
        required=True,
        label=_("Why do you need to see who she is?"),
        help=_("Your look is written to her record."),
    )


def protocol_of(number: str) -> tuple[Protocol, SubjectKind]:
    """What the study of a number says, and as what she joined.

    Raises:
        SubjectUnknown: nobody has the number.
    """
    with db.reading() as session:
        subject = queries.subject_by_number(session, number)
        return queries.protocol_of(queries.study(session, subject.study_id)), subject.kind


def consent_in(number: str) -> fields.Shape:
    """Her signed consent: one box for each thing that her study asks."""
    read, kind = protocol_of(number)
    asked = read.consent.covers if kind is SubjectKind.PARTICIPANT else read.consent.donor_covers
    shape: dict[str, Any] = {
        "form_version": fields.Words(
            required=True,
            longest=40,
            label=_("Version of the consent form"),
            help=_("As printed at the foot of the form."),
        ),
        "signed_at": fields.Moment(required=True, prefill=clock.now, label=_("When she signed")),
    }
    for each in asked:
        shape[each] = fields.Flag(
            box=True,
            load_default=False,
            label=_("It covers: %(what)s", what=COVER_NAMES.get(each, opened(each))),
        )
    return _made(shape)


def withdrawal_in(number: str) -> fields.Shape:
    """Why she withdraws, and what becomes of her material."""
    read, _kind = protocol_of(number)
    return _made(
        {
            "material": OneOf(
                read.consent.withdrawal_choices,
                MATERIAL_NAMES,
                required=True,
                label=_("What becomes of her material"),
                help=_("Her choice, from the consent form."),
            ),
            "reason": fields.Words(
                required=True,
                lines=True,
                label=_("Reason, if she gives one"),
                help=_("Write 'not given' if she gives none. No names."),
            ),
        }
    )


def allocation_in(number: str) -> fields.Shape:
    """Nothing where the list gives the arm; otherwise the arm and on what ground."""
    read, _kind = protocol_of(number)
    if read.allocation.randomised:
        return _made({})
    return _made(
        {
            "arm": OneOf(
                read.arms,
                {each.code: f"{each.code}: {each.title}" for each in read.arms.values()},
                required=True,
                label=_("Arm"),
            ),
            "ground": fields.Words(
                required=True,
                lines=True,
                label=_("On what ground"),
                help=_("Such as her wish, or which procedure is due."),
            ),
        }
    )


def eligibility_in(number: str) -> fields.Shape:
    """Every field and every criterion of her study, and the signature beneath."""
    read, _kind = protocol_of(number)
    needed: set[str] = set()
    for criterion in read.criteria:
        needed |= set(criterion.requires) | set(criterion.rule.names if criterion.rule else ())
    shape: dict[str, Any] = {}
    for field in read.fields.values():
        if field.name in needed:
            shape |= _inputs(field)
    shape |= {
        each.id: fields.Flag(
            required=True,
            label=each.text,
            help=_(
                "%(id)s: %(title)s. Yes is in favour of enrolment.", id=each.id, title=each.title
            ),
        )
        for each in judged(read)
    }
    shape["password"] = password()
    return _made(shape)


def judged(read: Protocol) -> list[Criterion]:
    """The criteria that a clinician signs for."""
    return [each for each in read.criteria if each.text is not None]


def never(name: str) -> str:
    """The box beside a date that may never have been."""
    return f"{name}_never"


def _inputs(field: Field) -> dict[str, fields.Input]:
    label = field.title or opened(field.name)
    made: fields.Input
    if field.kind is FieldKind.QUANTITY:
        made = fields.Amount(str(field.unit), at_least=0, required=True, label=label)
    elif field.kind is FieldKind.INTEGER:
        made = fields.Whole(at_least=0, at_most=_LARGEST_COUNT, required=True, label=label)
    elif field.kind is FieldKind.BOOLEAN:
        made = fields.Flag(required=True, label=label)
    elif field.kind is FieldKind.CHOICE:
        made = OneOf(field.choices, required=True, label=label)
    elif field.kind is FieldKind.TEXT:
        made = fields.Words(required=True, label=label)
    elif field.never:
        box = fields.Flag(box=True, label=_("never: %(what)s", what=label))
        return {field.name: fields.Day(label=label), never(field.name): box}
    else:
        made = fields.Day(required=True, label=label)
    return {field.name: made}


def _made(shape: dict[str, Any]) -> fields.Shape:
    made: Any = fields.Shape.from_dict(shape, name="Asked")
    return made()


class StudyOut(fields.Shape):
    """A study in force."""

    code = fields.Words()
    title = fields.Words()
    digest = fields.Words()
    units_confirmed = fields.Flag()


class SubjectOut(fields.Shape):
    """A participant or donor, by number."""

    number = fields.Words()
    kind = fields.Choice(SubjectKind)
    state = fields.Choice(SubjectState)
    chain_id = fields.Words()
    arm = fields.Words(allow_none=True)


class BandOut(fields.Shape):
    """A wristband."""

    number = fields.Words()
    band = fields.Code()


class NumberOut(fields.Shape):
    """Whose record was written."""

    number = fields.Words()
    at = fields.Moment()


class PageIn(fields.Shape):
    """Which page of a list."""

    after = fields.Words(longest=80, label=_("The last entry of the page before"))
    limit = fields.Whole(at_least=1, at_most=200, label=_("How many"))


class ParticipantsOut(fields.Shape):
    """One page of a study's people."""

    participants = plain_fields.List(plain_fields.Nested(SubjectOut))
    next = fields.Words(allow_none=True)
