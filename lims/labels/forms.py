"""What every form of a label asks besides its texts: why another is printed, and where."""

from collections.abc import Mapping

from lims.core.words import Text as _
from lims.web import fields

_HAS_ONE = _("Only where it has a label already, which is void from then on.")


def label_form(
    name: str, texts: Mapping[str, fields.Input], *, has_one: _ = _HAS_ONE
) -> fields.Shape:
    """The form of a label whose texts are entered by hand.

    Args:
        name: of the schema.
        texts: what is asked for this label.
        has_one: when a reason is needed.
    """
    entered = {
        **texts,
        "reason": fields.Words(
            load_default="", label=_("Why is a new label needed?"), help=has_one
        ),
        "printer": fields.Words(longest=60, label=_("Printer")),
    }
    shape: type[fields.Shape] = fields.Shape.from_dict(  # type: ignore[assignment]
        dict(entered), name=name
    )
    return shape()
