"""/look shows every part in three languages, drawn by what the pages use, so it cannot drift."""

import re
from pathlib import Path

import pytest
from jinja2 import nodes

from lims.core.permissions import Role
from lims.station.look_pages import PARTS
from lims.web import tokens
from tests.conftest import ROOT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ADDRESSES = ["/look", *(f"/look/{part}" for part in PARTS)]
LOOK = ROOT / "lims/station/templates/station/look"
PIECES = [
    path
    for path in sorted((ROOT / "lims").glob("*/templates/**/_*.html"))
    if LOOK not in path.parents and not path.name.startswith("_base")
]


@pytest.fixture
def shown(site, laboratory) -> dict[str, str]:
    """The pages of /look as an administrator sees them."""
    laboratory.join("adam", Role.ADMINISTRATOR)
    pages = {}
    for address in ADDRESSES:
        answer = site.page("adam", address)
        assert answer.status_code == 200, address
        pages[address] = answer.get_data(as_text=True)
    return pages


def test_every_class_of_the_stylesheet_is_shown(shown):
    sheet = re.sub(r"/\*.*?\*/", "", tokens.SHEET.read_text(), flags=re.DOTALL)
    selectors = [each for each in re.findall(r"([^{}]+)\{", sheet) if "@" not in each]
    wanted = {name for each in selectors for name in re.findall(r"\.([a-z][\w-]*)", each)}
    assert len(wanted) > 50
    there = {
        each
        for page in shown.values()
        for value in re.findall(r'class="([^"]*)"', page)
        for each in value.split()
    }
    # Told by the room a page is for, not by a part: the bench's and the sign-in's own frames.
    assert wanted - there - {"station", "one", "dark"} == set()


def test_every_verdict_is_shown_in_every_language(shown):
    for page in (shown["/look/answers"], shown["/look/bed"]):
        for kind in ("ok", "stop", "ask", "wait"):
            assert len(re.findall(rf'data-verdict="{kind}"', page)) == 3


def _calls(env, path: Path) -> tuple[dict[str, set[str]], set[str]]:
    """Of a template: each macro with what it calls, and what is called outside of macros."""
    tree = env.parse(path.read_text())
    macros = {each.name: _called(each) for each in tree.find_all(nodes.Macro)}
    return macros, _called(tree)


def _called(tree) -> set[str]:
    names = set()
    for call in tree.find_all(nodes.Call):
        node = call.node
        names.add(node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", ""))
    return names


def test_every_macro_of_the_pages_is_shown(site):
    env = site.app.jinja_env
    macros = {name: calls for path in PIECES for name, calls in _calls(env, path)[0].items()}
    reached = {name for path in LOOK.glob("*.html") for name in _calls(env, path)[1]}
    for _round in macros:
        reached |= {name for each in reached & macros.keys() for name in macros[each]}

    assert len(PIECES) >= 9
    assert macros.keys() - reached == set()


def test_each_language_stands_on_the_page_in_its_own_direction(shown):
    for part in PARTS:
        page = shown[f"/look/{part}"]
        assert re.findall(r'lang="(\w+)" dir="(\w+)" aria-label', page) == [
            ("en", "ltr"),
            ("fa", "rtl"),
            ("zh", "ltr"),
        ]
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))


def test_contrast_is_written_beside_the_colours(shown):
    found = re.findall(r'data-pair="([\w-]+) ([\w-]+)"', shown["/look"])

    assert found == [pair[:2] for pair in tokens.PAIRS]


def test_in_a_live_system_it_is_for_administrators_and_in_no_menu(site, shown):
    assert site.page("tara", "/look").status_code == 403
    assert site.page("tara", "/look/forms").status_code == 403
    assert 'href="/look"' not in site.page("tara", "/").get_data(as_text=True)
