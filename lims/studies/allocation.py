"""Arms: a sealed list revealed row by row, or an arm assigned on a stated ground.

The list is made outside and imported; each row is encrypted under a key of its own and opened in
order, only after consent and eligibility are signed. A row is never revealed twice, skipped or
edited (domain.md 1.4).
"""

import hashlib
from collections import Counter

from sqlalchemy import func, select

from lims import ledger
from lims.core import clock, db, vault
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.studies import permissions as may
from lims.studies import queries
from lims.studies.enrolment import require_consent, stream
from lims.studies.errors import ListExhausted, StepOutOfOrder
from lims.studies.models import AllocationRow, Study, Subject, SubjectKind, SubjectState
from lims.studies.protocol import Protocol


@requires(may.IMPORT_LIST)
def import_list(actor: Actor, *, study: str, content: str) -> Study:
    """Seal a randomisation list: one arm code a line, in order; a further list goes on behind.

    Raises:
        BadInput: a line that is no arm of the study, or arms out of balance within a block.
    """
    with db.transaction() as session:
        row = queries.study_by_code(session, study, lock=True)
        read = queries.protocol_of(row)
        arms = [line.strip() for line in content.splitlines() if line.strip()]
        for number, arm in enumerate(arms, start=1):
            if arm not in read.arms:
                raise BadInput(
                    _(
                        "Line %(line)s of the list says %(arm)s; the arms are %(arms)s.",
                        line=number,
                        arm=arm,
                        arms=", ".join(read.arms),
                    ),
                    field="content",
                )
        size = read.allocation.block_size
        if not read.allocation.randomised or not arms or (size and len(arms) % size):
            raise BadInput(
                _(
                    "The list must hold whole blocks of %(size)s for a randomised study; "
                    "check the file.",
                    size=size or "-",
                ),
                field="content",
            )
        _require_balance(read, arms)
        digest = hashlib.sha256("\n".join(arms).encode()).hexdigest()
        known = session.execute(
            select(AllocationRow.list_digest, func.max(AllocationRow.position))
            .where(AllocationRow.study_id == row.id)
            .group_by(AllocationRow.list_digest)
        ).all()
        if digest in {each.list_digest for each in known}:
            raise StepOutOfOrder(
                _("The study %(code)s has this list already; it is imported once.", code=row.code)
            )
        # A further list goes on behind the one before; no row is skipped or changed by it.
        behind = max((each[1] for each in known), default=0)
        sealed = []
        for position, arm in enumerate(arms, start=behind + 1):
            key = vault.new_key()
            sealed.append(
                AllocationRow(
                    study_id=row.id,
                    list_digest=digest,
                    position=position,
                    wrapped_key=key,
                    sealed_arm=vault.seal(key, arm),
                )
            )
        session.add_all(sealed)
        session.flush()
        ledger.record(
            actor,
            f"study/{row.code}",
            "studies.list-imported",
            {"sha256": digest, "rows": len(arms)},
            rows=sealed,
        )
        return row


def _require_balance(read: Protocol, arms: list[str]) -> None:
    size = read.allocation.block_size
    if not size or len(set(read.allocation.ratio.split(":"))) != 1 or size % len(read.arms):
        return
    for block in range(len(arms) // size):
        there = Counter(arms[block * size : (block + 1) * size])
        if {there[arm] for arm in read.arms} != {size // len(read.arms)}:
            raise BadInput(
                _(
                    "Block %(block)s of the list does not hold every arm equally often; check "
                    "the file.",
                    block=block + 1,
                ),
                field="content",
            )


@requires(may.ALLOCATE)
def allocate(actor: Actor, *, number: str, arm: str = "", ground: str = "") -> Subject:
    """Reveal the next row for her, or assign `arm` on a stated ground where the trial does so.

    Raises:
        StepOutOfOrder: eligibility is not signed, or she has an arm.
        ListExhausted: no sealed row is left.
    """
    with db.transaction() as session:
        subject = queries.subject_by_number(session, number, lock=True)
        require_consent(session, subject, str(_("allocation")))
        if subject.kind is not SubjectKind.PARTICIPANT or subject.arm is not None:
            raise StepOutOfOrder(
                _("%(number)s has been allocated; an arm is given once.", number=number)
            )
        if subject.state is not SubjectState.ELIGIBLE:
            raise StepOutOfOrder(
                _(
                    "The eligibility of %(number)s is not signed; sign it before allocation.",
                    number=number,
                )
            )
        study = queries.study(session, subject.study_id)
        read = queries.protocol_of(study)
        rows: list[object] = [subject]
        if read.allocation.randomised:
            if arm:
                raise BadInput(
                    _("The study %(code)s is randomised: the list gives the arm.", code=study.code),
                    field="arm",
                )
            revealed = _reveal(session, study, subject)
            subject.arm = vault.unseal(revealed.wrapped_key, revealed.sealed_arm)
            rows.append(revealed)
        else:
            subject.arm = read.arm(arm).code
            if not ground.strip():
                raise BadInput(_("State on what ground this arm was assigned."), field="ground")
            subject.allocation_ground = ground.strip()
        subject.allocated_at = clock.now()
        subject.state = SubjectState.ALLOCATED
        ledger.record(actor, stream(subject), "studies.allocated", rows=rows, reason=ground)
        return subject


def _reveal(session: db.Session, study: Study, subject: Subject) -> AllocationRow:
    # The study's row is the line to stand in: two reveals never take one row.
    queries.study_by_code(session, study.code, lock=True)
    row = db.locked(
        session,
        select(AllocationRow)
        .where(AllocationRow.study_id == study.id, AllocationRow.subject_id.is_(None))
        .order_by(AllocationRow.position)
        .limit(1),
    )
    if row is None:
        raise ListExhausted(
            _(
                "No sealed row is left on the list of %(code)s; call the sponsor.",
                code=study.code,
            )
        )
    row.subject_id = subject.id
    row.revealed_at = clock.now()
    return row
