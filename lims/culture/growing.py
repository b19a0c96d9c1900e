"""From a specimen to P0, and from passage to passage."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from lims import collection, custody, labels, studies
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.numbers import plain as shown
from lims.core.permissions import Actor, requires
from lims.core.words import Text
from lims.core.words import Text as _
from lims.culture import permissions as may
from lims.culture import queries, rules
from lims.culture.models import Count, Culture
from lims.custody import Item, ItemKind, State, Taken

ROUTES = ("density-gradient", "direct-plating", "red-cell-lysis", "explant", "collagenase")


def limits_of(session: Session, item: Item) -> studies.Protocol:
    """The study that an item belongs to, for its limits."""
    if item.study_id is None:
        raise BadInput(_("%(code)s belongs to no study.", code=codes.grouped(item.code)))
    return studies.protocol_of(studies.study(session, item.study_id))


def donor_may_go_on(session: Session, item: Item) -> list[gate.Row]:
    """Whether the donor's consent still lets her material be worked on (X8)."""
    what = _("donor of %(code)s", code=codes.grouped(item.code))
    if item.donor_id and studies.consent_in_force(session, item.donor_id):
        return [gate.Row("G01", gate.passed(what, _("her consent is in force")))]
    return [
        gate.Row(
            "G01",
            gate.stopped(
                what,
                _("has no consent in force"),
                _("Stop work on her material and put it aside."),
                _("investigator"),
            ),
        )
    ]


@requires(may.GROW)
def isolate(
    actor: Actor,
    *,
    code: str,
    route: str,
    vessel: str,
    area_cm2: Decimal,
    medium: str,
    medium_lot: str,
    medium_expires_on: date,
    antibiotic: bool,
    nucleated_cells: int | None = None,
    reason: str = "",
) -> Item:
    """Isolate cells from an accepted specimen into a P0 vessel; the specimen is used up.

    Args:
        nucleated_cells: seeded, where they were counted; explants are not.

    Raises:
        GateStopped: no consent, medium expired, on hold.
    """
    with db.transaction() as session:
        specimen = custody.find(session, code, kinds=[ItemKind.SPECIMEN], lock=True)
        custody.require_free(session, specimen)
        record = collection.specimen_of(session, specimen.id)
        if record.kind not in (
            collection.SpecimenKind.MENSTRUAL_FLUID,
            collection.SpecimenKind.CORD,
        ):
            raise BadInput(
                _(
                    "Cells are isolated from menstrual fluid or cord; %(code)s is blood.",
                    code=codes.grouped(specimen.code),
                ),
                field="code",
            )
        if route not in ROUTES:
            raise BadInput(
                _("Choose how the cells were isolated: %(routes)s.", routes=", ".join(ROUTES)),
                field="route",
            )
        rows = [*donor_may_go_on(session, specimen), _in_date(medium_lot, medium_expires_on)]
        answer = gate.demand(
            gate.Answer("culture.isolate", clock.now(), tuple(rows)),
            codes=[specimen.code],
            reasons=reason,
        )
        custody.set_state(actor, specimen, State.IN_PROCESS, "culture.isolation-started")
        flask = custody.make(
            actor,
            ItemKind.FLASK,
            study_id=specimen.study_id,
            parents=[Taken(specimen, specimen.volume_ul or None)],
            step="isolation",
        )
        culture = Culture(
            item_id=flask.id,
            passage=0,
            route=route,
            seeded_cells=nucleated_cells,
            seeded_at=clock.now(),
            vessel=vessel,
            area_cm2=area_cm2,
            medium=medium,
            medium_lot=medium_lot,
            antibiotic=antibiotic,
            cumulative_doublings=Decimal(0),
        )
        session.add(culture)
        session.flush()
        custody.touch(
            actor, flask, "culture.isolated", {"gate": answer.as_record()}, rows=[culture]
        )
        custody.set_state(actor, specimen, State.EXHAUSTED, "culture.specimen-used-up")
        request_flask_label(actor, session, flask, culture)
        return flask


