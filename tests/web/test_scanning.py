"""The scan module in Chromium: two readings of every burst, and nothing altered or misplaced."""

import json
import threading
from itertools import product
from random import Random

import pytest
from flask import request

from lims.core import codes
from tests.conftest import SOAK
from tests.web.demo import PATH, PLACE
from tests.web.typing import LAYOUTS, Scanner, keys_of

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
SEED = 20261121


@pytest.fixture
def scanner(page) -> Scanner:
    """A scanner at the open page."""
    return Scanner(page)


def verdict(page) -> str:
    """The words of the stop that the page shows by itself."""
    return page.locator("#scan-said").inner_text()


def again(page) -> None:
    """The form as it was at first."""
    page.evaluate("document.querySelector('[data-act]').reset()")
    page.evaluate("document.getElementById('scan-said').replaceChildren()")


def test_H05_a_scan_fills_the_field_that_it_fits_whatever_has_the_focus(page, scanner, measured):
    symbol, failures, trials = codes.symbol(PLACE, 2), [], 0
    for layout, end in product(LAYOUTS, ("Enter", "Tab", None)):
        again(page)
        page.fill("[name=note]", "keep me")
        page.focus("[name=note]")
        scanner.scan(symbol, layout, end)
        playwright.expect(page.locator("[name=place]")).to_have_value(symbol)
        kept = page.evaluate("[document.activeElement.name, document.activeElement.value]")
        trials += 1
        if kept != ["note", "keep me"]:  # whoever writes goes on writing
            failures.append((layout, end, kept))

    measured("H05", trials=trials, failures=len(failures), what="layouts and ends of a scan")
    assert failures == []
    assert page.url.endswith(PATH)


def test_H05_a_scan_in_the_middle_of_a_word_leaves_the_word(page, scanner, measured):
    page.fill("[name=note]", "ab cd")
    page.evaluate("document.querySelector('[name=note]').setSelectionRange(2, 2)")
    page.focus("[name=note]")
    scanner.type("xy")
    for key in keys_of(codes.symbol(PLACE, 2)):
        scanner.key(gap_ms=3, **key)
    scanner.key(code="Enter", key="Enter", text="\r")
    playwright.expect(page.locator("[name=place]")).to_have_value(codes.symbol(PLACE, 2))
    scanner.type("z")

    note = page.input_value("[name=note]")
    measured("H05", trials=1, failures=int(note != "abxyz cd"), what="in the middle of a word")
    assert note == "abxyz cd"


def test_a_scan_of_another_kind_goes_to_the_scan_page(page, scanner):
    page.focus("[name=place]")
    lot = codes.symbol(codes.draw("L"), 1)

    with page.expect_navigation(url=f"**/scan?code={lot}"):
        scanner.scan(lot)


def test_a_scan_of_another_kind_never_throws_away_what_was_entered(page, scanner):
    page.fill("[name=note]", "seen twice")
    lot = codes.symbol(codes.draw("L"), 1)
    scanner.scan(lot)

    playwright.expect(page.locator("#scan-said [data-verdict=stop]")).to_be_visible()
    assert lot in verdict(page)
    assert page.input_value("[name=note]") == "seen twice"
    assert page.url.endswith(PATH)


def test_a_damaged_scan_is_a_stop_in_words_and_changes_nothing(page, scanner):
    wrong = PLACE[:-1] + ("A" if PLACE[-1] != "A" else "B")
    shown = page.locator("#scan-said [data-verdict=stop]")
    for at, focus in enumerate(("[name=note]", "[name=place]", "#scan", "button.main"), 1):
        again(page)
        page.focus(focus)
        scanner.scan(wrong, end=None if focus == "#scan" else "Enter")
        playwright.expect(shown).to_be_visible()
        for name in ("place", "note"):
            assert page.input_value(f"[name={name}]") == ""
        assert page.input_value("#scan") == ""
        assert "Nothing was recorded." in verdict(page)
        assert wrong in verdict(page)
        assert page.evaluate("window.heard") == ["stop"] * at
        assert page.url.endswith(PATH)  # Enter did not press the focused button

    scanner.scan(codes.symbol(PLACE, 2))
    playwright.expect(shown).to_have_count(0)
    playwright.expect(page.locator("[name=place]")).to_have_value(codes.symbol(PLACE, 2))


