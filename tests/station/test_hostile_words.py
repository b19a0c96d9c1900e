"""What somebody typed is text on every page that shows it, whatever it looks like (H54)."""

from contextlib import suppress
from itertools import product
from urllib.parse import quote

import pytest

from lims import custody
from lims.core import codes
from lims.labels import DoesNotFit
from tests.conftest import SOAK
from tests.station.conftest import grown

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
BEFORE = ("", '">', "'>", "</title></textarea></svg>")
VECTORS = (
    "<script>hit=1</script>",
    "<img src=x onerror=hit=1>",
    "<svg onload=hit=1>",
    "<body onload=hit=1>",
    "<iframe srcdoc='<script>parent.hit=1</script>'>",
    "<a href=javascript:hit=1 autofocus onfocus=hit=1>x</a>",
    "<details open ontoggle=hit=1>",
    "<object data=javascript:hit=1>",
    "<math><mtext onmouseover=hit=1>",
    "<base href=//127.0.0.1:1/>",
    "<style>*{background:url(//127.0.0.1:1/x)}</style>",
    "<form action=//127.0.0.1:1/><button autofocus>",
    "{{7*'7'}}",
    "<template><script>hit=1</script></template>",
    "&lt;script&gt;hit=1&lt;/script&gt;",
)
PAYLOADS = [before + each for each, before in product(VECTORS, BEFORE)]
# Nothing of ours has these, so whatever has one was typed.
FOREIGN = (
    "[onerror],[onload],[onfocus],[ontoggle],[onmouseover],iframe,object,base,math,"
    "script:not([src]),style,[href^='javascript:'],[action^='//']"
)
WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  window.broken = [...(window.broken ?? []), event.blockedURI + " " + event.violatedDirective];
});
"""


def test_H54_no_text_that_is_shown_anywhere_becomes_markup(seat, site, laboratory, measured):
    """Names, notes, reasons, what an address asks for; in Chromium, listening to the policy."""
    tried = PAYLOADS if SOAK else PAYLOADS[:: len(PAYLOADS) // 6]
    made = grown(laboratory.tara, laboratory.woman(name=PAYLOADS[0]), 1)
    places = []
    for each in tried:
        with suppress(DoesNotFit):  # the label of the place refuses a long name; a note does not
            freezer = custody.make_place(
                laboratory.tara, name=each, kind="freezer", temperature_class="-80C"
            )
            custody.move(laboratory.tara, code=made["dose"], to=freezer.code)
            places.append(freezer.code)
        noted = site.api("tara", f"/items/{made['dose']}/observations", {"note": each})
        assert noted.status_code == 200, noted.json
    for each in tried[:5]:
        custody.hold(laboratory.quin, code=made["lot"], reason=each)
    pages = [
        "/", "/station", "/storage", "/undo", f"/items/{made['dose']}", f"/items/{made['lot']}",
        f"/items/{made['dose']}/labels", f"/trace/{made['lot']}",
        *(f"/places/{each}" for each in places),
        *(f"/places/{each}/temperature" for each in places[:3]),
        *(f"/scan?code={quote(each)}" for each in tried),
        *(f"/sign-in?next={quote(each)}" for each in tried[:5]),
    ]  # fmt: skip
    seen = seat("quin")
    seen.page.add_init_script(WATCH)
    said, wrong = [], []
    seen.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    for path in pages:
        seen.page.goto(path, wait_until="load")
        hit, foreign, broken = seen.page.evaluate(
            "(foreign) => [window.hit ?? 0, document.querySelectorAll(foreign).length,"
            " window.broken ?? []]",
            FOREIGN,
        )
        if hit or foreign or broken:
            wrong.append((path, hit, foreign, broken))
    measured("H54", trials=len(tried) * len(pages), failures=len(wrong) + len(said), what="pages")
    assert wrong == []
    assert said == []
    seen.page.goto(f"/places/{places[0]}", wait_until="load")
    assert tried[0] in seen.page.inner_text("h1")
    seen.page.goto(f"/items/{made['dose']}", wait_until="load")
    assert codes.grouped(made["dose"]) in seen.page.inner_text("h1")
    assert tried[-1] in seen.page.inner_text("main")