@requires(may.GROW)
def passage(
    actor: Actor,
    *,
    code: str,
    total_cells: int,
    viability_percent: Decimal,
    confluence_percent: Decimal,
    seeded: Sequence[int],
    vessel: str,
    area_cm2: Decimal,
    medium: str,
    medium_lot: str,
    medium_expires_on: date,
    antibiotic: bool,
    reason: str = "",
) -> list[Item]:
    """Detach, count, and seed the next passage; the vessel is used up.

    Args:
        total_cells: counted, dead ones included.
        seeded: living cells into each new vessel.

    Returns:
        The new vessels.

    Raises:
        GateStopped: viability, confluence, passage number, more seeded than counted.
    """
    with db.transaction() as session:
        flask = custody.find(session, code, kinds=[ItemKind.FLASK], lock=True)
        custody.require_free(session, flask)
        culture = queries.culture_of(session, flask.id)
        read = limits_of(session, flask)
        count = counted(culture, total_cells, viability_percent, confluence_percent)
        rows = [
            *donor_may_go_on(session, flask),
            _in_date(medium_lot, medium_expires_on),
            *rules.judge_passage(
                viability_percent=viability_percent,
                grown=grown_from(count) if culture.seeded_cells else None,
                limits=read.limits,
                confluence_percent=confluence_percent,
                seeded_per_cm2=Decimal(max(seeded)) / area_cm2 if seeded and area_cm2 else None,
            ),
            gate.bounds("G06", _("cells seeded"), sum(seeded), stop_below=1,
                        stop_above=count.viable_cells,
                        do_now=_("Count again; more cannot be seeded than live."),
                        call=_("laboratory")),
            gate.bounds("G08", _("next passage number"), culture.passage + 1,
                        warn_above=read.limit("culture.passage_harvest_warn_above"),
                        stop_above=read.limit("culture.passage_harvest_stop_above"),
                        do_now=_("Do not passage further."), call=_("quality")),
        ]  # fmt: skip
        answer = gate.demand(
            gate.Answer("culture.passage", clock.now(), tuple(rows)),
            codes=[flask.code],
            reasons=reason,
        )
        session.add(count)
        # Not flushed yet: whoever comes second is told the state, not that a row clashed (H06).
        custody.set_state(
            actor,
            flask,
            State.EXHAUSTED,
            "culture.passaged",
            {"gate": answer.as_record()},
            rows=[count],
            reason=reason,
        )
        made = []
        for cells in seeded:
            child = custody.make(
                actor,
                ItemKind.FLASK,
                study_id=flask.study_id,
                parents=[Taken(flask)],
                step="passage",
            )
            grown = Culture(
                item_id=child.id,
                passage=culture.passage + 1,
                seeded_cells=cells,
                seeded_at=clock.now(),
                vessel=vessel,
                area_cm2=area_cm2,
                medium=medium,
                medium_lot=medium_lot,
                antibiotic=antibiotic,
                cumulative_doublings=count.cumulative_doublings,
            )
            session.add(grown)
            session.flush()
            custody.touch(actor, child, "culture.seeded", rows=[grown])
            request_flask_label(actor, session, child, grown)
            made.append(child)
        return made


@requires(may.REJECT)
def reject_culture(actor: Actor, *, code: str, reason: str) -> Item:
    """Reject a contaminated culture or harvest; everything made from it is blocked."""
    if not reason.strip():
        raise BadInput(_("Say what was seen."), field="reason")
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.FLASK, ItemKind.HARVEST], lock=True)
        custody.set_state(actor, item, State.REJECTED, "culture.rejected", reason=reason)
        custody.block_descendants(actor, item, reason=reason)
        return item


def counted(
    culture: Culture, total: int, viability_percent: Decimal, confluence_percent: Decimal
) -> Count:
    """The growth of a vessel from what was counted in it.

    Raises:
        BadInput: counts that cannot be.
    """
    if total < 0 or not 0 <= viability_percent <= 100 or not 0 <= confluence_percent <= 100:
        raise BadInput(
            _("Cells are zero or more; viability and confluence lie between 0 and 100."),
            field="total_cells",
        )
    viable = int(rules.viable_cells(Decimal(total), viability_percent))
    now = clock.now()
    hours = Decimal((now - culture.seeded_at) // timedelta(seconds=1)) / Decimal(3600)
    # Explants are not counted when they are laid, so their first passage has no doublings.
    doublings = (
        rules.population_doublings(Decimal(culture.seeded_cells), Decimal(viable))
        if culture.seeded_cells
        else None
    )
    cumulative = culture.cumulative_doublings + (doublings or Decimal(0))
    per_doubling = rules.doubling_time_h(hours, doublings)
    return Count(
        item_id=culture.item_id,
        counted_at=now,
        total_cells=total,
        viability_percent=viability_percent,
        viable_cells=viable,
        confluence_percent=confluence_percent,
        hours=round(hours, 4),
        doublings=None if doublings is None else round(doublings, 4),
        cumulative_doublings=round(cumulative, 4),
        doubling_time_h=None if per_doubling is None else round(per_doubling, 2),
        nominal=culture.passage == 0,
    )


def grown_from(count: Count) -> rules.Growth:
    """The growth that a count stands for."""
    return rules.Growth(
        count.doublings, count.cumulative_doublings, count.doubling_time_h, count.nominal
    )


def _in_date(lot: str, expires_on: date) -> gate.Row:
    return gate.bounds(
        "G02",
        _("days until medium %(lot)s expires", lot=lot),
        (expires_on - clock.now().date()).days,
        stop_below=0,
        do_now=_("Take medium that is in date."),
        call=_("laboratory"),
    )


def request_flask_label(actor: Actor, session: Session, flask: Item, culture: Any) -> None:
    """Ask for the label of a vessel."""
    subject = studies.subject(session, flask.donor_id)  # type: ignore[arg-type]
    amount: str | Text = ""
    if culture.seeded_cells is not None:
        amount = _("%(count)s cells", count=shown(Decimal(culture.seeded_cells)))
    labels.request(
        actor,
        template="culture_flask_50x25",
        code=flask.code,
        fields={
            "code": codes.grouped(flask.code),
            "subject": subject.number,
            "passage": f"P{culture.passage}",
            "material": culture.vessel,
            "medium": f"{culture.medium}, {culture.medium_lot}",
            "made_at": clock.printed(culture.seeded_at),
            "amount": amount,
        },
    )
