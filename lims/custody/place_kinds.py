"""What places are called, by kind."""

from collections.abc import Mapping

from lims.core.words import Text as _

PLACE_KINDS: Mapping[str, _] = {
    "site": _("site"),
    "room": _("room"),
    "bench": _("bench"),
    "hood": _("hood"),
    "incubator": _("incubator"),
    "shelf": _("shelf"),
    "fridge": _("fridge"),
    "freezer": _("freezer"),
    "tank": _("tank"),
    "rack": _("rack"),
    "box": _("box"),
    "slot": _("slot"),
    "transport": _("transport box"),
    "ward": _("ward"),
}
