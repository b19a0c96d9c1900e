"""Drawing what was asked for and handing it to a printer, at most once.

The row is the truth. `sending` is committed before the first byte leaves, by an update that only
one runner can win: a crash in between leaves it `uncertain`, for a person to settle by a scan, and
it is never sent again by itself (H12). At each printer one worker at a time takes what waits in the
order in which it was asked for; the label after the next is not drawn before this one has left.
"""

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from lims.core import clock, db, queue
from lims.core.errors import BadInput, DomainError
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import designs, files, progress, queries, reasons, sending, speaking, trying, turns
from lims.labels import permissions as may
from lims.labels.errors import Interrupted, NoPrinter, NotTaken, PrinterSilent, PrinterStopped
from lims.labels.handing import Line
from lims.labels.layout import PERSONAL, load
from lims.labels.models import Health, LabelPrinter, LabelRequest, PrinterKind, RequestState
from lims.labels.places import REFERENCE_DPI, SEALED, Template
from lims.labels.rendering import Drawn, LabelContent, render
from lims.labels.services import WORK_TASK

AT_A_TIME_SECONDS = 20.0
"""How long one task works on one printer; then it asks for another, so that workers can end."""
TEST_TEMPLATE = "place_50x20"
UNSAID = "----"
"""What a picture says in place of the figures that stand on the vial alone."""

Loader = Callable[[str], Mapping[str, str]]
_loaders: dict[str, Loader] = {}


def withheld(letter: str) -> Callable[[Loader], Loader]:
    """Fetch the withheld fields of a label when it is drawn, by the letter of its code.

    `W`: `full_name` and `birth_date`; `V`: `readback`. They stand in no request, queue or ledger.
    The loader gives nothing for a person who was erased.
    """

    def keep(loader: Loader) -> Loader:
        _loaders[letter] = loader
        return loader

    return keep


@requires(may.PRINT)
def print_job(actor: Actor, number: int) -> None:
    """Do what waits in a job: draw what has no printer, and work at the printers of the rest.

    Once that is done, running again does nothing. What cannot be printed now waits on, and the
    sweep asks again.
    """
    with db.reading() as session:
        waiting = queries.waiting_in(session, number)
    undrawn = [each.id for each in waiting if not each.printer]
    names = {each.printer for each in waiting if each.printer}
    for each in undrawn:
        _draw_only(actor, each)
    for name in sorted(names):
        _work_at(actor, name)


@requires(may.PRINT)
def work(actor: Actor, printer_id: UUID) -> None:
    """Do what waits at one printer; does nothing where there is none of this id."""
    with db.reading() as session:
        printer = session.get(LabelPrinter, printer_id)
    if printer is not None:
        _work_at(actor, printer.name)


def _work_at(actor: Actor, name: str) -> None:
    """Print what waits at one printer, in order, unless somebody else is at it."""
    with db.reading() as session:
        printer = queries.printer_called(session, name)
    if printer is None or not printer.in_use or printer.kind is PrinterKind.AGENT:
        return  # an agent's turn is its own
    with turns.held(name) as holder:
        if holder is None:
            return
        progress.doubt_left_behind(name, actor)
        end = time.monotonic() + AT_A_TIME_SECONDS
        while _next(actor, name, holder):
            if time.monotonic() > end:
                break
    # Who came while the turn was held went away again, so look once more.
    with db.reading() as session:
        waits = queries.work_at(session, name, clock.now())
    if waits:
        queue.send(WORK_TASK, printer.id)


def _next(actor: Actor, name: str, holder: str) -> bool:
    """Print the next label of a printer; False where there is none, or it cannot print now."""
    with db.reading() as session:
        printer = queries.printer_called(session, name)
        turn = turns.of(session, name)
        row = queries.next_at(session, name, clock.now())
    testing = turn is not None and turn.test_asked_at is not None
    if printer is None or not printer.in_use or (row is None and not testing):
        return False
    if testing or row is None:
        drawn = example(printer)
    else:
        made = draw(row, actor, printer)
        if made is None:
            return True
        drawn = made
    asks = turns.asks(printer, turn, clock.now())
    try:
        with sending.open_line(
            printer.kind, printer.address, answers=asks, language=sending.language_of(printer)
        ) as line:
            if testing or row is None:
                _send_test(name, line, drawn)
            elif progress.claim(row.id, name, holder):
                _send(actor, row, printer, line, drawn)
            else:
                return turns.take(name, holder)
            answered = line.answered if asks is None else None
    except (PrinterSilent, PrinterStopped, Interrupted, BadInput) as stopped:
        turns.saw(name, *_what_stops(stopped), rests=True)
        return False
    turns.saw(name, Health.READY, answered=answered, before=turn)
    return True


def _what_stops(failure: Exception) -> tuple[Health, str]:
    """What a printer is like that cannot go on, and the word that is kept of it."""
    if isinstance(failure, PrinterStopped):
        return Health.STOPPED, failure.reason
    if isinstance(failure, BadInput):
        return Health.STOPPED, reasons.NOT_LISTED
    said = failure.reason if isinstance(failure, PrinterSilent) else str(failure)
    return Health.STOPPED if said in reasons.STOPS else Health.SILENT, said


def _send(actor: Actor, row: LabelRequest, printer: LabelPrinter, line: Line, drawn: Drawn) -> None:
    name = sending.name_of(row, printer)
    try:
        handed = line.send(name, drawn.bytes)
    except NotTaken as refused:
        progress.move(
            row.id, RequestState.SENDING, RequestState.FAILED, error=str(refused),
            entry=(actor, "labels.failed", {"why": "not taken", "printer": printer.name}),
        )  # fmt: skip
        return
    except Interrupted as lost:
        progress.doubt(
            row.id,
            actor,
            str(lost),
            {"printer": printer.name},
        )
        raise
    progress.handed_over(row.id, actor, printer.name, handed)


