"""Label templates: what stands where, read from `label_templates/<name>/label.toml`.

A template is data, named by id and never by path, and runs nothing (H58).
`label_templates/README.md` says how to write one.
"""

import re
from functools import cache

from lims.core.words import Text as _
from lims.labels.errors import NoTemplate
from lims.labels.places import PERSONAL, SEALED, Template
from lims.labels.reading import read
from lims.labels.stocks import folder

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")

__all__ = ["PERSONAL", "SEALED", "load", "names", "read"]


def names() -> list[str]:
    """The names of all label templates."""
    return sorted(
        each.name
        for each in folder().iterdir()
        if _NAME.fullmatch(each.name) and each.joinpath("label.toml").is_file()
    )


@cache
def load(name: str) -> Template:
    """Read and check one template.

    Raises:
        NoTemplate: no template of this name; lists those there are.
        TemplateWrong: its file is wrong; names the place.
    """
    if not _NAME.fullmatch(name) or name not in names():
        raise NoTemplate(
            _(
                "There is no label %(name)s; there are %(names)s.",
                name=name[:60],
                names=", ".join(names()),
            ),
            field="template",
        )
    return read(name, (folder() / name / "label.toml").read_text(encoding="utf-8"))