def ambiguous() -> str:
    """A code whose AZERTY reading is another good code: only letters that move, so it is rare."""
    chance = Random(SEED)
    moves = str.maketrans("AQZW", "QAWZ")
    while True:
        code = chance.choice("SCVRX") + "".join(chance.choices("AQZWRTXCVBN", k=7))
        check = codes.check_character(code)
        other = (code + check).translate(moves)
        if check in "AQZWRTXCVBN" and other != code + check and codes.valid(other):
            return code + check


def test_H05_two_good_readings_are_a_stop(page, scanner, measured):
    code = ambiguous()
    page.focus("[name=place]")
    scanner.scan(code, "azerty")
    playwright.expect(page.locator("#scan-said [data-verdict=stop]")).to_be_visible()

    measured(
        "H05",
        trials=1,
        failures=int(page.input_value("[name=place]") != ""),
        what="two good readings",
    )
    assert "Two readings" in verdict(page)
    assert page.input_value("[name=place]") == ""


def test_a_suppliers_code_is_taken_by_the_scan_box_alone(page, scanner, web):
    gs1 = "]d201095212345432131721033110LOT26A\x1d21D0007"
    web.config["SCAN_SILENCE_MS"] = 2000  # so long a code is sent in parts on a busy machine
    page.reload()
    page.focus("[name=note]")
    scanner.scan("CAT-4711/2")
    playwright.expect(page.locator("#scan-said [data-verdict=stop]")).to_be_visible()
    assert page.input_value("[name=note]") == ""

    page.goto(PATH)
    page.focus("#scan")
    for layout in LAYOUTS:
        with page.expect_navigation(url="**/scan?code=*") as gone:
            scanner.scan(gs1, layout)
        assert "01095212345432131721033110LOT26A%1D21D0007" in gone.value.url, layout
        page.goto(PATH)
        page.focus("#scan")


def test_H05_half_a_suppliers_code_is_never_taken_for_a_whole_one(page, scanner, measured):
    """A scanner that pauses in the middle: the first half is unreadable, and so is the second."""
    page.focus("#scan")
    scanner.begin()
    for key in keys_of("]d2010952123454"):
        scanner.key(gap_ms=3, **key)
    stopped = page.locator("#scan-said [data-verdict=stop]")
    playwright.expect(stopped).to_be_visible()
    for at, key in enumerate(keys_of("321310LOT26A")):
        scanner.key(gap_ms=3 if at else 700, **key)
    scanner.key(gap_ms=3, code="Enter", key="Enter", text="\r")
    page.wait_for_timeout(200)

    taken = not page.url.endswith(PATH)
    measured("H05", trials=1, failures=int(taken), what="half a supplier's code")
    assert not taken
    assert page.input_value("#scan") == ""


def test_H05_a_burst_that_a_stalled_machine_hands_over_in_two_parts_is_one_scan(
    page, scanner, measured
):
    """The keys' own clock knows no pause; ours does, and has said that the first part is none."""
    symbol = codes.symbol(PLACE, 2)
    first, second = keys_of(symbol)[:7], keys_of(symbol)[7:]
    page.fill("[name=note]", "keep")
    page.focus("[name=note]")
    scanner.begin()
    for key in first:
        scanner.key(**key)
    playwright.expect(page.locator("#scan-said [data-verdict=stop]")).to_be_visible()
    for key in second:
        scanner.key(**key)
    scanner.key(code="Enter", key="Enter", text="\r")
    playwright.expect(page.locator("[name=place]")).to_have_value(symbol)

    note = page.input_value("[name=note]")
    measured("H05", trials=1, failures=int(note != "keep"), what="a burst in two parts")
    assert (note, verdict(page)) == ("keep", "")


def test_words_typed_into_the_scan_box_are_sent_as_they_stand(page):
    page.focus("#scan")
    Scanner(page).type("undo")
    with page.expect_navigation(url="**/scan?code=undo"):
        page.press("#scan", "Enter")


@pytest.mark.parametrize("kind", ["chinese input method", "android"])
def test_H05_keyboards_that_do_not_type_what_was_pressed(page, scanner, kind, measured):
    symbol = codes.symbol(PLACE, 2)
    page.fill("[name=note]", "keep")
    page.focus("[name=note]")
    scanner.begin()
    for at, key in enumerate(keys_of(symbol), 1):
        if kind == "android":  # no key is named; the characters simply appear
            scanner.key(code="", key="Unidentified", windowsVirtualKeyCode=229)
            scanner.cdp.send("Input.insertText", {"text": key["key"]})
        else:
            scanner.key(code=key["code"], key="Process", windowsVirtualKeyCode=229)
            scanner.cdp.send(
                "Input.imeSetComposition",
                {"text": symbol[:at].lower(), "selectionStart": at, "selectionEnd": at},
            )
    scanner.key(code="Enter", key="Enter")
    playwright.expect(page.locator("[name=place]")).to_have_value(symbol)

    note = page.input_value("[name=note]")
    measured("H05", trials=1, failures=int(note != "keep"), layout=kind)
    assert note == "keep"


