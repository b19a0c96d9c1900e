"""What a rehearsal leaves behind: labels drawn, certificates, and the document of it all."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lims import custody, isolation, labels, release
from lims.core.permissions import WORKER
from lims.station.rehearsal.stage import Woman


def print_labels() -> int:
    """Do what the workers would: print every label that waits and can be printed now."""
    done, before = 0, None
    while True:
        waiting = labels.requests(WORKER, states=[labels.RequestState.WAITING])
        ids = {each.id for each in waiting}
        if not ids or ids == before:
            return done
        for job in sorted({each.job for each in waiting if each.job is not None}):
            labels.print_job(WORKER, job)
        done, before = done + len(ids), ids


def drawn_labels(session: Session, out: Path) -> list[dict[str, Any]]:
    with labels.kept_in(out / "labels"):
        return [
            {
                "file": str(each.png.relative_to(out)),
                "code": each.code,
                "copy": each.copy,
                "payload": each.payload,
            }
            for each in labels.drawn_files(session)
            if each.png.is_relative_to(out)
        ]


def certificates(session: Session, women: list[Woman], out: Path) -> list[str]:
    folder = out / "certificates"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for code in sorted({woman.lot for woman in women if woman.lot}):
        item = custody.find(session, code)
        found = release.certificate_of(session, item.id)
        if found is not None:
            name = isolation.lot_of(session, item.id).name
            path = folder / f"{name}.pdf"
            path.write_bytes(found.pdf)
            written.append(str(path.relative_to(out)))
    return written
