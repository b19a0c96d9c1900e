"""What every field of a door has: a label, a help text, a reader for JSON and one for forms."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from marshmallow import RAISE, Schema, ValidationError, fields, missing

from lims.core.errors import BadInput
from lims.core.words import Text

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

    error_messages: Any = {  # noqa: RUF012
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
        private: says who somebody is, so nothing of it may be kept, not even in a digest.
    """

    kind = "text"
    openapi: ClassVar[dict[str, Any]] = {"type": "string"}
    default_error_messages: Any = {  # noqa: RUF012
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
        private: bool = False,
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
        self.private = private

    def described(self) -> dict[str, Any]:
        """The field in OpenAPI."""
        return dict(self.openapi)

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        """The stock errors of marshmallow, spoken in the reader's language."""
        return ValidationError(
            [Said(str(self.error_messages[key]), "missing" if key == "required" else "bad_input")]
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
