"""The seal key changes: the new one is signed by the old, and takes its place."""

from pathlib import Path

from lims.core import db
from lims.core.errors import BadInput, Conflict
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.ledger import keys, sealing
from lims.ledger import permissions as may
from lims.ledger.signatures import PublicKey


class NoKeyYet(Conflict):
    """There is no key to change."""

    code = "no_key_yet"


@requires(may.ROTATE_KEY)
def rotate(actor: Actor, *, new_file: Path | None = None, reason: str = "") -> PublicKey:
    """Seal under a new key from now on; its entry is the last thing that the old key signs.

    Args:
        new_file: the new key's file where the operator keeps the keys; in the embedded mode the
            new key is made and takes the place of the old.

    Raises:
        NoSealKey: the old key is not here, so nothing could endorse the new one.
        NoKeyYet: nothing was ever sealed.
        BadInput: no new key was given, or it is an old one.
    """
    sealing.seal()  # everything so far under the old key
    with db.reading() as session:
        if not keys.history(session):
            raise NoKeyYet(_("Nothing has been sealed, so there is no key to change yet."))
    here = keys.place()
    if new_file is None and not here.own:
        raise BadInput(
            _(
                "The operator keeps the seal key here: give the file of the new one, and set "
                "LIMS_SEAL_KEY_FILE to it afterwards."
            ),
            field="new",
        )
    with db.transaction() as session:
        sealing.take_turn(session)
        old = keys.sealing_key(session)
        new = keys.read_file(new_file or _successor(here), None)
        if new.public in [each.public for each in keys.history(session)]:
            raise BadInput(
                _("%(kid)s has been a seal key before; make a fresh one.", kid=new.public.kid),
                field="new",
            )
        keys.write(actor, new, endorsed=old.sign(new.public.canonical), reason=reason)
    keys.finish_rotation(here, new.public)
    return new.public


def _successor(here: keys.KeyPlace) -> Path:
    """The new key beside the old one; one that a rotation left behind unfinished is taken up."""
    file = here.next_file or Path()
    if not file.exists():
        keys.make_file(file)
    return file
