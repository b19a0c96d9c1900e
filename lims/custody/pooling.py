"""Pools: several items of one donor become one, with all that hangs on them.

An item has one donor, and the lineage's foreign keys carry her: a pool of two women cannot be
written, whatever a study or site allows (H03). A hold on any parent is found from the pool, a
thaw of any parent counts for it, and it expires with the first of them.
"""

from collections.abc import Sequence

from lims.core import clock, codes, db, events, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody.amounts import judge_pool, mass_balance
from lims.custody.dividing import end, request_label, require_divisible
from lims.custody.errors import WrongItemKind
from lims.custody.items import Taken, find, make, require_free
from lims.custody.limiting import is_autologous, protocol_of
from lims.custody.models import Item
from lims.custody.rules import KIND_NAMES, ItemKind
from lims.custody.volumes import add_measured, take

POOLED = (ItemKind.SPECIMEN, ItemKind.HARVEST, ItemKind.QC_SAMPLE, ItemKind.RETAINED)


@requires(may.POOL)
def pool(
    actor: Actor,
    *,
    code: str,
    others: Sequence[str],
    volumes: Sequence[Quantity] = (),
    volume: Quantity | None = None,
    reason: str = "",
) -> Item:
    """Put items of one donor together.

    Args:
        code, others: what is put together, all of one kind.
        volumes: how much of each, in their order; all of each where none is given.
        volume: measured in the pool; what went in unless it is given.
        reason: why to go on where the loss warns.

    Raises:
        GateStopped: material of two donors; more came out than went in, or a loss without a reason.
        WrongItemKind: things of two kinds.
        NotEnough: one holds less than is to be taken.
    """
    with db.transaction() as session:
        wanted = _volumes([code, *others], volumes)
        found = [find(session, each, kinds=POOLED, field="others") for each in wanted]
        # Rows in the order of their ids, so that two pools never wait for each other (H40).
        items = [
            find(session, each.code, kinds=POOLED, lock=True, field="others")
            for each in sorted(found, key=lambda one: str(one.id))
        ]
        require_free(session, *items)
        for each in items:
            require_divisible(session, each)
        first = items[0]
        _alike(items)
        read = protocol_of(session, first)
        taken = {
            each.code: (each.volume_ul or 0) if wanted[each.code] is None else wanted[each.code]
            for each in items
        }
        went_in = sum(each or 0 for each in taken.values())
        measured = went_in if volume is None else volume.count("uL", "volume")
        rows = (
            judge_pool(
                [str(each.donor_id) for each in items],
                autologous=is_autologous(read, first.product),
                approved=False,
                limits=read.limits,
            ),
            mass_balance(went_in, children_ul=[measured], limits=read.limits).row,
        )
        answer = gate.demand(
            gate.Answer("custody.pool", clock.now(), rows), codes=sorted(wanted), reasons=reason
        )
        made = make(
            actor,
            first.kind,
            study_id=first.study_id,
            parents=[Taken(each, taken[each.code]) for each in items],
            state=first.state,
            product=first.product,
            volume_ul=went_in,
            expires_at=min((each.expires_at for each in items if each.expires_at), default=None),
            thaws=max(each.thaw_count for each in items),
            thawed_at=min((each.thawed_at for each in items if each.thawed_at), default=None),
            step="pool",
            data={"gate": answer.as_record(), "reason": reason},
        )
        if measured < went_in:
            take(actor, made, went_in - measured, purpose="loss", reason=reason)
        elif measured > went_in:
            add_measured(actor, made, measured - went_in, why="the pool outweighs what went in")
        for each in items:
            if each.volume_ul == 0:
                end(actor, each, "custody.pooled", reason=reason)
        request_label(actor, session, made)
        events.publish("items.pooled", actor=actor, session=session, pool=made, parents=items)
        return made


def _volumes(listed: Sequence[str], volumes: Sequence[Quantity]) -> dict[str, int | None]:
    """How much of each code; None for all of it."""
    good = [codes.parse(each, "others").code for each in listed]
    if len(set(good)) < 2 or len(set(good)) != len(good):
        raise BadInput(
            _("Scan at least one other item, and each once; a pool is made of several."),
            field="others",
        )
    if volumes and len(volumes) != len(good):
        raise BadInput(
            _(
                "Enter one volume for each of the %(count)s items, or none to take all of each.",
                count=len(good),
            ),
            field="volumes",
        )
    if not volumes:
        return dict.fromkeys(good)
    return {each: volume.count("uL", "volumes") for each, volume in zip(good, volumes, strict=True)}


def _alike(items: Sequence[Item]) -> None:
    first = items[0]
    for each in items[1:]:
        if (each.kind, each.study_id, each.product) != (first.kind, first.study_id, first.product):
            raise WrongItemKind(
                _(
                    "%(one)s is a %(kind)s and %(other)s is a %(other_kind)s, or they are of two "
                    "trials or products; only the same is put together.",
                    one=codes.grouped(first.code),
                    kind=KIND_NAMES[first.kind],
                    other=codes.grouped(each.code),
                    other_kind=KIND_NAMES[each.kind],
                ),
                field="others",
            )
        if each.state is not first.state:
            raise WrongItemKind(
                _(
                    "%(one)s and %(other)s stand differently; bring both to one state first.",
                    one=codes.grouped(first.code),
                    other=codes.grouped(each.code),
                ),
                field="others",
            )
