"""Mechanical preconditioning: what was done to a vessel, by which device, how long."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from lims import custody
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.culture import permissions as may
from lims.culture import rules
from lims.culture.growing import donor_may_go_on, limits_of
from lims.culture.models import Preconditioning
from lims.custody import Item, ItemKind, State
from lims.ledger.rules import plain

STATIC = "static_control"


@requires(may.GROW)
def precondition(
    actor: Actor,
    *,
    code: str,
    modality: str,
    parameters: Mapping[str, str],
    device: str,
    calibrated_on: date,
    substrate: str,
    coating: str,
    started_at: datetime,
    ended_at: datetime,
    duty_on: Quantity,
    duty_off: Quantity,
    during_harvest: bool,
    static_sister: str | None = None,
    reason: str = "",
) -> Item:
    """Record a finished preconditioning run of a growing vessel; its flag is true.

    A static control is recorded the same way and its flag is false.

    Args:
        parameters: by name, with unit, as the modality asks (`rules.MODALITIES`).
        duty_on, duty_off: time under load and at rest in each cycle.
        static_sister: the vessel grown beside it without load.

    Raises:
        GateStopped: device out of calibration, consent withdrawn.
        BadInput: a parameter that the modality needs is missing, or in a wrong unit.
    """
    with db.transaction() as session:
        flask = custody.find(session, code, kinds=[ItemKind.FLASK], lock=True)
        custody.require_free(session, flask)
        if flask.state is not State.GROWING:
            raise custody.StateRefused(
                _(
                    "%(code)s is not growing; only growing cells are preconditioned.",
                    code=codes.grouped(flask.code),
                )
            )
        if not started_at < ended_at <= clock.now():
            raise BadInput(
                _("The run must end after its start and not in the future."), field="ended_at"
            )
        sister = (
            custody.find(session, static_sister, kinds=[ItemKind.FLASK], field="static_sister")
            if static_sister
            else None
        )
        if modality != STATIC and (sister is None or sister.donor_id != flask.donor_id):
            raise BadInput(
                _("Scan the static sister: a vessel of the same donor grown without load."),
                field="static_sister",
            )
        read = limits_of(session, flask)
        findings = rules.judge_preconditioning(
            {
                "modality": modality,
                "device": device,
                "calibrated_on": calibrated_on,
                "substrate": substrate,
                "coating": coating,
                "start": started_at,
                "end": ended_at,
                "duty_on": duty_on,
                "duty_off": duty_off,
                "parameters": _amounts(parameters),
                "during_harvest": during_harvest,
                "static_sister": sister.code if sister else "none",
                "operator": str(actor.person),
            },
            read.limits,
        )
        what = _("device %(device)s", device=device)
        rows = [
            *donor_may_go_on(session, flask),
            *findings,
            gate.bounds("M01", _("%(what)s: days since its calibration", what=what),
                        (ended_at.date() - calibrated_on).days, stop_below=0, stop_above=365,
                        do_now=_("Calibrate the device; the run does not count."),
                        call=_("quality")),
        ]  # fmt: skip
        answer = gate.demand(
            gate.Answer("culture.precondition", clock.now(), tuple(rows)),
            codes=[flask.code],
            reasons=reason,
        )
        run = Preconditioning(
            item_id=flask.id,
            modality=modality,
            parameters=plain(dict(parameters)),
            device=device,
            calibrated_on=calibrated_on,
            substrate=substrate,
            coating=coating,
            started_at=started_at,
            ended_at=ended_at,
            duty_on=str(duty_on),
            duty_off=str(duty_off),
            during_harvest=during_harvest,
            static_sister_id=sister.id if sister else None,
            operator_id=actor.person,
            flag=modality != STATIC,
        )
        session.add(run)
        session.flush()
        data: dict[str, Any] = {"gate": answer.as_record()}
        custody.touch(actor, flask, "culture.preconditioned", data, rows=[run], reason=reason)
        return flask


def _amounts(parameters: Mapping[str, str]) -> dict[str, Quantity | str]:
    """Parameters as quantities where they have a unit, as words where they have none."""
    read: dict[str, Quantity | str] = {}
    for name, text in parameters.items():
        try:
            read[name] = Quantity.parse(text, name)
        except BadInput:
            read[name] = text.strip()
    return read
