"""What a label is called by people: what it is for, and its size."""

import re

from lims.core.words import Exact
from lims.core.words import Text as _

_KINDS = {
    "badge": _("badge"),
    "command": _("command"),
    "cryovial_dose": _("cryovial of a dose"),
    "cryovial_side_and_cap": _("cryovial, side and cap"),
    "culture_flask": _("culture flask"),
    "dose_vial": _("dose vial"),
    "equipment": _("equipment"),
    "kit": _("collection kit"),
    "kit_set": _("collection kit with instructions"),
    "lot_label": _("lot"),
    "place": _("place"),
    "qc_aliquot": _("sample for quality control"),
    "reagent": _("reagent"),
    "secondary_pack": _("pack around a dose"),
    "shipment": _("shipment"),
    "specimen_tube": _("specimen tube"),
    "wristband": _("wristband"),
}
_NAME = re.compile(r"(\w+)_(\d+)x(\d+)")


def design_named(template: str) -> _ | Exact:
    """A design in words; one of a name that is none of ours, as it is written.

    >>> str(design_named("place_50x20"))
    'place, 50 × 20 mm'
    """
    found = _NAME.fullmatch(template)
    if found is None or found[1] not in _KINDS:
        return Exact(template)
    size = Exact(f"{found[2]} × {found[3]} mm")
    return _("%(what)s, %(size)s", what=_KINDS[found[1]], size=size)
