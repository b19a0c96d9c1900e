"""The way to a printer, by its kind. A line is open before anything of a label leaves."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.labels import addresses, folders, ipp, raw
from lims.labels.handing import Line
from lims.labels.models import LabelPrinter, LabelRequest, PrinterKind

MEDIA_TYPES = {"zpl": "application/zpl", "pdf": "application/pdf", "png": "image/png"}
_Opens = Callable[[str, bool | None, str], AbstractContextManager[Line]]
_LINES: Mapping[PrinterKind, _Opens] = {
    PrinterKind.FILE: lambda address, _answers, _media: folders.line(address),
    PrinterKind.SOCKET: lambda address, answers, _media: raw.line(address, answers=answers),
    PrinterKind.IPP: lambda address, _answers, media: ipp.line(address, media),
}
_LANGUAGES = {
    PrinterKind.FILE: frozenset(MEDIA_TYPES),
    PrinterKind.IPP: frozenset(MEDIA_TYPES),
    PrinterKind.SOCKET: frozenset({"zpl"}),
    PrinterKind.AGENT: frozenset(MEDIA_TYPES),
}


def check_address(kind: PrinterKind, address: str, language: str | None) -> None:
    """Refuse an address that could not be used, or that no printer of this site may have.

    Raises:
        BadInput: not `host:port`, a print queue, or a folder that there is; not on the list.
    """
    if language is not None and language not in _LANGUAGES[kind]:
        raise BadInput(
            _(
                "A printer of the kind %(kind)s takes %(languages)s.",
                kind=kind.value,
                languages=", ".join(sorted(_LANGUAGES[kind])),
            ),
            field="language",
        )
    if kind is PrinterKind.SOCKET:
        addresses.check(*addresses.split(address, addresses.RAW_PORT))
    elif kind is PrinterKind.IPP:
        queue = ipp.server(address)
        addresses.check(queue.host, queue.port)
    elif kind is PrinterKind.FILE and not Path(address).is_dir():
        raise BadInput(
            _("%(address)s is no folder; make it, or name another.", address=address[:200]),
            field="address",
        )


def open_line(
    kind: PrinterKind, address: str, *, answers: bool | None, language: str
) -> AbstractContextManager[Line]:
    """Open the line to a printer, and see whether it can print now.

    Args:
        answers: whether it answers questions; None: see whether it does.

    Raises:
        PrinterSilent, PrinterStopped: it cannot print now, and nothing left.
        BadInput: its address is not, or no longer, on the list.
    """
    return _LINES[kind](address, answers, MEDIA_TYPES[language])


def language_of(printer: LabelPrinter) -> str:
    """What a printer takes."""
    return printer.language or "zpl"


def name_of(row: LabelRequest, printer: LabelPrinter) -> str:
    """What a label is called on its way: the file, or the job."""
    return f"{row.code}-{row.copy:02d}.{language_of(printer)}"
