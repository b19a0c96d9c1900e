"""Why something was not printed: a word is kept, and said in the reader's language.

A worker has no language, so what it keeps of a printer is a key; what a printer or a print server
says in words of its own is kept as it is.
"""

from collections.abc import Mapping

from lims.core.words import Text as _

NO_ANSWER = "no-answer"
NO_LABELS, NO_RIBBON, LID, PAUSED_THERE = "no-labels", "no-ribbon", "lid-open", "paused-there"
WORKING = "working"
LATE, INTERRUPTED, NO_NUMBER, NOT_AN_ANSWER = "late", "interrupted", "no-number", "no-answer-of-one"
BROKEN = "line-broke"
NOT_LISTED = "not-listed"
RESTORED = "restored"
DESIGN = "design"
STOPS = frozenset({NO_LABELS, NO_RIBBON, LID, PAUSED_THERE, WORKING})

WORDS: Mapping[str, _] = {
    NO_ANSWER: _("It gives no answer: check paper, ribbon, lid and cable."),
    NO_LABELS: _("It has no labels left."),
    NO_RIBBON: _("It has no ribbon left."),
    LID: _("Its lid is open."),
    PAUSED_THERE: _("It was paused at the printer itself."),
    WORKING: _("It still works on something else."),
    LATE: _("It did not end in time."),
    INTERRUPTED: _("Whoever sent it died meanwhile."),
    NO_NUMBER: _("The print server gave it no number."),
    NOT_AN_ANSWER: _("What came back is no answer of a print server."),
    BROKEN: _("The line broke before the printer said that it took it."),
    NOT_LISTED: _("Its address is not on this site's list."),
    DESIGN: _("It waits until two persons have approved its design."),
    RESTORED: _("The record was restored, and it may have been printed since."),
}


def said(reason: str | None) -> str | None:
    """A reason in the reader's words; what nobody here wrote, as it is."""
    if not reason:
        return None
    known = WORDS.get(reason)
    return str(known) if known is not None else reason


def kept(reason: str) -> str:
    """What an entry of the ledger says: a key of ours, never the words of a machine."""
    return reason if reason in WORDS else "said-by-printer"
