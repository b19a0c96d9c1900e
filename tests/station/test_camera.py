"""A camera and a photograph instead of a scanner: labels turned and blurred, and hostile files."""

import io
import struct
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageFilter

from lims.core import codes, words
from lims.station import photos, practice_sheets
from tests import services_here
from tests.conftest import SOAK
from tests.site_here import PASSWORD, Site, secret, site  # noqa: F401
from tests.station import practice
from tests.station.test_bench_browser import here, moved, said  # noqa: F401
from tests.web.typing import Scanner

SEED = 20261127
here_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def symbol(text: str, module: int = 10) -> Image.Image:
    """A DataMatrix with its quiet zone, as on a label."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, force_square=True)
    drawn = Image.fromarray(
        zxingcpp.write_barcode_to_image(made, scale=module, add_quiet_zones=True)
    )
    return drawn.convert("L")


def table(*symbols: Image.Image, size: tuple[int, int] = (1280, 960), turned: float = 0) -> Any:
    """A picture of labels on a table that is not white."""
    picture = Image.new("L", size, 150)
    for number, each in enumerate(symbols):
        laid = each.rotate(turned, expand=True, fillcolor=150, resample=Image.Resampling.BICUBIC)
        x = (number + 1) * size[0] // (len(symbols) + 1) - laid.width // 2
        picture.paste(laid, (x, size[1] // 2 - laid.height // 2))
    return picture


def saved(picture: Image.Image, kind: str = "JPEG", **how: Any) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, kind, **how)
    return kept.getvalue()


def test_H04_a_photograph_of_a_label_gives_its_code_or_none(measured):
    """Turned, blurred, noisy, small: never another code than the one that was drawn."""
    chance, wrong, read, trials = Random(SEED), [], 0, 400 if SOAK else 24
    for _each in range(trials):
        text = codes.symbol(codes.draw("V"), chance.randrange(1, 900))
        picture = table(symbol(text, chance.choice([6, 10, 16])), turned=chance.uniform(0, 360))
        picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 4)))
        found = photos.read(saved(picture, quality=chance.choice([40, 75, 90])))
        read += found == [text]
        wrong += [(text, found)] if found not in ([], [text]) else []
    measured("H04", trials=trials, failures=len(wrong), seed=SEED, read=read, what="photographs")
    assert wrong == []
    assert read > trials * 0.7
    sharp = table(symbol("V" * 3, 10))
    assert photos.read(saved(sharp)) == ["VVV"]


def test_a_picture_of_too_many_bytes_is_not_looked_at():
    with pytest.raises(photos.NoPicture) as refusal:
        photos.read(bytes(photos.LARGEST + 1))
    assert refusal.value.why == "photo-large"


def test_a_drawn_label_is_read_from_a_photograph_of_a_phone():
    """Twelve megapixels, the label a small part of it."""
    text = codes.symbol(codes.draw("V"), 3)
    picture = table(symbol(text, 14), size=(4032, 3024), turned=31)
    assert photos.read(saved(picture, quality=80)) == [text]


@here_only
def test_two_codes_on_a_picture_are_both_named_and_neither_taken(site: Site):  # noqa: F811
    some = [codes.symbol(codes.draw("V"), 1) for _each in range(2)]
    client = site.browser("tech")
    sent = client.post(
        "/station",
        data={
            "_csrf": secret(client),
            "photo": (io.BytesIO(saved(table(*map(symbol, some)))), "a.jpg"),
        },
        content_type="multipart/form-data",
    )
    text = sent.get_data(as_text=True)
    assert sent.status_code == 422
    assert "More than one code is on this picture" in text
    assert all(each in text for each in some)
    assert "Nothing was recorded." in text


def bomb() -> bytes:
    """A PNG of a few kilobytes that would be 30 000 by 30 000 points."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
        + chunk(b"IEND", b"")
    )


