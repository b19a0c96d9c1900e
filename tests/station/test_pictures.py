"""Pictures of every page in three languages and three sizes, to be looked at: `make pictures`.

The suite itself takes few. They are kept in `var/pictures` of the checkout, with one page of all.
"""

import io
import os
import re
from html import escape
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.dosing.test_doors import web  # noqa: F401
from tests.station.conftest import SIZES
from tests.station.every_page import Page, address, furnish, pages, signed_in  # noqa: F401

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("beds", ["sqlite"], indirect=True)]
ALL = bool(os.environ.get("EXOTRACE_PICTURES"))
FEW = {("desk", "en"): "/look/answers", ("tablet", "zh"): "/lots", ("phone", "fa"): "/station"}
ORDER = [(size, language) for size in SIZES for language in ("en", "fa", "zh")]


def _taken(page, folder: Path, about: Page, size: str, language: str) -> str:
    """Take the picture of a page and give its file's name."""
    page.goto(about.url, wait_until="load")
    shown = re.sub(r"\W+", "-", about.url).strip("-") or "start"
    name = f"{about.login}-{shown}-{size}-{language}.png"
    page.screenshot(path=folder / name, full_page=True)
    return name


def _index(folder: Path, rows: dict[Page, list[str]]) -> None:
    shown = "".join(
        f"<h2>{escape(page.login)} {escape(page.url)}</h2><p>"
        + "".join(f'<a href="{name}"><img src="{name}" alt="{name}"></a> ' for name in names)
        for page, names in rows.items()
    )
    style = "img{max-height:420px;max-width:24%;vertical-align:top;border:1px solid #888}"
    (folder / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>Pictures</title><style>{style}</style>{shown}"
    )


def test_pages_are_pictured_in_every_language_and_size(
    web, bed, address, chromium, tmp_path  # noqa: F811
):  # fmt: skip
    furnish(bed)
    folder = ROOT / "var" / "pictures" if ALL else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    found = pages(web, bed) if ALL else []
    rows: dict[Page, list[str]] = {}
    for size, language in ORDER if ALL else FEW:
        width, height = SIZES[size]
        wanted = found or [Page("tara", FEW[size, language])]
        for login in dict.fromkeys(each.login for each in wanted):
            page = signed_in(
                chromium, bed, address, login, language,
                viewport={"width": width, "height": height}, has_touch=size != "desk",
            )  # fmt: skip
            for each in wanted:
                if each.login == login:
                    rows.setdefault(each, []).append(_taken(page, folder, each, size, language))
            page.context.close()
    _index(folder, rows)
    taken = [name for names in rows.values() for name in names]
    print(f"{len(taken)} pictures: {folder / 'index.html'}")
    assert len(taken) == (len(found) * len(ORDER) if ALL else len(FEW))
    for name in taken:
        with Image.open(folder / name) as picture:
            extremes = picture.convert("L").getextrema()
        assert extremes[1] - extremes[0] > 100, f"{name} is empty"


def test_ok_and_stop_differ_in_a_picture_without_colour(bed, address, chromium):  # noqa: F811
    page = signed_in(chromium, bed, address, "tara", "en", viewport={"width": 1366, "height": 768})
    page.goto("/look/answers", wait_until="load")
    grey = {}
    for kind in ("ok", "stop"):
        panel = page.locator(f"[data-verdict={kind}]").first
        with Image.open(io.BytesIO(panel.screenshot())) as picture:
            shades = picture.convert("L").histogram()
        grey[kind] = max(range(256), key=shades.__getitem__)
    page.context.close()

    # Light against dark, and not two dark colours of the same grey.
    assert grey["ok"] > 200
    assert grey["stop"] < 80
