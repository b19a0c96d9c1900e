"""Fields of what is scanned, written or chosen."""

import base64
import binascii
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from marshmallow import missing

from lims.core import codes
from lims.core.errors import BadInput
from lims.core.words import Text
from lims.web.inputs import Input, refused, told

_ = Text


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


class Words(Input):
    """Text that a person writes, without its outer blanks.

    Args:
        longest: how many characters it may have.
        lines: whether it may have several lines.
        supplier: whether a supplier's barcode may be scanned into it.
        scan: the type letters of codes that may be scanned into it as well.
    """

    kind = "words"

    def __init__(
        self,
        *,
        longest: int = 500,
        lines: bool = False,
        supplier: bool = False,
        scan: str = "",
        **kwargs: Any,
    ) -> None:
        self.longest = longest
        self.lines = lines
        self.supplier = supplier
        self.scan = scan
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


def one_of(words: Iterable[str]) -> type[StrEnum]:
    """The values of a `Choice` that stand in a file and not in the code."""
    made: Any = StrEnum("Word", {each: each for each in words})  # type: ignore[misc]
    return made


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
        labels: Mapping[Any, Text] | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.values = values
        self.labels: dict[Any, Any] = dict(labels or {})
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
        return {str(each)[:40]: str(one.deserialize(value[each])) for each in value}
