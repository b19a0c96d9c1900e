"""Every word of every template can be translated: none stands there bare."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import nodes
from jinja2.defaults import BLOCK_START_STRING

from tests.conftest import ROOT

TEMPLATES = sorted((ROOT / "lims").glob("*/templates/**/*.html"))
SPOKEN = {
    "placeholder",
    "title",
    "aria-label",
    "alt",
    "aria-description",
    "aria-placeholder",
    "aria-roledescription",
    "aria-valuetext",
    "label",
    "summary",
}
MARK = "\x00"


class Literals(HTMLParser):
    """Letters that a person would read, outside of what the template puts in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.inside = tag
        for name, value in attrs:
            spoken = name in SPOKEN or (
                name == "value" and dict(attrs).get("type") in ("submit", "button", "reset")
            )
            if spoken and letters(value or ""):
                self.found.append(f'{name}="{value}"')
            if name == "style" or name.startswith("on"):
                self.found.append(f"inline {name}")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style") and data.strip():
            self.found.append(f"inline {self.inside}")
        elif letters(data):
            self.found.append(data.strip())


# What is no language: a file's name, and a date as an example of its own shape.
NO_WORDS = re.compile(r"openapi\.json")


def letters(text: str) -> bool:
    return any(each.isalpha() for each in NO_WORDS.sub("", text))


def literals(source: str) -> list[str]:
    """Bare words of a template; what it computes is taken out first."""
    bare = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    # A macro that writes attributes is read as the inside of a tag.
    bare = re.sub(
        r"\{% macro attributes\b.*?%\}(.*?)\{%-? endmacro", r"<i \1>{% ", bare, flags=re.DOTALL
    )
    bare = re.sub(r"\{%.*?%\}", MARK, bare, flags=re.DOTALL)
    bare = re.sub(r"\{\{.*?\}\}", MARK, bare, flags=re.DOTALL)
    parser = Literals()
    # A mark between attributes would be read as one of them.
    parser.feed(bare.replace(MARK, ""))
    return parser.found


def test_there_are_templates_to_look_at():
    assert {"base.html", "form.html"} <= {path.name for path in TEMPLATES}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_stands_bare(path: Path):
    assert literals(path.read_text()) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_translated_is_a_literal_sentence(web):
    for path in TEMPLATES:
        tree = web.jinja_env.parse(path.read_text())
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_":
                assert isinstance(call.args[0], nodes.Const), f"{path.name}:{call.lineno}"


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        '<input placeholder="Scan">',
        '<img alt="a tube">',
        '<a title="Go">x</a>',
        "<p>{% if a %}سلام{% endif %}</p>",
        '<p style="color:red">{{ x }}</p>',
        '<button onclick="go()">{{ x }}</button>',
        "<script>go()</script>",
        '<input type="submit" value="Send">',
    ],
)
def test_a_bare_word_or_inline_code_is_found(source: str):
    assert literals(source)


def test_a_template_of_ours_is_read_as_jinja():
    assert BLOCK_START_STRING == "{%"
    assert literals('<p>{{ _("Hello") }} · {{ n }}</p><p aria-label="{{ _("x") }}">1-2</p>') == []
