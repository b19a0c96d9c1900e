"""What a study file asks and measures must mean: fields, criteria, outcomes, visits, tests."""

from collections.abc import Iterator, Mapping
from typing import Any

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.studies.protocol import expressions
from lims.studies.protocol.limits import limit
from lims.studies.protocol.ordering import ordered
from lims.studies.protocol.source import Path

Sentence = tuple[Path, str]
Data = Mapping[str, Any]


def faults(data: Data) -> Iterator[Sentence]:
    """All faults of fields, criteria, outcomes, visits and tests."""
    yield from _fields(data)
    yield from _criteria(data)
    yield from _outcomes(data)
    yield from _visits(data)
    yield from _specifications(data)


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


def _fields(data: Data) -> Iterator[Sentence]:
    tables: list[tuple[Path, Data]] = [
        (("eligibility", "fields"), data.get("eligibility", {}).get("fields", {}))
    ]
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


_CRITERION_KEYS: Mapping[str, tuple[str, ...]] = {
    "M": ("rule",),
    "J": ("text",),
    "H": ("rule", "text"),
}


def _criteria(data: Data) -> Iterator[Sentence]:
    eligibility = data.get("eligibility", {})
    fields = eligibility.get("fields", {})
    known = kinds(fields)
    for name, criterion in eligibility.get("criteria", {}).items():
        path = ("eligibility", "criteria", name)
        needed = _CRITERION_KEYS.get(criterion.get("type", ""), ())
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
        yield from ordered(path, outcome, "start", "end")
        if ("start" in outcome) != ("end" in outcome):
            key = "end" if "start" in outcome else "start"
            yield (*path, key), str(_("A time point has a start and an end; add %(key)s.", key=key))
        if "start" in outcome and "anchor" not in outcome:
            yield (*path, "anchor"), str(_("A time point needs the event it counts from."))


def _visits(data: Data) -> Iterator[Sentence]:
    for name, visit in data.get("visits", {}).items():
        for key, known in (("arms", data.get("arms")), ("outcomes", data.get("outcomes"))):
            for each in visit.get(key, ()):
                if known is not None and each not in known:
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
            tables: list[tuple[Path, Any, Any]] = [
                (("limit",), test.get("limit"), unit),
                (("stop",), test.get("stop"), unit),
            ]
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
