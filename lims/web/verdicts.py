"""The four verdicts, as panels: a word, a shape, four lines, and whether anything was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lims.core.errors import DomainError
from lims.core.gate import Answer, GateStopped, Result, Row
from lims.core.gate import Verdict as Found
from lims.core.words import Text, language

_ = Text

# Fixed by the reviewed list of verdict words, so not a matter of the catalogues.
WORDS: Mapping[str, Mapping[str, str]] = {
    "ok": {"en": "DONE", "fa": "انجام شد", "zh": "完成"},
    "stop": {"en": "STOP", "fa": "ایست", "zh": "停止"},
    "ask": {"en": "CHECK", "fa": "بررسی کنید", "zh": "请核对"},
    "wait": {"en": "NOT SENT", "fa": "ارسال نشده", "zh": "未发送"},
}


@dataclass(frozen=True)
class Panel:
    """What one scan or check came to, for a person to read at a glance.

    Attributes:
        kind: ok, stop, ask or wait.
        what, why, do_now, call: the four lines; empty ones are left out on an ok.
        recorded: False says so in words.
        rows: the other rows of a gate that did not pass.
    """

    kind: str
    what: str
    why: str = ""
    do_now: str = ""
    call: str = ""
    recorded: bool = True
    rows: tuple[Row, ...] = field(default=())

    @property
    def word(self) -> str:
        """The verdict's word in the reader's language."""
        return WORDS[self.kind].get(language(), WORDS[self.kind]["en"])

    def kept(self) -> dict[str, Any]:
        """For the session's flash."""
        return {
            "kind": self.kind,
            "what": self.what,
            "why": self.why,
            "do_now": self.do_now,
            "call": self.call,
            "recorded": self.recorded,
        }


def done(what: Text | str, about: str = "") -> Panel:
    """An act was recorded; `about` is the code of the thing, as printed."""
    return Panel("ok", str(what), about)


def of_error(error: DomainError) -> Panel:
    """The panel of a refusal: a stopped gate's first row, or the sentence with its lines."""
    if isinstance(error, GateStopped):
        return of_answer(error.answer, recorded=False)
    return Panel(
        "stop",
        str(error.what),
        str(error.why or _("What was asked for and what is known do not fit together.")),
        str(error.do_now or _("Correct it and try again.")),
        str(error.call or _("The person in charge of this bench, if it cannot be right.")),
        recorded=False,
    )


def of_answer(answer: Answer, *, recorded: bool) -> Panel:
    """The panel of a gate's answer: the row that decides, large; the others beneath."""
    row = (
        answer.first(Result.STOPPED) or answer.first(Result.PENDING) or answer.first(Result.WARNED)
    )
    kind = {Found.OK: "ok", Found.STOP: "stop", Found.ASK: "ask"}[answer.verdict]
    if row is None:
        return Panel("ok", str(_("All checks passed.")), recorded=recorded)
    if kind == "ok":  # nothing stopped, but something was not asked yet
        kind = "ask"
    finding = row.finding
    others = tuple(
        each for each in answer.rows if each is not row and each.result is not Result.PASSED
    )
    return Panel(
        kind,
        str(finding.what),
        str(finding.why),
        str(finding.do_now or _("Correct it and try again.")),
        str(finding.call or _("The person in charge of this bench, if it cannot be right.")),
        recorded=recorded,
        rows=others,
    )