HOSTILE = {
    "nothing": (b"", "photo-wrong"),
    "text": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo-wrong"),
    "half a picture": (saved(table(symbol("VVV")))[:2000], "photo-wrong"),
    "a bomb": (bomb(), "photo-large"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "photo-wrong"),
    "too many points": (saved(Image.new("L", (5000, 4000)), "PNG"), "photo-large"),
    "a TIFF": (saved(Image.new("L", (50, 50)), "TIFF"), "photo-wrong"),
    "no code": (saved(table()), ""),
}


@here_only
@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_file_that_is_no_picture_is_refused_in_words(site: Site, name: str, tmp_path):  # noqa: F811
    data, why = HOSTILE[name]
    before = sorted(tmp_path.rglob("*"))
    client = site.browser("tech")
    sent = client.post(
        "/scan/photo",
        data={"photo": (io.BytesIO(data), "a.jpg")},
        headers={"X-CSRF-Token": secret(client)},
        content_type="multipart/form-data",
    )
    assert sent.json == ({"codes": [], "why": why} if why else {"codes": []})
    assert sent.status_code == (422 if why else 200)
    assert sorted(tmp_path.rglob("*")) == before  # nothing of it is kept
    assert client.post("/scan/photo", data={}).status_code == 403  # no form of ours


def y4m(path: Path, picture: Image.Image) -> Path:
    """A film of one picture for a camera that is not there."""
    width, height = picture.size
    grey = picture.tobytes()
    colour = bytes([128]) * (width * height // 4)
    head = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + (b"FRAME\n" + grey + colour + colour) * 3)
    return path


@pytest.fixture
def filmed(chromium) -> Iterator[Any]:
    """A browser whose camera sees a film."""
    opened: list[Any] = []

    def start(film: Path) -> Any:
        browser = chromium.browser_type.launch(
            executable_path=services_here._chromium(),
            args=[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        opened.append(browser)
        return browser

    yield start
    for each in opened:
        each.close()


def open_camera(page: Any) -> None:
    """Sign in, and open the camera of the station by one press."""
    page.goto("/sign-in?next=/station")
    page.fill("#login", "tech")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/station")
    page.click("[data-camera-open]")


@here_only
def test_the_camera_moves_a_vial_and_reads_one_code_once(here, filmed, tmp_path, measured):  # noqa: F811
    """One press opens it; it stays open over a page; what it sees goes the way of a scan."""
    film = y4m(tmp_path / "vial.y4m", table(symbol(here.vials[0], 12), size=(640, 480)))
    browser = filmed(film)
    context = browser.new_context(base_url=f"http://127.0.0.1:{here.serving.port}")
    page = context.new_page()
    open_camera(page)
    page.wait_for_selector("[data-camera=live] video")
    said(page, "ok", codes.grouped(here.vials[0]))
    page.wait_for_timeout(4000)  # it stays in sight, and counts once
    lines = page.locator("[data-last] li").count()
    Scanner(page).scan(here.box)
    said(page, "ok", "Box 7 A1")
    page.reload()
    page.wait_for_selector("[data-camera=live] video")
    page.click("[data-close]")
    assert page.locator(".camera").count() == 0
    measured("H05", trials=1, failures=int(lines != 1), what="one code in sight of a camera")
    assert lines == 1
    assert moved() == [here.vials[0]]
    context.close()


@here_only
def test_two_codes_in_sight_are_named_and_nothing_is_taken(here, filmed, tmp_path):  # noqa: F811
    both = [symbol(each, 8) for each in here.vials[:2]]
    browser = filmed(y4m(tmp_path / "two.y4m", table(*both, size=(480, 480))))
    page = browser.new_page(base_url=f"http://127.0.0.1:{here.serving.port}")
    page.goto("/station")
    page.click("[data-camera-open]")
    stop = page.locator("#scan-said [data-verdict=stop]")
    stop.wait_for(timeout=20_000)
    assert "More than one code" in stop.inner_text()
    assert all(each in stop.inner_text() for each in here.vials[:2])


@here_only
def test_without_a_camera_a_photograph_is_sent(here):  # noqa: F811
    page = here.page
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('none')); }"
    )
    page.click("[data-camera-open]")
    page.wait_for_selector("[data-camera=photo]")
    picture = table(symbol(here.vials[0], 12), size=(3000, 2000), turned=20)
    for data, wanted in ((saved(table()), "No code was found"), (b"no picture", "is no picture")):
        page.set_input_files(
            "[data-photo]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": data}
        )
        stop = page.locator("#scan-said [data-verdict=stop]")
        stop.get_by_text(wanted).wait_for(timeout=20_000)
    page.set_input_files(
        "[data-photo]", {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": saved(picture)}
    )
    said(page, "ok", codes.grouped(here.vials[0]))


def test_demo_camera_reads_a_vial_off_the_practice_sheet(shown, filmed, tmp_path):
    """The paper as it is printed, seen by a camera at some distance and turned."""
    with words.speaking("en"):
        found = practice.printed(shown)
        paper = services_here.paper(practice_sheets.draw(found), tmp_path, 200)
    vial = next(
        card.text for each in found for card in each.cards if card.text[:1] == "V" and card.text[9:]
    )
    label = next(
        page.crop(_around(each))
        for page in map(Image.open, paper)
        for each in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.DataMatrix)
        if each.text == vial
    )
    browser = filmed(y4m(tmp_path / "sheet.y4m", table(label, size=(640, 480), turned=8)))
    with shown.listening() as address:
        page = browser.new_page(base_url=address)
        page.goto("/")
        page.click("form[action='/sign-in'] button")
        page.wait_for_url("**/practice")
        page.goto("/station")
        page.click("[data-camera-open]")
        said(page, "ok", codes.grouped(vial[:9]))


