"""The printers of a site: where they are, what they take, and the token of an agent beside one."""

import hashlib
import secrets

from sqlalchemy import select

from lims import ledger
from lims.core import db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, Role, requires
from lims.core.words import Text as _
from lims.labels import permissions as may
from lims.labels import queries, sending
from lims.labels.dots import DPI
from lims.labels.layout import load
from lims.labels.models import LabelPrinter, PrinterKind

TOKEN_PREFIX = "lpa_"  # noqa: S105 - what tokens of agents begin with


def stream(name: str) -> str:
    """The ledger's stream of a printer."""
    return f"printer/{name}"


@requires(may.PRINTERS)
def add_printer(
    actor: Actor,
    *,
    name: str,
    kind: PrinterKind,
    address: str,
    templates: list[str] | None = None,
    language: str | None = None,
    dpi: int | None = None,
    answers: bool | None = None,
) -> LabelPrinter:
    """Add a printer, or change the one of this name.

    Args:
        address: `host:9100` for a socket, `ipp://host:631/printers/name` for a print server, a
            folder for files; where it stands, for a printer that an agent serves.
        templates: the labels it holds stock for; none for all.
        language: `zpl`, `pdf` or `png`; ZPL unless given.
        dpi: its dots per inch; 300 unless given.
        answers: whether it answers questions (`~HS`); found out unless given.
    """
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 60:
        raise BadInput(
            _("A printer's name has letters, digits, - and _, at most 60."), field="name"
        )
    sending.check_address(kind, address, language)
    if dpi is not None and dpi not in DPI:
        raise BadInput(_("A label printer has 203, 300 or 600 dots per inch."), field="dpi")
    for each in templates or []:
        load(each)
    with db.transaction() as session:
        row = db.locked(session, select(LabelPrinter).where(LabelPrinter.name == name))
        if row is None:
            row = LabelPrinter(name=name)
            session.add(row)
        row.kind, row.address, row.in_use = kind, address, True
        row.templates = sorted(templates or [])
        row.language, row.dpi, row.answers = language, dpi, answers
        session.flush()
        ledger.record(actor, stream(name), "labels.printer-set", rows=[row])
        return row


@requires(may.PRINTERS)
def retire_printer(actor: Actor, *, name: str) -> LabelPrinter:
    """Take a printer out of use."""
    with db.transaction() as session:
        row = queries.printer_by_name(session, name)
        row.in_use = False
        ledger.record(actor, stream(name), "labels.printer-retired", rows=[row])
        return row


@requires(may.PRINTERS)
def give_token(actor: Actor, *, name: str) -> str:
    """Make the token of the agent beside a printer; the one before opens nothing any more.

    The answer is the secret itself, shown once: do not call this inside `acts.once`.

    Raises:
        NoPrinter: none of this name is in use.
        BadInput: it is served from here, not by an agent.
    """
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with db.transaction() as session:
        row = queries.printer_by_name(session, name)
        if row.kind is not PrinterKind.AGENT:
            raise BadInput(
                _(
                    "%(name)s is reached from here and needs no token; add it with --kind agent.",
                    name=name,
                ),
                field="name",
            )
        row.agent_hash = _digest(secret)
        ledger.record(actor, stream(name), "labels.agent-token", rows=[row])
    return secret


def actor_of_token(token: str) -> Actor | None:
    """The agent that a token stands for; None where it opens nothing (any more)."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    with db.reading() as session:
        row = session.scalar(
            select(LabelPrinter).where(
                LabelPrinter.agent_hash == _digest(token),
                LabelPrinter.in_use,
                LabelPrinter.kind == PrinterKind.AGENT,
            )
        )
    if row is None:
        return None
    return Actor(
        None, None, f"agent:{row.name}", frozenset({Role.AGENT}), row.name, signed_in_by="token"
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
