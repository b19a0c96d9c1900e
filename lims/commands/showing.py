"""Showing the demonstration: data prepared, the web and the worker in one process."""

import http.cookiejar
import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lims import serve
from lims.core.permissions import Actor
from lims.opening import open_installation
from lims.settings import Settings
from lims.station import demo

Told = Callable[[str], None]


def show(
    settings: Settings,
    first: Actor,
    *,
    host: str,
    port: int,
    check: bool,
    told: Told,
    ready: Told,
) -> int:
    """Prepare the practice data and serve until asked to end.

    Args:
        check: only start, sign in as somebody, ask whether it is ready, and stop.

    Returns:
        0, or 1 where the check found that it is not ready.
    """
    database = open_installation(settings)
    demo.prepare(first, settings.home, told)
    dose = demo.one_more_dose(settings.home)
    demo.loggers_go_on(first)
    database.engine.dispose()
    found: list[bool] = []

    def look(address: str) -> None:
        found.append(_signs_in(address, settings.home, told))
        serve.stop()

    def up(address: str) -> None:
        if dose:
            told(
                f"to give now: participant {dose['participant']}, band {dose['band']}, "
                f"dose {dose['dose']}"
            )
        ready(address)
        if check:
            threading.Thread(target=look, args=[address], name="check", daemon=True).start()

    serve.run(settings, host, port, up)
    demo.loggers_end()
    return 0 if not check or found == [True] else 1


def _signs_in(address: str, home: Path, told: Told) -> bool:
    """Sign in as the first practice person, and wait until the installation says it is ready."""
    person = json.loads((home / "people.json").read_text(encoding="utf-8"))["people"][0]
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{address}/sign-in", timeout=20).read().decode()
    token = re.search(r'name="_csrf"[^>]*value="([^"]+)"', page) or re.search(
        r'name="csrf-token"[^>]*content="([^"]+)"', page
    )
    form = {
        "login": person["user"],
        "password": person["password"],
        "_csrf": token[1] if token else "",
    }
    sent = urllib.parse.urlencode(form).encode()
    home_page = browser.open(f"{address}/sign-in", sent, timeout=20).read().decode()
    signed_in = person["name"] in home_page
    told(f"check: signed in as {person['user']}: {signed_in}")
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with browser.open(f"{address}/readyz", timeout=10) as answer:
                told(f"check: /readyz {answer.status}")
                return signed_in
        except urllib.error.HTTPError as not_yet:
            last = not_yet.read().decode()[:300]
        time.sleep(0.5)
    told(f"check: not ready: {last}")
    return False
