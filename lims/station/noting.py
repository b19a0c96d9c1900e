"""What somebody sees of the thing in hand, typed after NOTE."""

from typing import Any

from lims import custody
from lims.core import acts, codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody.permissions import OBSERVE
from lims.station.bench import Bench, Outcome, Scanned, empty_handed, holds, of_a_thing, title_of
from lims.station.orders import ORDERS
from lims.station.putting import as_scanned, put_aside
from lims.web.verdicts import Panel

_LONGEST = 300


@requires(OBSERVE)
def note(actor: Actor, said: str, scanned: Scanned, bench: Bench) -> Outcome:
    """Note it of the thing in hand, which stays there."""
    if not holds(scanned, bench):
        return empty_handed(bench)
    code = codes.parse(bench.hand).code
    if code[0] == "A":
        return of_a_thing(str(ORDERS["NOTE"].title), bench)
    if len(said) > _LONGEST:
        raise BadInput(_("A note has at most %(most)s letters; write it shorter.", most=_LONGEST))

    def call() -> dict[str, Any]:
        return {"code": custody.observe(actor, code=bench.hand, note=said).code}

    digest = acts.digest_of("station.note", code, said)
    given = {"code": bench.hand, "note": said}
    answer = as_scanned(actor, "observe", scanned, scanned.key, digest, given, call)
    with db.reading() as session:
        title = title_of(custody.find(session, code))
    if "late_scan" in answer:
        return put_aside(f"{title}: {said}", title, answer, bench)
    return Outcome(Panel("ok", f"{title}: {said}", str(_("noted"))), bench, title)
