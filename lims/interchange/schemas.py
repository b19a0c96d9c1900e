"""What is asked of a dossier."""

from enum import StrEnum

from lims.core.words import Text as _
from lims.web import fields


class Language(StrEnum):
    """Languages of the paper."""

    EN = "en"
    FA = "fa"
    ZH = "zh"


class DossierIn(fields.Shape):
    """How the dossier is wanted."""

    language = fields.Choice(
        Language,
        load_default="",
        label=_("Language"),
        help=_("Of the paper in it; the page speaks all three."),
    )
    seal = fields.Whole(
        load_default=0,
        label=_("Seal"),
        help=_("Number of a seal that you have: it is proven to be of the same tree."),
    )
