"""The words a study file may use, each with what it means."""

from collections.abc import Mapping
from enum import StrEnum

from lims.core.words import Text as _


class ProductKind(StrEnum):
    """What is given; the journey follows from it."""

    EV_MENSTRUAL = "ev_msc_menstrual"
    EV_CORD = "ev_msc_cord"
    PRP = "prp"


PRODUCT_NAMES: Mapping[str, _] = {
    ProductKind.EV_MENSTRUAL: _("exosomes of menstrual-blood MSC"),
    ProductKind.EV_CORD: _("exosomes of umbilical-cord MSC"),
    ProductKind.PRP: _("platelet-rich plasma"),
}


class DonorRule(StrEnum):
    """Whose material a dose may come from."""

    RECIPIENT = "recipient"
    OTHER = "other"


class MechanicalRule(StrEnum):
    """What the registration says of mechanical preconditioning."""

    REQUIRED = "true"
    FORBIDDEN = "false"
    UNSPECIFIED = "unspecified"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """What a broken rule does."""

    STOP = "stop"
    WARN = "warn"
    REC = "rec"


class LimitKind(StrEnum):
    """How a result is held against a limit."""

    RANGE = "range"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BELOW = "below"
    ABOVE = "above"
    ONE_OF = "one_of"
    BELOW_LOQ = "below_loq"
    REPORT = "report"


class WindowKind(StrEnum):
    """What the time of an injection is measured against."""

    BEFORE_TRANSFER = "before_transfer"
    CYCLE_DAY = "cycle_day"


class CriterionKind(StrEnum):
    """Who decides: the computer, a clinician, or both."""

    COMPUTED = "M"
    JUDGED = "J"
    BOTH = "H"


class FieldKind(StrEnum):
    """What may be entered. A quantity comes with its unit; an integer is a bare count."""

    QUANTITY = "quantity"
    INTEGER = "integer"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    TEXT = "text"


MATERIAL_NAMES: Mapping[str, _] = {
    "destroy": _("destroy it"),
    "keep_for_traceability": _("keep it for traceability"),
}
"""What she may choose for her material when she withdraws."""
