"""Every page that takes scans, in Chromium: whatever has the focus, whatever was being typed."""

from collections.abc import Iterator
from random import Random

import pytest
from sqlalchemy import select

from lims.core import codes, db
from lims.custody import Item, Place
from lims.web.doors import ACTS
from lims.web.entries import Code
from lims.web.fields import Codes
from lims.web.steps import ARGUMENT
from tests import services_here
from tests.conftest import SOAK
from tests.dosing.test_doors import Tablet, web  # noqa: F401
from tests.web.typing import KEYBOARDS, Scanner

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("beds", ["sqlite"], indirect=True)]
SEED = 20261121
LOGINS = ("tara", "clea", "quin")
# Notes what a page makes of a scan, and keeps it where it is.
WATCH = """
window.scans = [];
document.addEventListener("submit", (event) => event.preventDefault(), { capture: true });
document.addEventListener("scan", (event) => {
  window.scans.push(event.detail.symbol);
  if (!document.querySelector("[data-code], [data-codes]")) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });
"""
STATE = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")].map(
  (e) => ["checkbox", "radio"].includes(e.type) ? String(e.checked) : e.value)"""


@pytest.fixture
def address(web) -> Iterator[str]:  # noqa: F811
    """The app over the bed at an address of its own."""
    with services_here.listening(web) as url:
        yield url


def scan_pages(web, bed) -> dict[str, list[str]]:  # noqa: F811
    """The pages that take scans, by who may open them: pages of their own, and acts with codes."""
    with db.reading() as session:
        codes_of = {each.code[0]: each.code for each in session.scalars(select(Item))}
        codes_of["A"] = session.scalars(select(Place.code).limit(1)).one()
    wanted = {
        f"{act.feature}.{act.name}": act.url(code=codes_of[(act.letters.get("code") or "V")[0]])
        for act in ACTS.values()
        if act.page and isinstance(act.takes, type) and _takes_scans(act.takes)
        if set(ARGUMENT.findall(act.path)) <= {"code"}
        if (act.letters.get("code") or "V")[0] in codes_of
    }
    wanted |= dict.fromkeys(("/station", "/bedside", "/trace", "/"))
    found: dict[str, list[str]] = {}
    for login in LOGINS:
        tablet = Tablet(web, bed, login)
        for name, url in list(wanted.items()):
            answer = tablet.client.get(url or name)
            if answer.status_code == 200:
                del wanted[name]
                found.setdefault(login, []).append(url or name)
    assert len(wanted) < 6, f"nobody could open {wanted}"
    return found


def _takes_scans(schema: type) -> bool:
    declared = vars(schema)["_declared_fields"].values()
    return any(isinstance(each, Code | Codes) or getattr(each, "scan", "") for each in declared)


def test_H05_every_scan_page_takes_whole_codes_into_the_right_field(
    web, bed, address, chromium, measured  # noqa: F811
):  # fmt: skip
    chance, altered, trials, pages = Random(SEED), [], 0, 0
    for login, urls in scan_pages(web, bed).items():
        context = chromium.new_context(base_url=address)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto("/sign-in")
        page.evaluate(
            "([login, password]) => { document.querySelector('#login').value = login;"
            " document.querySelector('#password').value = password;"
            " document.querySelector('#login').form.submit(); }",
            [login, bed.stage.passwords[login]],
        )
        page.wait_for_url("**/")
        for url in urls:
            page.goto(url, wait_until="load")
            pages += 1
            for number in range(len(KEYBOARDS) * (200 if SOAK else 1)):
                trials += 1
                fault = one_scan(page, chance, KEYBOARDS[number % len(KEYBOARDS)])
                if fault:
                    altered.append((url, *fault))
        context.close()
    measured(
        "H05", trials=trials, failures=len(altered), seed=SEED, pages=pages, what="every scan page"
    )
    assert altered == []
    assert pages > 12


def one_scan(page, chance: Random, layout: str) -> tuple | None:
    """Type into a field at random, scan, and look at everything that changed."""
    asked = page.evaluate(
        """() => {
          for (const form of document.querySelectorAll("form")) form.reset();
          window.scans = [];
          window.fields = [...document.querySelectorAll(
            "input:not([type=hidden]), select, textarea")];
          return window.fields.map((e) => [e.type, e.checkVisibility(), "code" in e.dataset
            || "codes" in e.dataset ? e.dataset.letters || "*" : null]);
        }"""
    )
    letters = "".join(each[2] for each in asked if each[2])
    letter = chance.choice(letters.replace("*", "") or "SCLVQK")
    symbol = codes.symbol(codes.draw(letter), chance.randrange(1, 900))
    if chance.random() < 0.25:
        symbol = symbol[:9]
    open_ = [at for at, each in enumerate(asked) if each[1]]
    focused = chance.choice([*open_, None]) if open_ else None
    page.evaluate(
        "(at) => at === null ? document.activeElement.blur() : window.fields[at].focus()", focused
    )
    scanner = page.scanner = getattr(page, "scanner", None) or Scanner(page)
    if focused is not None and asked[focused][0] in ("text", "textarea", "password"):
        scanner.type("".join(chance.choices("abcde", k=chance.randrange(4))), gap_ms=90)
    before = page.evaluate(STATE)
    scanner.scan(symbol, layout, chance.choice(["Enter", "Tab"]))
    after, heard = page.evaluate(f"() => [({STATE})(), window.scans]")
    changed = [at for at, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    if heard != [symbol]:
        return (layout, focused, symbol, "heard", heard)
    if not letters:
        return (layout, focused, symbol, "changed", changed) if changed else None
    fits = [
        at for at in changed if asked[at][2] and (asked[at][2] == "*" or letter in asked[at][2])
    ]
    if len(changed) != 1 or fits != changed or symbol not in after[changed[0]].split("\n"):
        return (
            layout,
            focused,
            symbol,
            "misplaced",
            [(at, before[at], after[at]) for at in changed],
        )
    return None
