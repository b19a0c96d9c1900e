"""The page of a dossier, opened from a file in a browser that has no network."""

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from lims import custody, interchange, ledger
from lims.core import console, db
from lims.core.units import Quantity
from lims.interchange import rules
from tests.conftest import SOAK
from tests.interchange.made import Out, members, out, sealing  # noqa: F401

pytestmark = pytest.mark.browser
SIZES = {"desk": (1280, 900), "tablet": (834, 1112), "phone": (390, 844)}
WORDS = {
    "en": ("VALID BUT UNWITNESSED", "ltr"),
    "fa": ("معتبر ولی بی‌شاهد", "rtl"),
    "zh": ("有效但无见证", "ltr"),
}


class Reader:
    """Somebody who opened the page from her own disk."""

    def __init__(self, browser, folder: Path, *, size: str = "desk", without: str = "") -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, offline=True, locale="en-GB"
        )
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on("console", lambda said: self.faults.append(said.text))
        if without:
            self.page.add_init_script(without)
        self.file = folder / "index.html"

    def open(self, content: bytes, language: str = "en") -> str:
        self.file.write_bytes(content)
        self.page.goto(f"file://{self.file}?language={language}")
        return self.verdict()

    def verdict(self) -> str:
        self.page.wait_for_function("document.documentElement.dataset.verdict")
        return self.page.evaluate("document.documentElement.dataset.verdict")


@pytest.fixture
def reader(chromium, tmp_path: Path) -> Iterator[Reader]:
    """A reader at a desk."""
    opened = Reader(chromium, tmp_path)
    yield opened
    opened.context.close()
    assert opened.faults == []


@pytest.mark.parametrize("size", SIZES)
def test_the_page_checks_itself_and_says_so_in_three_languages(chromium, out, tmp_path, size):  # noqa: F811
    seen = Reader(chromium, tmp_path, size=size)
    for language, (word, direction) in WORDS.items():
        assert seen.open(members(out.plain)[rules.PAGE], language) == "VALID BUT UNWITNESSED"
        assert seen.page.inner_text(".verdict-word") == word
        assert seen.page.get_attribute("html", "dir") == direction
        assert seen.page.locator("#checks .wrong").count() == 0
        assert seen.page.locator("#checks .mark").count() >= 11
        assert seen.page.locator("#trail .one").count() > 20
        assert seen.page.locator("#lineage .here").count() == 1
        width = SIZES[size][0]
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        shots = os.environ.get("EXOTRACE_SHOTS")
        if shots:
            seen.page.screenshot(path=f"{shots}/dossier-{size}-{language}.png", full_page=True)
    assert seen.faults == []
    seen.context.close()


def test_a_key_from_outside_decides(reader: Reader, out: Out):  # noqa: F811
    page = members(out.witnessed)[rules.PAGE]
    assert reader.open(page) == "VALID BUT UNWITNESSED"
    for given, word in (
        (f'{{"kty":"OKP","crv":"Ed25519","x":"{out.witness.x}"}}', "VALID"),
        (out.witness.x, "VALID"),
        (out.seal_key.x, "VALID BUT UNWITNESSED"),
        ("x" * 43, "INVALID"),
        ("no key at all", "INVALID"),
        ("", "VALID BUT UNWITNESSED"),
    ):
        reader.page.evaluate("delete document.documentElement.dataset.verdict")
        reader.page.fill("#keys", given)
        reader.page.click("#again")
        assert reader.verdict() == word, given


def test_signatures_are_checked_by_hand_where_the_browser_cannot(chromium, out, tmp_path):  # noqa: F811
    seen = Reader(chromium, tmp_path, without="""
        const importKey = SubtleCrypto.prototype.importKey;
        SubtleCrypto.prototype.importKey = function (format, raw, about, ...rest) {
          if (about.name === "Ed25519") throw new DOMException("unknown", "NotSupportedError");
          return importKey.call(this, format, raw, about, ...rest);
        };""")  # fmt: skip
    page = members(out.plain)[rules.PAGE]
    assert seen.open(page) == "VALID BUT UNWITNESSED"
    assert "has no Ed25519 of its own" in seen.page.inner_text("#checks")
    assert seen.open(_resealed(page)) == "INVALID"
    assert "does not fit" in seen.page.inner_text("#verdict")
    seen.context.close()


