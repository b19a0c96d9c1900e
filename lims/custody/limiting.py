"""The limits under which an item is worked on, and whose material its study allows together."""

from sqlalchemy.orm import Session

from lims import studies
from lims.core import codes
from lims.core.errors import BadInput
from lims.core.limits import Limits
from lims.core.words import Text as _
from lims.custody.models import Item
from lims.studies import Protocol


def protocol_of(session: Session, item: Item) -> Protocol:
    """The study that an item belongs to.

    Raises:
        BadInput: it belongs to none, so nothing limits it.
    """
    if item.study_id is None:
        raise BadInput(_("%(code)s belongs to no study.", code=codes.grouped(item.code)))
    return studies.protocol_of(studies.study(session, item.study_id))


def limits_of(session: Session, item: Item) -> Limits:
    """The limits of the study and the site."""
    return protocol_of(session, item).limits


def is_autologous(read: Protocol, product: str | None) -> bool:
    """Whether what is made of it may go back to the donor alone.

    Before there is a lot no product is named; then one such arm in the study is enough.
    """
    arms = [each for each in read.arms.values() if product is None or each.product == product]
    return any(each.donor_rule == "recipient" for each in arms)
