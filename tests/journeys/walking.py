"""Walking: a site that serves, people at its browser, and a clock that the walk moves on.

The server is the real one (waitress, the embedded worker, the installation's own SQLite file), in
threads of the test, so that ninety days can pass in a minute. Production has no such clock.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from waitress.server import create_server

from lims import labels, people
from lims import settings as read_settings
from lims.app import create_app
from lims.core import clock, db, mode, queue
from lims.core.permissions import WORKER
from lims.opening import open_installation
from workers import embedded

PASSWORD = "amber kettle walks north"
PIN = "4071"
ZONE = ZoneInfo("Asia/Tehran")
GROUPED = re.compile(r"\b[A-Z][0-9A-Z]{2} [0-9A-Z]{3} [0-9A-Z]{3}\b")
OPEN = (labels.RequestState.WAITING, labels.RequestState.SENDING)
# The page on which the link to an act stands, by the first part of the act's address.
_ITEMS = ("specimens", "kits", "cultures", "harvests", "doses", "samples", "items")
_DRAWN = "domcontentloaded"  # pages work before their pictures are there
_REMEMBERED = timedelta(minutes=50)  # shorter than a sign-in may stand idle


@contextmanager
def answering(app: Any) -> Iterator[str]:
    """Serve an application on a free port, as `lims serve` does; yields its address."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4, ident="lims")
    thread = threading.Thread(target=server.run, name="web")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(server.close)
        thread.join(10)
        assert not thread.is_alive(), "the server did not end"


@contextmanager
def practising(home: Path) -> Iterator[str]:
    """A practice installation in a folder, with its worker inside; yields its address.

    The first account is opened on the console, as an administrator does it.
    """
    settings = read_settings.read()
    assert settings.home == home
    database = open_installation(settings)
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    console("user", "add", "adel", "--role", "administrator", "--name", "Adel Rahimi",
            "--password-stdin", "--pin-stdin", said=f"{PASSWORD}\n{PIN}\n")  # fmt: skip
    worker = None
    try:
        app = create_app(settings, database)
        worker = embedded.start()
        with answering(app) as address:
            yield address
    finally:
        if worker is not None:
            assert worker.stop(), "the worker did not end"
        queue.use(None)
        db.forget()
        database.engine.dispose()


def console(*words: str, said: str = "") -> str:
    """Run `lims` as an operator does, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", "from lims.cli import main; main()", *words],
        input=said, capture_output=True, text=True, env=dict(os.environ), timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def drawn(seconds: float = 60) -> None:
    """Wait until the worker has drawn every label that was asked for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not labels.requests(WORKER, states=list(OPEN)):
            return
        time.sleep(0.05)
    raise AssertionError(f"labels were not drawn within {seconds} s")


def label(home: Path, code: str) -> tuple[str, str]:
    """The newest label of a code as it lies in the installation's folder.

    Returns:
        What a scanner reads off its picture, and what the printer was sent.
    """
    drawn()
    picture = max(home.glob(f"labels/{code}-*.png"))
    read = {payload.decode() for _kind, payload in labels.read_png(picture.read_bytes())}
    assert len(read) == 1, read
    return read.pop(), picture.with_suffix(".zpl").read_text()


def figures(home: Path, dose: str) -> str:
    """The four figures, read off the printed label."""
    found = re.search(r"\^FD(\d{4})\^FS", label(home, dose)[1])
    assert found, "no figures on the label"
    return found[1]


