"""Labels: what stands on them, how they are drawn, and which copy of a code is the living one.

A feature fills in fields (`LabelContent`) and asks for a print; this package knows codes and
printers, and no feature. A label is drawn from a template of data, refused where anything does not
fit, and decoded before it counts. Each physical label carries its copy number; at most one copy of
a code lives.

Start reading at `layout`, then `drawing`.
"""

from lims.labels.errors import (
    DoesNotFit,
    FieldWrong,
    FontMissing,
    NoTemplate,
    NotReadable,
    OldLabel,
    TemplateWrong,
)
from lims.labels.filling import carries_band
from lims.labels.layout import load, names
from lims.labels.rendering import Drawn, DrawnSymbol, LabelContent, read_png, render, verify_png

__all__ = [
    "DoesNotFit",
    "Drawn",
    "DrawnSymbol",
    "FieldWrong",
    "FontMissing",
    "LabelContent",
    "NoTemplate",
    "NotReadable",
    "OldLabel",
    "TemplateWrong",
    "carries_band",
    "load",
    "names",
    "read_png",
    "render",
    "verify_png",
]