def _around(symbol: Any) -> tuple[int, int, int, int]:
    """The part of a page that a camera over one label sees."""
    corners = [getattr(symbol.position, each) for each in ("top_left", "bottom_right")]
    (left, right), (top, bottom) = (
        sorted(getattr(each, axis) for each in corners) for axis in "xy"
    )
    return left - 30, top - 30, right + 30, bottom + 30


# What the specifications of Shape Detection and of Image Capture promise, which no browser on a
# desk has: the picture is decoded here, from the canvas that the page hands over.
READER_AND_LIGHT = """
window.BarcodeDetector = class {
  static getSupportedFormats = async () => ["code_128", "data_matrix", "qr_code"];
  constructor({ formats }) { this.formats = formats; }
  async detect(canvas) {
    const found = await window.decode(canvas.toDataURL("image/png"));
    return found.filter((each) => this.formats.includes(each.format));
  }
};
window.lit = [];
MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true });
MediaStreamTrack.prototype.applyConstraints = async ({ advanced }) => {
  window.lit.push(advanced[0].torch);
};
"""
FORMATS = {"DataMatrix": "data_matrix", "QRCode": "qr_code", "Code128": "code_128"}


def decode(address: str) -> list[dict[str, str]]:
    """What a browser's own reader would find on a canvas."""
    with Image.open(io.BytesIO(b64decode(address.partition(",")[2]))) as picture:
        found = zxingcpp.read_barcodes(picture.convert("L"))
    named = [(FORMATS.get(each.format.name), each.text) for each in found]
    return [{"format": name, "rawValue": text} for name, text in named if name]


@here_only
def test_a_browser_with_a_reader_and_a_light_uses_both(here, filmed, tmp_path):  # noqa: F811
    """Nothing of the picture is sent to the server then, and the label in the dark is lit."""
    film = y4m(tmp_path / "vial.y4m", table(symbol(here.vials[0], 12), size=(640, 480)))
    page = filmed(film).new_page(base_url=f"http://127.0.0.1:{here.serving.port}")
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.url))
    page.expose_function("decode", decode)
    page.add_init_script(READER_AND_LIGHT)
    open_camera(page)
    said(page, "ok", codes.grouped(here.vials[0]))
    assert not any(each.endswith("/scan/photo") for each in sent)
    light = page.locator("[data-torch]")
    light.click()
    page.wait_for_selector("[data-torch][aria-pressed=true]")
    light.click()
    page.wait_for_selector("[data-torch][aria-pressed=false]")
    assert page.evaluate("window.lit") == [True, False]