def _send_test(name: str, line: Line, drawn: Drawn) -> None:
    with db.transaction() as session:
        turn = turns.of(session, name)
        if turn is None or turn.test_asked_at is None:
            return
        turn.test_asked_at = None  # before a byte leaves, as with any label
    lost = None
    try:
        handed = line.send(f"test-{name}.{drawn.media_type.rpartition('/')[2]}", drawn.bytes)
        said = RequestState.PRINTED.value if handed.printed else RequestState.SENT.value
    except (Interrupted, NotTaken) as failed:
        said, lost = str(failed), failed
    with db.transaction() as session:
        turn = turns.of(session, name)
        if turn is not None:
            turn.test_said = said
    if isinstance(lost, Interrupted):
        raise lost


def example(printer: LabelPrinter) -> Drawn:
    """The example of a label that a printer has stock for, as copy 00, which every scan refuses."""
    template = load((printer.templates or [TEST_TEMPLATE])[0])
    fields = dict(template.example)
    code = fields.pop("code")
    return _rendered(LabelContent(template.name, fields, code, 0), printer)


def _draw_only(actor: Actor, request_id: UUID) -> None:
    """Keep the picture of a label that has no printer."""
    with db.reading() as session:
        row = queries.request_by_id(session, request_id)
    if row.state is RequestState.WAITING and draw(row, actor, None) is not None:
        progress.move(
            row.id, RequestState.WAITING, RequestState.DRAWN,
            entry=(actor, "labels.drawn", {"template": row.template}),
        )  # fmt: skip


def draw(row: LabelRequest, actor: Actor, printer: LabelPrinter | None) -> Drawn | None:
    """Draw one label and keep its picture; None where it cannot be drawn, which is recorded."""
    try:
        template = designs.of_request(row)
        content = _content(row, template)
        made = _rendered(content, printer, template)
    except DomainError as refused:
        progress.move(
            row.id, RequestState.WAITING, RequestState.FAILED, error=_why(refused),
            entry=(actor, "labels.failed", {"why": refused.code}),
        )  # fmt: skip
        return None
    zpl = made if made.media_type == "application/zpl" else _rendered(content, None, template)
    files.write(row.code, row.copy, made.png, zpl.bytes)
    return made


def _content(row: LabelRequest, template: Template) -> LabelContent:
    """What stands on a label, with what is fetched for the moment."""
    fields, wanted = trying.known_to(template, row.fields), template.withheld
    if wanted and row.code[0] in _loaders:
        known = _loaders[row.code[0]](row.code)
        fields |= {name: known[name] for name in wanted if known.get(name)}
    language = speaking.of(template, row.language)
    return LabelContent(row.template, fields, row.code, row.copy, language)


@requires(may.SEE)
def redraw(
    actor: Actor, *, request_id: UUID, format: str = "png", dpi: int = REFERENCE_DPI
) -> Drawn:
    """What a label says, drawn again from the version that is kept, to be looked at.

    It is no further label: it is copy 00, which every scan refuses, so nobody scans a screen in
    place of a thing; and what is kept with no request (a name, a birth date, the four figures of a
    vial) is not fetched for it. It is sent nowhere.

    Raises:
        NoRequest: there is no such label.
        NoTemplate: it was printed before versions were kept, or waits for the first approval.
    """
    with db.reading() as session:
        row = queries.request_by_id(session, request_id)
    template = designs.of_request(row)
    fields = trying.known_to(template, row.fields)
    fields |= {name: UNSAID for name in SEALED if name in template.fields}
    language = speaking.of(template, row.language)
    return render(LabelContent(row.template, fields, row.code, 0, language), format, dpi, template)


def _rendered(
    content: LabelContent, printer: LabelPrinter | None, template: Template | None = None
) -> Drawn:
    if printer is None:
        return render(content, "zpl", template=template)
    language, dpi = sending.language_of(printer), printer.dpi or REFERENCE_DPI
    return render(content, language, dpi, template)


def _why(refused: DomainError) -> str:
    """The sentence to keep; where a name is at fault, without the name (I12)."""
    if refused.field in PERSONAL:
        return str(_("The field %(field)s does not fit on the label.", field=refused.field))
    return str(refused)


@requires(may.PRINTERS)
def test_printer(actor: Actor, *, name: str) -> str:
    """Send a test label now and wait for what comes of it; for the console.

    Returns:
        The name of the template that was sent.

    Raises:
        NoPrinter: none of this name is in use here.
        PrinterSilent: it could not be reached, or did not say that it took the label.
    """
    with db.reading() as session:
        printer = queries.printer_by_name(session, name)
        turn = turns.of(session, name)
    if printer.kind is PrinterKind.AGENT:
        raise NoPrinter(
            _("%(name)s is beside its agent; ask for a test label on the page of printers.",
              name=name), field="name",
        )  # fmt: skip
    drawn = example(printer)
    try:
        with sending.open_line(
            printer.kind, printer.address,
            answers=turns.asks(printer, turn, clock.now()), language=sending.language_of(printer),
        ) as line:  # fmt: skip
            line.send(f"test-{name}.{sending.language_of(printer)}", drawn.bytes)
    except (Interrupted, NotTaken) as lost:
        raise PrinterSilent(
            _(
                "The printer %(name)s did not say that it took the label (%(why)s). Check paper, "
                "ribbon and lid; then try again.",
                name=name,
                why=lost,
            )
        ) from lost
    return drawn.template
