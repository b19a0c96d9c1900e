"""What a study file must mean, beyond its shape. Each rule answers with every fault it finds."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from lims.core import units
from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies.protocol import expressions
from lims.studies.protocol.limits import limit
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
        *_fields(data),
        *_criteria(data),
        *_outcomes(data),
        *_visits(data),
        *_specifications(data),
        *_named(data, content),
    ]


def kinds(fields: Mapping[str, Data]) -> dict[str, expressions.Kind]:
    """The type of each field as rules see it. A count has a unit for people only."""
    found: dict[str, expressions.Kind] = {}
    for name, each in fields.items():
        match each.get("type"):
            case "quantity" if "unit" in each:
                found[name] = expressions.dimension(each["unit"])
            case "integer":
                found[name] = ()
            case "choice" | "text":
                found[name] = "text"
            case "date" | "boolean" as plain:
                found[name] = plain
    return found


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
    yield from _ordered(path, dose, "volume_min", "volume_nominal", "volume_max")
    yield from _ordered(path, dose, "delivered_min", "delivered_max")
    yield from _ordered(path, dose, "acceptance_min", "concentration", "acceptance_max")
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
    if measure == "protein" and dose.get("unit_confirmed_by_required") == "none":
        yield (
            (*path, "unit_confirmed_by_required"),
            str(_("A protein dose needs the role that confirms its unit; name one.")),
        )


def _ordered(path: Path, table: Data, *keys: str) -> Iterator[Sentence]:
    present = [key for key in keys if isinstance(table.get(key), Quantity)]
    for lower, upper in pairwise(present):
        try:
            above = table[lower].value > table[upper].to(table[lower].unit).value
        except BadInput:
            yield (
                (*path, upper),
                str(
                    _("%(upper)s and %(lower)s measure different things.", upper=upper, lower=lower)
                ),
            )
            continue
        if above:
            yield (
                (*path, lower),
                str(_("%(lower)s lies above %(upper)s.", lower=lower, upper=upper)),
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
        yield from _ordered(path, window, "silent", "warn")
        yield from _ordered(path, window, "override_min", "nominal", "override_max")
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


def _fields(data: Data) -> Iterator[Sentence]:
    tables = [(("eligibility", "fields"), data.get("eligibility", {}).get("fields", {}))]
    for name, outcome in data.get("outcomes", {}).items():
        tables.append((("outcomes", name, "fields"), outcome.get("fields", {})))
    for path, fields in tables:
        seen: set[str] = set()
        for name, field in fields.items():
            yield from _field((*path, name), name, field)
            if name.casefold() in seen:
                yield (*path, name), str(_("Two fields have this name; rename one."))
            seen.add(name.casefold())


def _field(path: Path, name: str, field: Data) -> Iterator[Sentence]:
    try:
        tree = expressions.parse(name).tree
    except BadInput:
        tree = None
    if tree != expressions.Name(name):
        yield (
            path,
            str(
                _(
                    "A field name has letters, digits and underscores and is no word of "
                    "the rules; rename it."
                )
            ),
        )
    kind = field.get("type")
    if kind == "quantity" and "unit" not in field:
        yield (*path, "unit"), str(_("A quantity needs its unit; add it."))
    if kind not in ("quantity", "integer", None) and "unit" in field:
        yield (*path, "unit"), str(_("Only a quantity or a count has a unit; remove it."))
    if kind == "choice" and not field.get("choices"):
        yield (*path, "choices"), str(_("A choice needs its choices; add them."))
    if kind != "date" and "never" in field:
        yield (*path, "never"), str(_("Only a date may be never; remove it."))


_CRITERION_KEYS = {"M": ("rule",), "J": ("text",), "H": ("rule", "text")}


def _criteria(data: Data) -> Iterator[Sentence]:
    eligibility = data.get("eligibility", {})
    fields = eligibility.get("fields", {})
    known = kinds(fields)
    for name, criterion in eligibility.get("criteria", {}).items():
        path = ("eligibility", "criteria", name)
        needed = _CRITERION_KEYS.get(criterion.get("type", ""))
        for key in ("rule", "text") if needed else ():
            if key in needed and key not in criterion:
                yield (
                    (*path, key),
                    str(_("A criterion of this type needs its %(key)s; add it.", key=key)),
                )
            if key not in needed and key in criterion:
                yield (
                    (*path, key),
                    str(_("A criterion of this type has no %(key)s; remove it.", key=key)),
                )
        for each in criterion.get("requires", ()):
            if each not in fields:
                yield (*path, "requires"), str(_("%(name)s is no field of this study.", name=each))
        if isinstance(criterion.get("rule"), str):
            # A field whose own entry is broken is named there, not here again.
            broken = set(fields) - set(known)
            yield from _rule((*path, "rule"), criterion["rule"], known, fields, broken)


def _rule(
    path: Path, text: str, known: Mapping[str, expressions.Kind], fields: Data, broken: set[str]
) -> Iterator[Sentence]:
    try:
        rule = expressions.parse(text)
        unknown = [name for name in rule.names if name not in fields]
        for name in unknown:
            yield (
                path,
                str(
                    _(
                        "The rule names %(name)s, which is no field of this study; add the "
                        "field or correct the name.",
                        name=name,
                    )
                ),
            )
        if unknown or broken & set(rule.names):
            return
        if rule.kind(known) != "boolean":
            yield path, str(_("The rule is not a yes or no; write a comparison."))
    except BadInput as refusal:
        yield path, str(refusal)
        return
    for name, word in expressions.words_compared(rule.tree):
        choices = fields[name].get("choices")
        if choices and word not in choices:
            yield path, str(_("%(word)s is no choice of %(name)s.", word=word, name=name))


def _outcomes(data: Data) -> Iterator[Sentence]:
    for name, outcome in data.get("outcomes", {}).items():
        path = ("outcomes", name)
        yield from _ordered(path, outcome, "start", "end")
        if ("start" in outcome) != ("end" in outcome):
            key = "end" if "start" in outcome else "start"
            yield (*path, key), str(_("A time point has a start and an end; add %(key)s.", key=key))
        if "start" in outcome and "anchor" not in outcome:
            yield (*path, "anchor"), str(_("A time point needs the event it counts from."))


def _visits(data: Data) -> Iterator[Sentence]:
    for name, visit in data.get("visits", {}).items():
        for key, known in (("arms", data.get("arms")), ("outcomes", data.get("outcomes"))):
            for each in visit.get(key, ()) if known is not None else ():
                if each not in known:
                    yield (
                        ("visits", name, key),
                        str(_("%(name)s is none of the study's %(key)s.", name=each, key=key)),
                    )
        if visit.get("arms") == []:
            yield ("visits", name, "arms"), str(_("A visit needs its arms; add them."))


def _specifications(data: Data) -> Iterator[Sentence]:
    used = {arm.get("specification") for arm in data.get("arms", {}).values()}
    for product, tests in data.get("specifications", {}).items():
        path = ("specifications", product)
        if data.get("arms") and product not in used:
            yield path, str(_("No arm uses this specification; correct its name or remove it."))
        for name, test in tests.items():
            unit = test.get("unit")
            tables = [(("limit",), test.get("limit"), unit), (("stop",), test.get("stop"), unit)]
            tables += [
                (("components", each, "limit"), part.get("limit"), part.get("unit", unit))
                for each, part in test.get("components", {}).items()
            ]
            for keys, table, its_unit in tables:
                for key, sentence in limit(table, its_unit)[1] if table else ():
                    yield (*path, name, *keys, key), sentence
            kind = (test.get("limit") or {}).get("kind")
            if "replicates" not in test and test.get("n") not in ("calc", "-", None):
                yield (
                    (*path, name, "replicates"),
                    str(_("A measured test needs the number of its replicates; add replicates.")),
                )
            if kind == "below_loq" and unit is None:
                yield (*path, name, "unit"), str(_("A limit of quantitation needs a unit; add it."))


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
