"""Tables that can be read on a phone: each cell says which column it is of."""

import re

from markupsafe import Markup

_HEADS = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<t([dh])\b([^>]*)>(.*?)</t\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_SPAN = re.compile(r'colspan="(\d+)"')


def cards(table: str) -> Markup:
    """A drawn table whose rows become cards where it is narrow; the first column heads its card.

    >>> print(cards("<table><thead><tr><th>A</th><th>B</th></tr></thead>"
    ...             "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>"))
    <table class="cards"><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td \
data-label="B"><div>2</div></td></tr></tbody></table>
    """
    text = str(table)
    head = _HEADS.search(text)
    if head is None:
        return Markup(text)  # noqa: S704 - what a template drew
    names = [_TAG.sub("", each).strip().replace('"', "&quot;") for each in _HEAD.findall(head[1])]

    def row(found: re.Match[str]) -> str:
        column = 0

        def cell(tag: re.Match[str]) -> str:
            nonlocal column
            at, span = column, _SPAN.search(tag[2])
            column += int(span[1]) if span else 1
            name = names[at] if 0 < at < len(names) else ""
            if not name:
                return tag[0]
            # What stands in it is one thing beside its name.
            return f'<t{tag[1]}{tag[2]} data-label="{name}"><div>{tag[3].strip()}</div></t{tag[1]}>'

        return _CELL.sub(cell, found[0])

    body = _ROW.sub(row, text[head.end() :])
    before = text[: head.end()].replace("<table>", '<table class="cards">', 1)
    return Markup(before + body)  # noqa: S704 - what a template drew