def test_slow_hands_are_no_scanner(page, scanner):
    page.focus("[name=note]")
    scanner.type("Checked twice")

    assert page.input_value("[name=note]") == "Checked twice"


def test_sound_can_be_switched_off_on_this_device(page, scanner):
    page.click("[data-sound]")
    page.reload()
    scanner.scan("NOT OURS")
    playwright.expect(page.locator("#scan-said [data-verdict=stop]")).to_be_visible()
    assert page.evaluate("window.heard") == []
    page.click("[data-sound]")
    assert page.evaluate("window.heard") == ["ok"]


def test_a_scan_while_the_page_goes_is_played_on_the_next(page, scanner, web):
    go = threading.Event()

    def slow() -> None:
        if request.path == "/scan":
            go.wait(10)

    web.before_request_funcs.setdefault(None, []).insert(0, slow)
    lot, other = (codes.symbol(codes.draw("L"), 1) for _each in range(2))
    scanner.scan(lot)  # leads away, slowly
    page.wait_for_timeout(50)
    scanner.scan(other)
    with page.expect_navigation(url=f"**/scan?code={other}"):
        go.set()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_H05_a_code_behind_a_fingers_key_never_stays_in_a_secret(page, scanner, measured, layout):
    """Somebody types her PIN when the scanner begins: nothing is taken, what she typed stays."""
    code = codes.draw("A")
    page.focus("[name=pin]")
    scanner.type("407", gap_ms=150)
    scanner.key(gap_ms=150, code="Digit1", key="1", text="1")
    for key in keys_of(code, layout):
        scanner.key(gap_ms=3, **key)
    scanner.key(gap_ms=3, code="Enter", key="Enter", text="\r")
    stop = page.locator("#scan-said [data-verdict=stop]")
    playwright.expect(stop).to_be_visible()
    left = page.input_value("[name=pin]")
    measured("H05", trials=1, failures=int(left != "4071"), what="a PIN")
    assert left == "4071"
    assert page.input_value("[name=place]") == ""
    assert "407" not in stop.inner_text()


def test_H05_random_focus_and_typing(page, scanner, measured):
    """Layouts and fields at random, with somebody typing up to the moment of the scan."""
    chance, altered, stops = Random(SEED), [], 0
    trials = 4 * (200 if SOAK else 5)
    for trial in range(trials):
        layout = LAYOUTS[trial % len(LAYOUTS)]
        symbol = codes.symbol(codes.draw("A"), chance.randrange(1, 900))
        if chance.random() < 0.3:
            symbol = symbol[:9]
        again(page)
        name = chance.choice(["note", "place", "volume", "pin", None])
        if name:
            page.focus(f"[name={name}]")
        else:
            page.evaluate("document.activeElement.blur()")
        typed = "".join(chance.choices("abc de", k=chance.randrange(5)))
        scanner.type(typed, gap_ms=chance.choice([60, 150]))
        pause = chance.choice([3, 90, 500])
        for at, key in enumerate(keys_of(symbol, layout)):
            scanner.key(gap_ms=3 if at else pause, **key)
        scanner.key(gap_ms=3, code="Enter", key="Enter", text="\r")
        kept = page.evaluate(
            "Object.fromEntries(['note', 'place', 'volume', 'pin'].map("
            "(n) => [n, document.querySelector(`[name=${n}]`).value]))"
        )
        wanted = dict.fromkeys(kept, "") | ({name: typed} if name else {})
        if pause == 3 and page.locator("#scan-said [data-verdict=stop]").count():
            stops += 1  # finger and scanner at once: nothing is taken, nothing is lost
        else:
            wanted["place"] = symbol
        if kept != wanted:
            altered.append((layout, name, typed, pause, symbol, json.dumps(kept)))
    measured(
        "H05", trials=trials, failures=len(altered), seed=SEED, stops=stops, what="random typing"
    )
    assert altered == []
    assert stops < trials / 4
