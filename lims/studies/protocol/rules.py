"""What a study file must mean, beyond its shape. Each rule answers with every fault it finds."""

from collections.abc import Iterator, Mapping
from typing import Any

from lims.core import units
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies.protocol import measures
from lims.studies.protocol.ordering import ordered
from lims.studies.protocol.source import Path

Sentence = tuple[Path, str]
Data = Mapping[str, Any]


def faults(data: Data, content: Data) -> list[Sentence]:
    """All faults of meaning.

    Args:
        data: what had the right shape, typed.
        content: the whole file, for keys that notes point to.
    """
    return [
        *_arms(data),
        *_windows(data),
        *_allocation(data),
        *measures.faults(data),
        *_named(data, content),
    ]


def _arms(data: Data) -> Iterator[Sentence]:
    arms = data.get("arms", {})
    names: dict[str, str] = {}
    for code, arm in arms.items():
        path = ("arms", code)
        for name in (code, *arm.get("aliases", ())):
            if name.casefold() in names:
                where = path if name == code else (*path, "aliases")
                yield (
                    where,
                    str(
                        _(
                            "%(name)s already names the arm %(arm)s; every name is used once.",
                            name=name,
                            arm=names[name.casefold()],
                        )
                    ),
                )
            names[name.casefold()] = code
        product = arm.get("product")
        if product == "none":
            yield from _control(path, arm)
        elif product is not None:
            yield from _treated(path, arm, data)
    if not arms and "arms" in data:
        yield ("arms",), str(_("The study has no arm; add one."))


def _control(path: Path, arm: Data) -> Iterator[Sentence]:
    for key in ("dose", "window", "specification", "route", "device"):
        if key in arm:
            yield (
                (*path, key),
                str(_("An arm without a product has no %(key)s; remove it.", key=key)),
            )
    if arm.get("donor_rule", "none") != "none":
        yield (*path, "donor_rule"), str(_("An arm without a product has no donor; write none."))
    if arm.get("mechanical", "not_applicable") != "not_applicable":
        yield (
            (*path, "mechanical"),
            str(_("An arm without a product has no mechanical flag; write not_applicable.")),
        )


def _treated(path: Path, arm: Data, data: Data) -> Iterator[Sentence]:
    for key in ("dose", "window", "specification", "route", "device", "device_dead_volume"):
        if key not in arm:
            yield (*path, key), str(_("An arm with a product needs its %(key)s; add it.", key=key))
    if arm.get("donor_rule") == "none":
        yield (
            (*path, "donor_rule"),
            str(_("An arm with a product needs a donor rule: recipient or other.")),
        )
    if arm.get("product") == "prp" and arm.get("mechanical", "") in ("true", "false"):
        yield (*path, "mechanical"), str(_("PRP is not cultured; write not_applicable."))
    if "windows" in data and arm.get("window") not in (None, *data["windows"]):
        yield (*path, "window"), str(_("No window is called %(name)s.", name=arm["window"]))
    specifications = data.get("specifications")
    if specifications is not None and arm.get("specification") not in (None, *specifications):
        yield (
            (*path, "specification"),
            str(_("No specification is called %(name)s.", name=arm["specification"])),
        )
    if isinstance(arm.get("dose"), Mapping):
        yield from _dose((*path, "dose"), arm["dose"])


def _dose(path: Path, dose: Data) -> Iterator[Sentence]:
    measure = dose.get("measure")
    wanted = {"protein": "mass concentration", "particles": "particle concentration"}.get(
        str(measure)
    )
    for key in ("concentration", "comparator", "acceptance_min", "acceptance_max"):
        if wanted and key not in dose:
            yield (
                (*path, key),
                str(
                    _(
                        "A dose measured in %(measure)s needs its %(key)s; add it.",
                        measure=measure,
                        key=key,
                    )
                ),
            )
        if measure == "none" and key in dose:
            yield (
                (*path, key),
                str(_("A dose that measures nothing has no %(key)s; remove it.", key=key)),
            )
        value = dose.get(key)
        if wanted and isinstance(value, Quantity) and units.kind(value.unit) != wanted:
            yield (
                (*path, key),
                str(
                    _(
                        "%(value)s measures %(found)s, and a %(kind)s is needed "
                        "here; write it in a unit of that kind.",
                        value=value,
                        found=units.kind(value.unit),
                        kind=wanted,
                    )
                ),
            )
    yield from ordered(path, dose, "volume_min", "volume_nominal", "volume_max")
    yield from ordered(path, dose, "delivered_min", "delivered_max")
    yield from ordered(path, dose, "acceptance_min", "concentration", "acceptance_max")
    if measure == "protein" and dose.get("unit_confirmed_by_required") == "none":
        yield (
            (*path, "unit_confirmed_by_required"),
            str(_("A protein dose needs the role that confirms its unit; name one.")),
        )


