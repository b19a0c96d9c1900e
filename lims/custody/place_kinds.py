"""What places are called, by kind and by how cold they are."""

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

TEMPERATURES: Mapping[str, _] = {
    "room": _("room temperature"),
    "37C": _("37 °C"),
    "2-8C": _("2 to 8 °C"),
    "-20C": _("-20 °C"),
    "-80C": _("-80 °C"),
    "vapour": _("liquid nitrogen"),
}


def temperature_name(temperature_class: str) -> _ | str:
    """How cold a place is, in words; a class of an older installation as it stands."""
    return TEMPERATURES.get(temperature_class, temperature_class)
