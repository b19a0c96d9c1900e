"""What several tests of labels ask: an example's content, its drawing, what a scanner reads."""

from lims.labels import LabelContent, layout
from lims.labels.drawing import draw
from lims.labels.elements import Drawing
from lims.labels.symbols import READ_AS

DOSE = "dose_vial_38x25"


def example(name: str, copy: int = 1, /, **changed: str) -> LabelContent:
    """The longest content of a label, some of it changed."""
    fields = {**layout.load(name).example, **changed}
    return LabelContent(name, fields, fields.pop("code"), copy)


def drawn(content: LabelContent, dpi: int = 300) -> Drawing:
    """Its elements."""
    template = layout.load(content.template)
    return draw(template, content.fields, content.code, content.copy, dpi, content.language)


def said(made) -> list[tuple[str, bytes]]:
    """What a scanner reads off a drawn label."""
    return sorted(
        (READ_AS.get(each.symbology, each.symbology), each.text.encode()) for each in made.symbols
    )