def _resealed(page: bytes) -> bytes:
    """Another signature on the seal, the page's own digest put right again."""
    text = page.decode()
    head, start, rest = text.partition('data-sha256="')
    record = rest.partition('">')[2].partition("</script>")[0]
    seal = re.search(r'"seal":"([\w-]+\.[\w-]+\.)([\w-]{85})', record[record.rindex('"seals"') :])
    seals = [found[0] for found in re.findall(r'"seal":"([\w-]+\.[\w-]+\.[\w-]{86})"()', record)]
    assert seal
    wanted = seals[-1]  # the last in canonical order is the seal itself, not an earlier one
    altered = wanted[:-40] + ("A" if wanted[-40] != "A" else "B") + wanted[-39:]
    changed = record.replace(wanted, altered)
    digest = rules.sha256(changed.encode())
    return (head + start + digest + '">' + changed + rest.partition("</script>")[1]
            + rest.partition("</script>")[2]).encode()  # fmt: skip


def test_one_changed_character_is_found(reader: Reader, out: Out, measured):  # noqa: F811
    page = members(out.plain)[rules.PAGE].decode()
    start = page.index(">", page.index('id="record"')) + 1
    end = page.index("</script>", start)
    trials, missed = (200 if SOAK else 12), []
    for trial in range(trials):
        at = start + (end - start) * trial // trials + trial % 7
        other = "1" if page[at] != "1" else "2"
        if reader.open((page[:at] + other + page[at + 1 :]).encode()) != "INVALID":
            missed.append(at)
    measured("H23", trials=trials, failures=len(missed))
    assert missed == []


def test_the_page_is_all_ours_and_asks_for_nothing(out: Out):  # noqa: F811
    page = members(out.plain)[rules.PAGE].decode()
    frame = page[: page.index('id="record"')]
    assert not re.search(r"(?:src|href)\s*=", frame)
    assert "default-src 'none'" in frame


def test_what_answers_an_entry_stands_right_beneath_it(chromium, bed, sealing, tmp_path):  # noqa: F811
    dose = bed.world.first.dose
    quin = bed.actor("quin")
    with db.reading() as session:
        lot = next(
            each for each in custody.ancestors(session, [custody.find(session, dose).id])
            if each.kind is custody.ItemKind.HARVEST
        )  # fmt: skip
        name = f"item/{lot.code}"
        entry = next(
            each for each in ledger.entries_of(session, name) if each.kind == "culture.harvested"
        )
    custody.correct(
        quin, code=lot.code, entry=entry.number, reason_code="misread", reason="read again",
        viability_percent=Quantity("96", "%"),
    )  # fmt: skip
    content = interchange.export(console.actor(), code=dose).content
    seen = Reader(chromium, tmp_path)
    assert seen.open(members(content)[rules.PAGE]) == "VALID BUT UNWITNESSED"
    below = seen.page.locator(f'[data-entry="{name} {entry.number}"]')
    assert "undone or corrected by entry" in below.inner_text()
    after = seen.page.locator("#trail li:has(.answered) + li .answer")
    assert f"answers entry {entry.number}" in after.inner_text()
    assert "96 %" in after.inner_text()
    files = members(content)
    drawn = "".join(each.extract_text() for each in PdfReader(BytesIO(files[rules.PAPER])).pages)
    assert "viability_percent" in drawn
    shots = os.environ.get("EXOTRACE_SHOTS")
    if shots:
        after.screenshot(path=f"{shots}/dossier-answer.png")
        seen.page.locator("#trail").screenshot(path=f"{shots}/dossier-trail.png")
    assert seen.faults == []
    seen.context.close()
