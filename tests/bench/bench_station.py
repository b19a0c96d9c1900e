"""The station under load and in the hand: `make bench`.

1. Scans of four stations at once through `lims serve` (granian, two processes), each with a page, a
   cookie and a key of its own, against two loops at once that replay what such scans send.
2. In Chromium, from the end of a scan to its verdict on the page, against the bare round trip of
   the same page to an address that does nothing, together with what the server itself takes.
"""

import argparse
import http.client
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from werkzeug.serving import WSGIRequestHandler, make_server

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from lims.core import db
from tests import services_here
from tests.apps import app_over
from tests.bench import loops
from tests.bench.bench_move import serving
from tests.web.typing import Scanner

STATIONS, SLICE = 4, 40
AIM, MOST = 0.30, 1.50
CARRIED = re.compile(r"data-carried='([^']*)'")
SECRET = re.compile(r'name="_csrf" value="([^"]+)"')


class Page:
    """A station's page without a browser: what it carries, and its cookies."""

    def __init__(self, post, get, made):
        self.post, self.carried = post, {}
        self.secret = SECRET.search(get("/sign-in"))[1]
        post("/sign-in", {"_csrf": self.secret, "login": "bench", "password": made["password"]})
        self.secret = SECRET.search(get("/station"))[1]

    def scan(self, text):
        """One scan; stops where the station does."""
        sent = {"_csrf": self.secret, "_key": uuid4().hex, "code": text, **self.carried}
        answer = self.post("/station", sent)
        if 'data-verdict="ok"' not in answer:
            raise SystemExit(re.sub(r"<[^>]+>|\s+", " ", answer)[:600])
        self.carried = json.loads(CARRIED.search(answer)[1].replace("&#34;", '"'))


def over_http(port, made):
    """A station on one connection that stays open; it costs little beside the server."""
    line, cookies = http.client.HTTPConnection("127.0.0.1", port, timeout=30), SimpleCookie()

    def ask(method, path, body=None, **headers):
        kept = "; ".join(f"{name}={each.value}" for name, each in cookies.items())
        line.request(method, path, body, {"Cookie": kept, **headers})
        answer = line.getresponse()
        for each in answer.headers.get_all("Set-Cookie") or ():
            cookies.load(each)
        return answer.read().decode()

    def post(path, data):
        form = {"Content-Type": "application/x-www-form-urlencoded", "X-Board": "yes"}
        return ask("POST", path, urlencode(data), **form)

    return Page(post, lambda path: ask("GET", path), made)


def in_process(app, made):
    """A station of the application itself."""
    client = app.test_client()

    def post(path, data):
        return client.post(path, data=data, headers={"X-Board": "yes"}).text

    return Page(post, lambda path: client.get(path).text, made)


def record(server, made):
    """What the scans of each move send, readings included: two scans a move."""
    with loops.clone(server, made, wait=False) as address:
        opened = db.open_database(address)
        page = in_process(app_over(Path(tempfile.mkdtemp()), opened), made)
        sent, acts = loops.listen(opened.engine, readings=True), []
        for code, place in loops.moves(made):
            page.scan(code)
            page.scan(place)
            acts.append([each for every in sent for each in every])
            sent.clear()
        loops.close(opened)
    return acts


def by_stations(pages, todo):
    """Some moves by all stations at once; seconds for each."""
    failures = []

    def work(page, mine):
        try:
            for code, place in mine:
                page.scan(code)
                page.scan(place)
        except SystemExit as stop:
            failures.append(stop)

    threads = [
        threading.Thread(target=work, args=(page, todo[number::STATIONS]))
        for number, page in enumerate(pages)
    ]
    begun = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if failures:
        raise failures[0]
    return (time.perf_counter() - begun) / len(todo)


