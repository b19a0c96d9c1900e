"""How results, limits and verdicts are shown to people."""

from collections.abc import Mapping
from decimal import Decimal

from lims.core import numbers, units
from lims.core.words import Text as _
from lims.qc.models import Result, Standing

# What can be found beside the accepted words: a test that only takes good news is no test.
OTHER = "other"
NONE_OF_THESE = "none_of_these"
WORDS: Mapping[str, _] = {
    "clear": _("clear"),
    "opalescent": _("opalescent"),
    "no_growth": _("no growth"),
    "growth": _("growth"),
    "negative": _("negative"),
    "positive": _("positive"),
    "not_tested": _("not tested"),
    "normal": _("normal"),
    "match": _("matches the donor"),
    "conforms": _("conforms"),
    "does_not_conform": _("does not conform"),
    "complete": _("complete"),
    "absent": _("absent"),
    "depleted": _("depleted"),
    "intact_vesicles": _("intact vesicles"),
    "below_loq": _("below what can be measured"),
    OTHER: _("something else"),
    NONE_OF_THESE: _("none of these"),
}
STANDINGS: Mapping[Standing, _] = {
    Standing.MET: _("meets the limit"),
    Standing.OUTSIDE: _("outside the limit"),
    Standing.STOPS: _("far outside the limit"),
    Standing.REPORTED: _("reported"),
}
# Shapes that tell the verdicts apart without colour.
SHAPES: Mapping[Standing, str] = {
    Standing.MET: "✓",
    Standing.OUTSIDE: "✕",
    Standing.STOPS: "✕",
    Standing.REPORTED: "–",
}
FINDING_KINDS: Mapping[str, _] = {
    "out-of-specification": _("out of specification"),
    "deviation": _("deviation"),
}


def value_of(result: Result) -> str:
    """A result with its sign and its unit, to four digits; a word in the reader's language."""
    if not result.unit:
        return word_of(result.value)
    sign = "" if result.comparator == "=" else f"{result.comparator} "
    return f"{sign}{numbers.brief(Decimal(result.value))} {units.shown(result.unit)}"


def word_of(word: str) -> str:
    """A word of a specification for people; as its file has it where it is not known here."""
    return str(WORDS.get(word, word))


def limit_of(shown: str) -> _ | str:
    """A limit as the specification has it; a test without one is only reported."""
    if shown == "report":
        return _("only reported")
    return " / ".join(word_of(each) for each in shown.split(" / "))
