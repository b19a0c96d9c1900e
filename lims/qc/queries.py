"""Finding results, samples and findings."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims import custody
from lims.custody import Item, ItemKind
from lims.qc.models import Finding, InstrumentFile, Result


def results_of(session: Session, lot_id: UUID) -> list[Result]:
    """Every result ever entered for a lot, by test and time; none left out."""
    return list(
        session.scalars(
            select(Result).where(Result.lot_id == lot_id).order_by(Result.test, Result.entered_at)
        )
    )


def standing_result(session: Session, lot_id: UUID, test: str) -> Result | None:
    """The result of a test that counts."""
    return session.scalar(
        select(Result)
        .where(Result.lot_id == lot_id, Result.test == test, Result.set_aside.is_(False))
        .order_by(Result.entered_at.desc())
        .limit(1)
    )


def samples_of(session: Session, lot_id: UUID, kind: ItemKind) -> list[Item]:
    """The samples taken of a lot, and what was divided of them."""
    found = custody.descendants(session, [lot_id])
    return sorted((each for each in found if each.kind is kind), key=lambda each: each.code)


def file_by_digest(session: Session, sha256: str) -> InstrumentFile | None:
    """A file that was imported."""
    return session.scalar(select(InstrumentFile).where(InstrumentFile.sha256 == sha256))


def findings_of(
    session: Session, lot_ids: Iterable[UUID], *, open_only: bool = True
) -> list[Finding]:
    """Out-of-specification results and deviations of lots."""
    statement = select(Finding).where(Finding.lot_id.in_(list(lot_ids))).order_by(Finding.opened_at)
    if open_only:
        statement = statement.where(Finding.closed_at.is_(None))
    return list(session.scalars(statement))


def finding_by_reference(session: Session, reference: str) -> Finding | None:
    """The finding of a reference."""
    return session.scalar(select(Finding).where(Finding.reference == reference))


def next_reference(session: Session, lot_item: Item) -> str:
    """How the next finding of a lot is called; the caller holds the lot's row, so none collides."""
    number = session.scalar(
        select(func.count()).select_from(Finding).where(Finding.lot_id == lot_item.id)
    )
    return f"{lot_item.name}-F{(number or 0) + 1}"
