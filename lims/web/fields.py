"""What may come in through a door, and how it is written when it goes out.

One set of fields serves JSON and forms. Every field reads the JSON shape; what a form sends is
brought into that shape first (`from_form`), so both doors judge by the same words. Nothing is
guessed: no float, no bare number for an amount, no naive time, no date of another calendar unless
the form says so (H16, H17), no unknown field (H53).
"""

import base64
import binascii
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from marshmallow import RAISE, Schema, ValidationError, fields, missing

from lims.core import clock, codes, numbers
from lims.core.errors import BadInput
from lims.core.units import Quantity, kind, shown
from lims.core.words import Text
from lims.web import calendars
from lims.web.calendars import ascii_digits

_ = Text


class Said(str):
    """A refusal's sentence, and the stable code of its error."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, sentence: Text | str, code: str = "bad_input") -> "Said":
        said = super().__new__(cls, str(sentence))
        said.code = code
        return said


def refused(sentence: Text, code: str = "bad_input") -> ValidationError:
    """The error of one field, in words."""
    return ValidationError([Said(sentence, code)])


@contextmanager
def told() -> Iterator[None]:
    """Turn what the core refuses into the error of the field that is being read."""
    try:
        yield
    except BadInput as error:
        raise ValidationError([Said(error.what, error.code)]) from None


class Shape(Schema):
    """Base of every schema: a field that it does not name is refused."""

    error_messages: ClassVar[dict[str, Any]] = {
        "unknown": _("This field is not known here; take it out."),
        "type": _("An object with named fields is needed."),
    }

    class Meta:
        unknown = RAISE


class Input(fields.Field[Any]):
    """Base of every field: a label and a help text for people, a reader for JSON and forms.

    Args:
        label: what the form calls it.
        help: one line beneath the input.
        prefill: what the form holds at first: a value, or a function that gives one.
    """

    kind = "text"
    openapi: ClassVar[dict[str, Any]] = {"type": "string"}
    default_error_messages: ClassVar[dict[str, Any]] = {
        "required": _("This is needed; fill it in."),
        "null": _("This may not be null; leave it out or fill it in."),
        "validator_failed": _("This value is not allowed here."),
    }

    def __init__(
        self,
        *,
        label: Text | str = "",
        help: Text | None = None,
        prefill: Any = None,
        **kwargs: Any,
    ) -> None:
        about = dict(kwargs.pop("metadata", {}))
        about = self.described() | about
        if label:
            about.setdefault("title", label.spoken("en") if isinstance(label, Text) else label)
        if help is not None:
            about.setdefault("description", help.spoken("en"))
        super().__init__(metadata=about, **kwargs)
        self.label = label
        self.help = help
        self.prefill = prefill

    def described(self) -> dict[str, Any]:
        """The field in OpenAPI."""
        return dict(self.openapi)

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        """The stock errors of marshmallow, spoken in the reader's language."""
        return ValidationError(
            [Said(self.error_messages[key], "missing" if key == "required" else "bad_input")]
        )

    def parts(self) -> tuple[str, ...]:
        """The further inputs that a form has for this field, after its own name."""
        return ()

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        """What a form sent, in the JSON shape; `missing` where the input was left empty."""
        text = form.get(name, "")
        return text if text.strip() else missing

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        """A value as the form's inputs hold it, by part; the main input is the empty part."""
        return {"": "" if value is None else str(value)}

    def first(self, zone: ZoneInfo) -> dict[str, str]:
        """What the form's inputs hold at first."""
        value = self.prefill() if callable(self.prefill) else self.prefill
        return {} if value is None else self.to_form(value, zone)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise refused(_("Text is needed here; write it between quotes."))
        return value


class Code(Input):
    """One of our printed codes, of the given kinds; loads as the nine characters.

    Args:
        letters: the type letters that may stand here, the usual one first; none means any.
        scanned: load a `codes.Scanned` (code and copy) instead.
    """

    kind = "code"

    def __init__(self, letters: str = "", *, scanned: bool = False, **kwargs: Any) -> None:
        self.letters = letters
        self.scanned = scanned
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        kinds = ", ".join(codes.LETTERS[each].spoken("en") for each in self.letters)
        return {
            "type": "string",
            "minLength": codes.LENGTH,
            "description": f"A printed code or scanned symbol{': ' + kinds if kinds else ''}.",
        }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = self._text(value)
        with told():
            scanned = codes.expect(text, self.letters) if self.letters else codes.parse(text)
            if scanned.copy == 0:
                raise BadInput(
                    _(
                        "The symbol of %(code)s was drawn by hand and never printed as a label. "
                        "Scan the label on the thing itself.",
                        code=codes.grouped(scanned.code),
                    )
                )
        return scanned if self.scanned else scanned.code

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return value.code if isinstance(value, codes.Scanned) else value