_WINDOW_KEYS = {
    "before_transfer": ("nominal", "silent", "warn", "override_min", "override_max", "roles"),
    "cycle_day": ("first", "last", "override_days", "roles"),
}


def _windows(data: Data) -> Iterator[Sentence]:
    for name, window in data.get("windows", {}).items():
        path = ("windows", name)
        needed = _WINDOW_KEYS.get(window.get("kind", ""), ())
        for key in needed:
            if key not in window:
                sentence = (
                    _("An override needs the roles that may sign it; add roles.")
                    if key == "roles"
                    else _("A time window needs its tolerance: %(key)s is missing.", key=key)
                )
                yield (*path, key), str(sentence)
        if window.get("roles") == []:
            yield (
                (*path, "roles"),
                str(_("An override needs the roles that may sign it; name one.")),
            )
        foreign = {key for keys in _WINDOW_KEYS.values() for key in keys} - set(needed)
        for key in sorted(foreign & set(window)) if needed else ():
            yield (*path, key), str(_("A window of this kind does not use this key; remove it."))
        yield from ordered(path, window, "silent", "warn")
        yield from ordered(path, window, "override_min", "nominal", "override_max")
        first, last = window.get("first"), window.get("last")
        if isinstance(first, int) and isinstance(last, int):
            if first > last:
                yield (*path, "first"), str(_("The first day lies after the last day."))
            for day in window.get("override_days", ()):
                if first <= day <= last:
                    yield (
                        (*path, "override_days"),
                        str(
                            _("Day %(day)s lies within the window and needs no override.", day=day)
                        ),
                    )


def _allocation(data: Data) -> Iterator[Sentence]:
    allocation = data.get("allocation", {})
    arms = data.get("arms", {})
    targets = [arm.get("target") for arm in arms.values()]
    total = allocation.get("target")
    if arms and all(isinstance(each, int) for each in targets) and isinstance(total, int):
        if sum(targets) != total:
            yield (
                ("allocation", "target"),
                str(
                    _(
                        "The arms add up to %(sum)s participants, not to %(total)s.",
                        sum=sum(targets),
                        total=total,
                    )
                ),
            )
        if allocation.get("evaluable", 0) > total:
            yield ("allocation", "evaluable"), str(_("More evaluable than enrolled."))
    if allocation.get("method") == "block_randomised":
        size = allocation.get("block_size")
        if size is None:
            yield ("allocation", "block_size"), str(_("Blocks need their size; add block_size."))
        elif arms and size % len(arms):
            yield (
                ("allocation", "block_size"),
                str(
                    _(
                        "A block of %(size)s does not divide among %(arms)s arms.",
                        size=size,
                        arms=len(arms),
                    )
                ),
            )
    ratio = allocation.get("ratio")
    if arms and isinstance(ratio, str) and len(ratio.split(":")) != len(arms):
        yield (
            ("allocation", "ratio"),
            str(_("The ratio has another number of parts than there are arms.")),
        )


def _named(data: Data, content: Data) -> Iterator[Sentence]:
    for name, note in data.get("notes", {}).items():
        at: Any = content
        for part in note.get("key", "").split("."):
            at = at.get(part) if isinstance(at, Mapping) else None
        if "key" in note and at is None:
            yield ("notes", name, "key"), str(_("%(key)s is no key of this file.", key=note["key"]))
    arms = data.get("arms")
    journey = data.get("journey")
    if arms is not None and journey is not None:
        for code in sorted(set(journey) ^ set(arms)):
            sentence = (
                _("No arm is called %(code)s.", code=code)
                if code in journey
                else _("The arm %(code)s has no journey; add its stages.", code=code)
            )
            yield ("journey", code), str(sentence)
    tests = {each for group in data.get("specifications", {}).values() for each in group}
    test = data.get("allergy", {}).get("unless_test_below_loq")
    if test is not None and test not in tests:
        yield ("allergy", "unless_test_below_loq"), str(_("No test is called %(test)s.", test=test))