@dataclass
class Walk:
    """One browser at one bench, where people come and go.

    Attributes:
        now: the clock of the site.
        faults: what no page may ever do: script errors, server errors.
        seen: addresses of the pages that were looked at.
    """

    page: Any
    home: Path
    now: clock.SetClock
    who: str = ""
    since: datetime | None = None
    faults: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on(
            "response",
            lambda answer: (
                self.faults.append(f"{answer.status} {answer.url}")
                if answer.status >= 500
                else None
            ),
        )

    # time

    def later(self, **by: float) -> None:
        """Let time pass; whatever was asked for is done by then."""
        drawn()
        self.now.forward(**by)

    # people

    def becomes(self, login: str, at: str = "/") -> None:
        """She signs in at the page, on her way to another; whoever was there signs out first."""
        fresh = self.since is not None and self.now() - self.since < _REMEMBERED
        if login == self.who and fresh:
            if urlsplit(self.page.url).path != quote(at):
                self.goto(at)
            return
        if self.who and self.page.locator("form[action='/sign-out']").count():
            with self.page.expect_navigation(url="**/sign-in*", wait_until=_DRAWN):
                self.page.click("form[action='/sign-out'] button")
        self.goto(f"/sign-in?next={quote(at)}")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        with self.page.expect_navigation(wait_until=_DRAWN):
            self.page.press("#password", "Enter")
        self.looked()
        shown = self.page.locator("[data-person]")
        assert shown.count(), f"{login} is not signed in: {self.text()}"
        assert urlsplit(self.page.url).path == quote(at), self.page.url
        self.who, self.since = login, self.now()

    def speaks(self, language: str, direction: str) -> None:
        """The same page in another language, as its button gives it."""
        with self.page.expect_navigation(wait_until=_DRAWN):
            self.page.click(f"nav.languages a[hreflang={language}]")
        self.looked()
        shown = self.page.locator("html")
        assert shown.get_attribute("lang") == language
        assert shown.get_attribute("dir") == direction

    # pages

    def looked(self) -> None:
        """What every page must be, whatever it shows."""
        shown = self.page.evaluate(
            "() => ({lang: document.documentElement.lang, dir: document.documentElement.dir,"
            " text: document.body.innerText, title: document.title})"
        )
        assert (shown["lang"], shown["dir"]) in {("en", "ltr"), ("fa", "rtl"), ("zh", "ltr")}
        assert shown["title"].strip()
        assert "Traceback" not in shown["text"], shown["text"]
        assert not self.faults, self.faults
        self.seen.append(urlsplit(self.page.url).path)

    def goto(self, path: str) -> None:
        """Open a page."""
        answer = self.page.goto(path, wait_until=_DRAWN)
        assert answer.ok, f"{answer.status} {path}: {self.text()}"
        self.looked()

    def text(self) -> str:
        """What stands on the page."""
        return self.page.inner_text("main")

    def links(self, start: str) -> list[str]:
        """Addresses on the page that begin so, in their order, each once."""
        found = self.page.eval_on_selector_all(
            "main a[href]", "all => all.map((each) => each.getAttribute('href'))"
        )
        return list(dict.fromkeys(each for each in found if each.startswith(start)))

    def act(self, who: str, path: str, via: str = "", **entered: Any) -> str:
        """One stage by its own page: from the thing's page by its link, entered, sent, DONE.

        Args:
            via: the page whose link is followed; the page of the thing the act is about if empty.

        Returns:
            The path of the page that follows.
        """
        self.becomes(who, via or _page_of(path))
        there = f"a[href='{quote(path)}']"
        link = self.page.locator(f"main {there}, nav {there}").first
        assert link.count(), f"{who} finds no link to {path} on {self.page.url}: {self.text()}"
        with self.page.expect_navigation(wait_until=_DRAWN):
            link.click()
        assert urlsplit(self.page.url).path == quote(path), self.page.url
        self.looked()
        self.enter("form[data-act]", **entered)
        return self.send("form[data-act]", f"{who} at {path}")

    def enter(self, form: str, /, **entered: Any) -> None:
        """Fill in a form as hands do: what is typed, ticked, chosen."""
        for name, value in entered.items():
            self._enter(self.page.locator(form), name.replace("__", "."), value)

    def _enter(self, form: Any, name: str, value: Any) -> None:
        found = form.locator(f'[name="{name}"]')
        assert found.count(), f"no input {name} on {self.page.url}"
        unit = ""
        if isinstance(value, tuple):
            value, unit = value
        kind = found.first.evaluate("e => e.tagName === 'INPUT' ? e.type : e.tagName")
        if kind == "file":
            found.set_input_files(value)
        elif kind == "checkbox":
            found.set_checked(value)
        elif kind == "radio":
            form.locator(f'[name="{name}"][value="{_typed(value)}"]').check()
        elif kind == "SELECT":
            found.select_option(_typed(value))
        else:
            found.fill(_typed(value))
        if unit:
            beside = form.locator(f'[name="{name}.unit"]')
            if beside.get_attribute("type") == "hidden":
                assert beside.input_value() == unit, f"{name} is asked in another unit"
            else:
                beside.select_option(unit)

    def send(self, form: str, what: str, verdict: str = "ok") -> str:
        """Press the form's button; the page that follows shows its verdict."""
        wrong = self.page.locator(f"{form} :invalid:not(fieldset)")
        names = wrong.evaluate_all("all => all.map((each) => each.name)")
        assert not names, f"{what}: the browser would not send {names}"
        try:
            with self.page.expect_navigation(wait_until=_DRAWN):
                self.page.click(f"{form} button.main")
        except Exception:
            import faulthandler

            faulthandler.dump_traceback(all_threads=True)
            raise
        self.looked()
        shown = self.page.locator("[data-verdict]")
        kinds = shown.evaluate_all("all => all.map((each) => each.dataset.verdict)")
        faults = self.page.locator(".fault").all_inner_texts()
        assert verdict in kinds, f"{what}: {kinds}\n{faults}\n{self.text()[:1500]}"
        return urlsplit(self.page.url).path

    def said(self) -> str:
        """What the DONE panel says."""
        return self.page.inner_text("[data-verdict=ok]")

    def codes(self) -> list[str]:
        """The printed codes that the DONE panel names."""
        return [each.replace(" ", "") for each in GROUPED.findall(self.said())]

    # scanning

    def scan(self, into: str, code: str) -> None:
        """What the scanner sends, read off the label that was printed, into a field."""
        self.page.fill(into, label(self.home, code)[0])


def _page_of(path: str) -> str:
    first, thing, *rest = path.strip("/").split("/")
    if first in _ITEMS:
        return f"/items/{thing}"
    if first == "lots" and rest[:1] == ["results"] and len(rest) == 2:
        return f"/lots/{thing}/results"
    return f"/{first}/{thing}"


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        assert value.second == value.microsecond == 0, "a form knows minutes"
        return value.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return "\n".join(_typed(each) for each in value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def file(name: str, content: bytes, kind: str = "text/plain") -> dict[str, Any]:
    """A file as the chooser of the browser takes it."""
    return {"name": name, "mimeType": kind, "buffer": content}


def badge(login: str) -> str:
    """The code on somebody's badge."""
    with db.reading() as session:
        return str(people.badge_of(session, people.account_of(session, login).id))
