"""What the doors of a trial do: its file, units, delegations and list, by hand or by program."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lims.core import db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, Role, requires
from lims.core.words import Text as _
from lims.studies import allocation, protocol, queries, trials
from lims.studies import permissions as may
from lims.studies.models import Study, SubjectKind
from lims.studies.showing import enrolment as enrolled


def study_out(row: Study) -> dict[str, Any]:
    """A study as its answers show it."""
    return {
        "code": row.code,
        "title": row.title,
        "digest": row.digest,
        "units_confirmed": row.units_confirmed_at is not None,
    }


def _site_text() -> str:
    path = os.environ.get("LIMS_SITE_FILE")
    return protocol.read_file(Path(path)) if path else protocol.demonstration_site_text()


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(
            _("%(name)s is no text in UTF-8; save it again as plain text.", name=name)
        ) from None


@requires(may.LOAD)
def load(
    actor: Actor, *, document: tuple[str, bytes], site_document: tuple[str, bytes] | None = None
) -> dict[str, Any]:
    """Pin a study file; without a file of defaults, with the site's own."""
    site = _text(*site_document) if site_document else _site_text()
    return study_out(trials.load(actor, document=_text(*document), site_document=site))


@requires(may.CONFIRM_UNITS)
def confirm_units(actor: Actor, *, study: str, password: str) -> dict[str, Any]:
    """The sponsor signs that the registered units are meant as written."""
    return study_out(trials.confirm_units(actor, study=study, password=password))


@requires(may.DELEGATE)
def delegate(
    actor: Actor, *, study: str, login: str, role: str, trained_at: datetime, valid_until: datetime
) -> dict[str, Any]:
    """Delegate a trained person."""
    trials.delegate(
        actor,
        study=study,
        login=login,
        role=Role(role),
        trained_at=trained_at,
        valid_until=valid_until,
    )
    return {"study": study, "login": login, "role": role, "valid_until": valid_until}


@requires(may.IMPORT_LIST)
def import_list(actor: Actor, *, study: str, content: tuple[str, bytes]) -> dict[str, Any]:
    """Seal a randomisation list."""
    return study_out(allocation.import_list(actor, study=study, content=_text(*content)))


@requires(may.READ)
def list_studies(actor: Actor) -> dict[str, Any]:
    """Every study in force."""
    with db.reading() as session:
        return {"studies": [study_out(each) for each in queries.studies(session)], "next": None}


@requires(may.READ)
def one_study(actor: Actor, *, study: str) -> dict[str, Any]:
    """A study: its arms, how many each has and should have."""
    with db.reading() as session:
        row = queries.study_by_code(session, study)
        people = queries.subjects(session, row.id, SubjectKind.PARTICIPANT)
        return {**study_out(row), "arms": enrolled(row, people)}


def about_study(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The study and whether its units are confirmed."""
    with db.reading() as session:
        row = queries.study_by_code(session, study)
        confirmed = _("confirmed") if row.units_confirmed_at else _("not confirmed yet")
        return [
            (_("Study"), row.code),
            (_("Title"), queries.protocol_of(row).public_title),
            (_("Units of the dose"), confirmed),
        ]


def about_units(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The figures that the sponsor confirms, arm by arm."""
    with db.reading() as session:
        read = queries.protocol_of(queries.study_by_code(session, study))
    rows: list[tuple[Any, Any]] = list(about_study(actor, study=study))
    for arm in read.arms.values():
        if arm.dose is not None:
            strength = f", {arm.dose.concentration}" if arm.dose.concentration else ""
            rows.append((arm.code, f"{arm.dose.volume_nominal}{strength}"))
    return rows


def about_list(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The arms that the list may name."""
    with db.reading() as session:
        read = queries.protocol_of(queries.study_by_code(session, study))
    return [
        *about_study(actor, study=study),
        (_("Arms"), ", ".join(read.arms)),
        (_("Block size"), read.allocation.block_size or _("none")),
    ]