class _Bounded(Input):
    """A number between bounds, which stand in the unit of the field."""

    def __init__(
        self,
        *,
        above: Decimal | int | str | None = None,
        at_least: Decimal | int | str | None = None,
        at_most: Decimal | int | str | None = None,
        **kwargs: Any,
    ) -> None:
        def exact(bound: Decimal | int | str | None) -> Decimal | None:
            return None if bound is None else Decimal(bound)

        self.above, self.at_least, self.at_most = exact(above), exact(at_least), exact(at_most)
        super().__init__(**kwargs)

    def _bounded(self, value: Decimal | int, unit: str = "") -> None:
        tail = f" {shown(unit)}".rstrip()
        if self.above is not None and value <= self.above:
            raise refused(
                _("It must be more than %(bound)s.", bound=numbers.plain(self.above) + tail),
                "too_small",
            )
        if self.at_least is not None and value < self.at_least:
            raise refused(
                _("It must be at least %(bound)s.", bound=numbers.plain(self.at_least) + tail),
                "too_small",
            )
        if self.at_most is not None and value > self.at_most:
            raise refused(
                _("It must be at most %(bound)s.", bound=numbers.plain(self.at_most) + tail),
                "too_large",
            )


def _number(value: Any) -> Decimal:
    """A number from JSON or from text; JSON numbers arrive as Decimal, never as float."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise refused(_("A number is needed here, as text or as digits."), "not_a_number")
    with told():
        return numbers.decimal(str(value))


class Amount(_Bounded):
    """A value and its unit; loads as a `Quantity` in `unit`.

    Args:
        unit: UCUM code of the unit that is asked for; others of its kind are converted, exactly.
        smallest: the amount must be whole in this unit.
        units: what the form offers to choose from; only `unit` unless given.
        above, at_least, at_most: bounds in `unit`.
    """

    kind = "amount"

    def __init__(
        self,
        unit: str,
        *,
        smallest: str | None = None,
        units: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        self.unit = unit
        self.smallest = smallest
        self.units = units or (unit,)
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {
            "type": ["object", "string"],
            "properties": {"value": {"type": "string"}, "unit": {"type": "string"}},
            "description": f"Value and UCUM unit ({kind(self.unit)}), such as "
            f'{{"value": "2.5", "unit": "{self.unit}"}}.',
        }

    def parts(self) -> tuple[str, ...]:
        return (".unit",)

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "").strip()
        if not text:
            return missing
        if " " in text:  # somebody wrote the unit herself
            return text
        return {"value": text, "unit": form.get(name + ".unit") or self.unit}

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": numbers.plain(value.value), ".unit": value.unit}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Quantity:
        with told():
            if isinstance(value, str):
                given = Quantity.parse(value)
            elif isinstance(value, Mapping):
                if set(value) != {"value", "unit"} or not isinstance(value["unit"], str):
                    raise refused(_("An amount has a value and a unit, and nothing else."))
                given = Quantity(_number(value["value"]), value["unit"])
            else:
                raise refused(
                    _("A bare number has no unit; write the value and its unit, such as 2.5 mL."),
                    "no_unit",
                )
            amount = given.to(self.unit)
            if self.smallest:
                amount.count(self.smallest)
        self._bounded(amount.value, self.unit)
        return amount

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return {"value": numbers.plain(value.value), "unit": value.unit}


class Number(_Bounded):
    """A decimal without a unit, or with its unit in the name; loads as `Decimal`."""

    kind = "number"
    openapi: ClassVar[dict[str, Any]] = {"type": ["string", "number"]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        number = _number(value)
        self._bounded(number)
        return number

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": numbers.plain(Decimal(value))}

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else numbers.plain(Decimal(value))


class Whole(_Bounded):
    """A whole number; 3.9 is refused, not cut."""

    kind = "whole"
    openapi: ClassVar[dict[str, Any]] = {"type": "integer"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        number = _number(value)
        with told():
            whole = numbers.whole(str(number))
        self._bounded(whole)
        return whole


class Moment(Input):
    """An instant; loads as an aware datetime in UTC.

    JSON carries its offset. A form sends local time, the zone in which it is meant, and in Persian
    the calendar.
    """

    kind = "moment"
    openapi: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}

    def parts(self) -> tuple[str, ...]:
        return (".zone", ".calendar")

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "").strip()
        if not text:
            return missing
        with told():
            return calendars.local_instant(
                text, form.get(name + ".zone", ""), form.get(name + ".calendar", "")
            )

    def to_form(self, value: datetime, zone: ZoneInfo) -> dict[str, str]:
        return {"": calendars.for_input(value.astimezone(zone))}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        text = self._text(value)
        with told():
            return clock.parse(text)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else clock.text(value)


class Day(Input):
    """A calendar day, Gregorian, 1900-2100; a form may say that it means the Jalali calendar."""

    kind = "day"
    openapi: ClassVar[dict[str, Any]] = {"type": "string", "format": "date"}

    def parts(self) -> tuple[str, ...]:
        return (".calendar",)

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "").strip()
        if not text:
            return missing
        with told():
            return calendars.day(text, form.get(name + ".calendar", "")).isoformat()

    def to_form(self, value: date, zone: ZoneInfo) -> dict[str, str]:
        return {"": calendars.for_input(value)}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        text = self._text(value)
        with told():
            return calendars.day(text)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat()


class Words(Input):
    """Text that a person writes, without its outer blanks.

    Args:
        longest: how many characters it may have.
        lines: whether it may have several lines.
    """

    kind = "words"

    def __init__(self, *, longest: int = 500, lines: bool = False, **kwargs: Any) -> None:
        self.longest = longest
        self.lines = lines
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.longest}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = self._text(value).replace("\r\n", "\n").strip()
        if not text and self.required:
            raise self.make_error("required")
        if len(text) > self.longest:
            raise refused(
                _(
                    "It has %(given)s characters and may have %(longest)s; shorten it.",
                    given=len(text),
                    longest=self.longest,
                ),
                "too_long",
            )
        if any(_hidden(each, lines=self.lines) for each in text):
            raise refused(
                _("It holds an invisible control character; write it again without."),
                "control_character",
            )
        return text


def _hidden(character: str, *, lines: bool) -> bool:
    """Whether a character could hide or turn round what is read.

    Joiners stay: Persian spelling needs them. Marks that turn the direction of writing do not.
    """
    if lines and character in "\n\t":
        return False
    turns = "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
    return turns or unicodedata.category(character) in ("Cc", "Cs", "Cn")


class Secret(Input):
    """A password or PIN: taken as typed, never shown again, never part of a digest."""

    kind = "secret"
    openapi: ClassVar[dict[str, Any]] = {"type": "string", "format": "password"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_only=True, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = self._text(value)
        if not text or len(text) > 200:
            raise self.make_error("required")
        return text


class Choice(Input):
    """One of the values of a `StrEnum`.

    Args:
        values: the enum.
        labels: what people read, by value; the value itself where there is none.
    """

    kind = "choice"

    def __init__(
        self,
        values: type[StrEnum],
        labels: Mapping[Any, Text] | None = None,
        **kwargs: Any,
    ) -> None:
        self.values = values
        self.labels = dict(labels or {})
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {"type": "string", "enum": [each.value for each in self.values]}

    def options(self) -> list[tuple[str, str]]:
        """Value and label of each, in the order of the enum."""
        return [(each.value, str(self.labels.get(each, each.value))) for each in self.values]

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": self.values(value).value}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> StrEnum:
        text = self._text(value)
        try:
            return self.values(text)
        except ValueError:
            raise refused(
                _(
                    "%(text)s is not one of the choices: %(choices)s.",
                    text=text[:40],
                    choices=", ".join(each.value for each in self.values),
                ),
                "not_a_choice",
            ) from None

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return value.value if isinstance(value, StrEnum) else value


class Flag(Input):
    """Yes or no. The form asks with two buttons, so no answer is not the same as no.

    Args:
        box: show one box to tick instead; not ticked is no.
    """

    kind = "flag"
    openapi: ClassVar[dict[str, Any]] = {"type": "boolean"}

    def __init__(self, *, box: bool = False, **kwargs: Any) -> None:
        self.box = box
        super().__init__(**kwargs)

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        text = form.get(name, "no" if self.box else "")
        answers = {"yes": True, "true": True, "no": False, "false": False, "": missing}
        if text not in answers:
            raise refused(_("Answer yes or no."), "not_a_flag")
        return answers[text]

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": "yes" if value else "no"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value is not True and value is not False:
            raise refused(_("Answer yes or no (in JSON true or false)."), "not_a_flag")
        return value


class File(Input):
    """A file; loads as its name and its bytes. JSON: `{"name", "content"}` in base64.

    Args:
        most: how many bytes it may have.
        accept: what the form's file chooser offers, such as `.csv,.txt`.
    """

    kind = "file"
    openapi: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "content": {"type": "string", "contentEncoding": "base64"},
        },
        "required": ["name", "content"],
    }

    def __init__(self, *, most: int = 8_000_000, accept: str = "", **kwargs: Any) -> None:
        self.most = most
        self.accept = accept
        super().__init__(**kwargs)

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        sent = files.get(name)
        if sent is None or not sent.filename:
            return missing
        return {"name": sent.filename, "content": base64.b64encode(sent.read()).decode()}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> tuple[str, bytes]:
        if not isinstance(value, Mapping) or set(value) != {"name", "content"}:
            raise refused(_("A file has a name and its content in base64, and nothing else."))
        name = self._text(value["name"]).replace("\\", "/").rpartition("/")[2].strip()
        if not name or len(name) > 200 or any(_hidden(each, lines=False) for each in name):
            raise refused(_("The file's name cannot be used; give it a short plain name."))
        try:
            content = base64.b64decode(self._text(value["content"]), validate=True)
        except (binascii.Error, ValueError):
            raise refused(
                _("The content of %(name)s is not base64; send it again.", name=name)
            ) from None
        if not content:
            raise refused(_("%(name)s is empty; choose the right file.", name=name), "empty_file")
        if len(content) > self.most:
            raise refused(
                _(
                    "%(name)s is larger than %(most)s bytes; send a smaller file.",
                    name=name,
                    most=self.most,
                ),
                "too_large",
            )
        return name, content


class _Several(Input):
    """A list; the form takes one a line.

    Args:
        fewest, most: how many there may be.
    """

    kind = "lines"
    each: Input

    def __init__(self, *, fewest: int = 0, most: int = 500, **kwargs: Any) -> None:
        self.fewest, self.most = fewest, most
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": self.each.described(),
            "minItems": self.fewest,
            "maxItems": self.most,
        }

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        lines = [line.strip() for line in form.get(name, "").splitlines() if line.strip()]
        if not lines:
            return missing
        return [self.each.from_form("", {"": line}, {}) for line in lines]

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": "\n".join(str(each) for each in value)}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise refused(_("A list is needed here."))
        if not self.fewest <= len(value) <= self.most:
            raise refused(
                _(
                    "It needs %(fewest)s to %(most)s entries; it has %(given)s.",
                    fewest=self.fewest,
                    most=self.most,
                    given=len(value),
                ),
                "wrong_count",
            )
        loaded, faults = [], []
        for place, each in enumerate(value, 1):
            try:
                loaded.append(self.each.deserialize(each))
            except ValidationError as fault:
                for said in fault.messages_dict.get("_schema", fault.messages):
                    line = _("Line %(place)s: %(fault)s", place=place, fault=said)
                    faults.append(Said(line, getattr(said, "code", "bad_input")))
        if faults:
            raise ValidationError(faults)
        return loaded

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return [self.each._serialize(each, attr, obj) for each in value]


class Amounts(_Several):
    """A list of amounts of one unit; a form's line without a unit is meant in `unit`."""

    def __init__(
        self,
        unit: str,
        *,
        smallest: str | None = None,
        above: Decimal | int | str | None = None,
        at_least: Decimal | int | str | None = None,
        at_most: Decimal | int | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.each = Amount(unit, smallest=smallest, above=above, at_least=at_least, at_most=at_most)
        super().__init__(**kwargs)


class Codes(_Several):
    """A list of printed codes of the given kinds; a code given twice is refused."""

    kind = "codes"

    def __init__(self, letters: str = "", *, scanned: bool = False, **kwargs: Any) -> None:
        self.letters = letters
        self.each = Code(letters, scanned=scanned)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        loaded = super()._deserialize(value, attr, data, **kwargs)
        seen: set[str] = set()
        for each in loaded:
            code = each.code if isinstance(each, codes.Scanned) else each
            if code in seen:
                raise refused(
                    _("%(code)s stands here twice; take one out.", code=codes.grouped(code)),
                    "twice",
                )
            seen.add(code)
        return loaded


class Numbers(_Several):
    """A list of decimals."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = {
            each: kwargs.pop(each) for each in ("above", "at_least", "at_most") if each in kwargs
        }
        self.each = Number(**bounds)
        super().__init__(**kwargs)


class Reasons(Input):
    """Why to go on in spite of a gate's warnings: a typed reason by check id.

    A form shows one input for each warning once the gate has asked.
    """

    kind = "reasons"
    openapi: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": {"type": "string", "maxLength": 500},
    }

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        head = name + "."
        given = {
            each.removeprefix(head): form[each]
            for each in form
            if each.startswith(head) and form[each].strip()
        }
        return given or missing

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str]:
        if not isinstance(value, Mapping) or len(value) > 50:
            raise refused(_("Reasons are text by check id."))
        one = Words(longest=500, required=True)
        return {str(each)[:40]: one.deserialize(value[each]) for each in value}


Prefill = Callable[[], Any]
__all__ = [
    "Amount",
    "Amounts",
    "Choice",
    "Code",
    "Codes",
    "Day",
    "File",
    "Flag",
    "Input",
    "Moment",
    "Number",
    "Numbers",
    "Reasons",
    "Said",
    "Secret",
    "Shape",
    "Whole",
    "Words",
    "ascii_digits",
    "refused",
]