def stations(server, broker, made):
    """Four stations against two loops, slice by slice."""
    sent = record(server, made)
    ours, bare, acts, clients_s = [], [], 0, 0.0
    with loops.clone(server, made) as one, loops.clone(server, made) as other:
        hands = loops.Hands(2, bare=other)
        with serving(one, broker) as (port, web):
            pages = [over_http(port, made) for _each in range(STATIONS)]

            def spent():
                sides = [web, *loops.backends(one)], [each.pid for each in hands.running]
                return loops.spent_s(sides[0]), loops.spent_s(sides[1] + loops.backends(other))

            todo = zip(
                loops.sliced(loops.moves(made), SLICE), loops.sliced(sent, SLICE), strict=True
            )
            for number, (mine, base) in enumerate(todo):
                begun = time.process_time()
                took = by_stations(pages, mine), hands.run("bare", base)
                if number == 0:  # the first warms both up
                    before = spent()
                    continue
                acts += len(mine)
                clients_s += time.process_time() - begun
                ours.append(took[0])
                bare.append(took[1])
            served, replayed = (now - then for now, then in zip(spent(), before, strict=True))
        hands.close()
    told = loops.say("moves by two scans, four stations", ours, bare, AIM)
    print(f"  of it the four pages themselves: {clients_s / acts * 1e3:.2f} ms a move")
    return loops.say_processor(told, (served + clients_s) / acts, replayed / acts)


class Timed:
    """The application, and how long it took over each scan."""

    def __init__(self, app):
        self.app, self.took = app, []

    def __call__(self, environ, start_response):
        begun = time.perf_counter()
        answer = list(self.app(environ, start_response))
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/station"):
            self.took.append((time.perf_counter() - begun) * 1e3)
        return answer


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, *_said):
        """Say nothing."""


BARE = """async (many) => {
  const took = [];
  for (let number = 0; number < many; number += 1) {
    const begun = performance.now();
    await (await fetch("/healthz", { cache: "no-store" })).text();
    took.push(performance.now() - begun);
  }
  return took;
}"""
SPENT = """() => {
  const at = (name) => performance.getEntriesByName(name).map((each) => each.startTime);
  const said = at("scan:verdict");
  return at("scan:end").map((end) => said.find((each) => each >= end) - end);
}"""


def in_the_hand(server, made, moves):
    """Scans in Chromium, each after the verdict of the one before it."""
    with loops.clone(server, made) as address:
        opened = db.open_database(address)
        timed = Timed(app_over(Path(tempfile.mkdtemp()), opened))
        web = make_server("127.0.0.1", 0, timed, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        try:
            with services_here.browser() as browser:
                page = browser.new_page(base_url=f"http://127.0.0.1:{web.port}")
                page.goto("/sign-in")
                page.fill("#login", "bench")
                page.fill("#password", made["password"])
                page.press("#password", "Enter")
                page.wait_for_url("**/")
                page.goto("/station")
                timed.took.clear()
                scanner, marks = Scanner(page), 0
                for code, place in loops.moves(made)[:moves]:
                    for text in (code, place):
                        scanner.scan(text)
                        marks += 1
                        while (
                            page.evaluate("performance.getEntriesByName('scan:verdict').length")
                            < marks
                        ):
                            page.wait_for_timeout(20)
                spent, bare = page.evaluate(SPENT), page.evaluate(BARE, 2 * moves)
        finally:
            web.shutdown()
            thread.join()
            web.server_close()
            loops.close(opened)
    warm = len(spent) // 10
    told, least = (statistics.median(each[warm:]) for each in (spent, bare))
    own = statistics.median(timed.took[warm:])
    found = told / (least + own)
    print(
        f"last key to verdict: {told:.1f} ms; bare round trip {least:.1f} ms and the server's own"
        f" {own:.1f} ms, {found:.2f} times (aim at most {MOST:.2f}, {len(spent) - warm} scans)",
        flush=True,
    )
    return {"times": round(found, 3), "at_most": MOST}


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--moves", type=int, default=400)
    asked = read.parse_args()
    with services_here.postgres(safe=True) as server, services_here.redis_server() as broker:
        made = loops.prepare(server, asked.moves)
        print(
            json.dumps({
                "stations": stations(server, broker, made),
                "verdict": in_the_hand(server, made, min(60, asked.moves)),
            })
        )  # fmt: skip


if __name__ == "__main__":
    main()
