"""Labels: what stands on them, how they are drawn, and which copy of a code is the living one.

A feature fills in fields and asks for a print; this package knows codes and printers, and no
feature. A label is drawn from a template of data, refused where anything does not fit, and decoded
before it counts. Each physical label carries its copy number; at most one copy of a code lives, and
a machine prints each copy at most once.

Start reading at `layout`, then `drawing`; `services` asks for a print and `printing` does it.
"""

from lims.labels.approving import approve as approve_design
from lims.labels.approving import approve_all as approve_designs
from lims.labels.approving import reject as reject_design
from lims.labels.approving import waits_for as design_waits_for
from lims.labels.designs import UNDECIDED as DESIGN_UNDECIDED
from lims.labels.designs import Standing as DesignStanding
from lims.labels.designs import standing as design_standing
from lims.labels.designs import standings as design_standings
from lims.labels.errors import (
    DesignDecided,
    DoesNotFit,
    FieldWrong,
    FontMissing,
    NoPrinter,
    NoRequest,
    NoTemplate,
    NotReadable,
    NotSettled,
    OldLabel,
    OwnDesign,
    PrinterSilent,
    TemplateWrong,
)
from lims.labels.files import folder, forget, kept_in
from lims.labels.filling import carries_band
from lims.labels.fonts import choose, font_file
from lims.labels.forms import label_form
from lims.labels.installing import actor_of_token, add_printer, retire_printer
from lims.labels.jobs import PRINTER_WORDS, STATE_NAMES, JobView, PrinterView
from lims.labels.layout import load, names
from lims.labels.looking import (
    job_by_number,
    one_request,
    printers,
    printers_now,
    recent_jobs,
    requests,
)
from lims.labels.models import CopyState, DesignState, LabelDesign, PrinterKind, RequestState
from lims.labels.naming import design_named
from lims.labels.printing import print_job, redraw, test_printer, withheld, work
from lims.labels.queries import (
    LabelFile,
    Tally,
    check_copy,
    copies,
    drawn_files,
    live_copy,
    live_symbol,
    newest_request,
    not_stuck,
    request_by_id,
    said_last,
    tally,
    void_copies,
    without_label,
)
from lims.labels.rendering import Drawn, DrawnSymbol, LabelContent, read_png, render, verify_png
from lims.labels.services import destroy, has_room, reprint, request, stick, stream
from lims.labels.settling import doubt_unfinished, settle
from lims.labels.showing import DESIGN_WORDS, design_picture, designs_now
from lims.labels.speaking import language
from lims.labels.speaking import use as speak
from lims.labels.sweeping import sweep
from lims.labels.symbols import rows as symbol_rows
from lims.labels.symbols import said_by as symbol_says
from lims.labels.writing import Paper

__all__ = [
    "DESIGN_UNDECIDED",
    "DESIGN_WORDS",
    "PRINTER_WORDS",
    "STATE_NAMES",
    "CopyState",
    "DesignDecided",
    "DesignStanding",
    "DesignState",
    "DoesNotFit",
    "Drawn",
    "DrawnSymbol",
    "FieldWrong",
    "FontMissing",
    "JobView",
    "LabelContent",
    "LabelDesign",
    "LabelFile",
    "NoPrinter",
    "NoRequest",
    "NoTemplate",
    "NotReadable",
    "NotSettled",
    "OldLabel",
    "OwnDesign",
    "Paper",
    "PrinterKind",
    "PrinterSilent",
    "PrinterView",
    "RequestState",
    "Tally",
    "TemplateWrong",
    "actor_of_token",
    "add_printer",
    "approve_design",
    "approve_designs",
    "carries_band",
    "check_copy",
    "choose",
    "copies",
    "design_named",
    "design_picture",
    "design_standing",
    "design_standings",
    "design_waits_for",
    "designs_now",
    "destroy",
    "doubt_unfinished",
    "drawn_files",
    "folder",
    "font_file",
    "forget",
    "has_room",
    "job_by_number",
    "kept_in",
    "label_form",
    "language",
    "live_copy",
    "live_symbol",
    "load",
    "names",
    "newest_request",
    "not_stuck",
    "one_request",
    "print_job",
    "printers",
    "printers_now",
    "read_png",
    "recent_jobs",
    "redraw",
    "reject_design",
    "render",
    "reprint",
    "request",
    "request_by_id",
    "requests",
    "retire_printer",
    "said_last",
    "settle",
    "speak",
    "stick",
    "stream",
    "sweep",
    "symbol_rows",
    "symbol_says",
    "tally",
    "test_printer",
    "verify_png",
    "void_copies",
    "withheld",
    "without_label",
    "work",
]
