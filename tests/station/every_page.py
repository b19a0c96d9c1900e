"""Every page of the application over a bed that is ready, by who may open it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lims import custody, labels, qc, release
from lims.core import clock, console, db
from lims.custody import Item, ItemKind, Place
from lims.custody.monitoring import Episode
from lims.labels import PrinterKind
from lims.labels.models import LabelJob
from lims.release import Recall
from lims.station.look_pages import PARTS
from lims.studies.models import Study, Subject
from tests import services_here
from tests.dosing.test_doors import Tablet

LOGINS = ("tara", "quin", "pari", "clea", "ines", "sora", "adel", "auda", "ana")
# Files, fragments for scripts, and what is read by programs.
_NO_PAGE = re.compile(r"^/(api|static|metrics|healthz|readyz|language|sign-out|scan-stops|seal)")
# Addresses of which one stands for all.
_ALIKE = re.compile(r"^/waiting/")


@pytest.fixture
def address(web) -> Iterator[str]:
    """The app over the bed at an address of its own."""
    with services_here.listening(web) as url:
        yield url


@dataclass(frozen=True)
class Page:
    """One address, and who opens it."""

    login: str
    url: str


def furnish(bed: Any) -> None:
    """What the pages of a busy place show besides: a box, a printer, a recall, a deviation."""
    with db.reading() as session:
        place = session.scalars(select(Place.code).limit(1)).one()
        lot = session.scalars(select(Item.code).where(Item.kind == ItemKind.LOT).limit(1)).one()
        dose = session.scalars(select(Item.code).where(Item.kind == ItemKind.DOSE).limit(1)).one()
    custody.make_box(bed.actor("tara"), name="Box 07", parent=place, rows=26, columns=26)
    labels.add_printer(
        console.actor(),
        name="zebra-1",
        kind=PrinterKind.FILE,
        address=str(Path(bed.url.removeprefix("sqlite:///")).parent),
    )
    freezer = custody.make_place(
        bed.actor("tara"), name="Freezer 9", kind="freezer", temperature_class="-80C"
    ).code
    since = clock.now() - timedelta(hours=2)
    monitoring, read = custody.monitoring, custody.excursions.Read
    monitoring.link(bed.actor("tara"), code=freezer, serial="TT-9", minutes=10, since=since)
    warm = [(0, "-80.5"), (10, "-58"), (20, "-81"), (70, "-80"), (118, "-80.2")]
    monitoring.deliver(
        bed.actor("tara"),
        code=freezer,
        readings=[read(since + timedelta(minutes=at), Decimal(cel)) for at, cel in warm],
    )
    release.recall(bed.actor("quin"), what=dose, reason="A drill for the pages.", drill=True)
    qc.open_deviation(bed.actor("quin"), code=lot, description="The lamp flickered for an hour.")


def known() -> dict[str, list[str]]:
    """What an address may name, by the name of its argument."""
    with db.reading() as session:
        items = {each.kind: each.code for each in session.scalars(select(Item))}
        box = session.scalars(select(Place.code).where(Place.name == "Box 07")).one()
        freezer = session.scalars(select(Place.code).where(Place.name == "Freezer 9")).one()
        places = [freezer, box, *session.scalars(select(Place.code).limit(2))]
        found = {
            "study": list(session.scalars(select(Study.code))),
            "number": list(session.scalars(select(Subject.number).order_by("number").limit(1))),
            "reference": list(session.scalars(select(Recall.reference))),
            "episode_id": [str(each) for each in session.scalars(select(Episode.id).limit(1))],
            "job": [str(each) for each in session.scalars(select(LabelJob.number).limit(1))],
        }
    codes = [*items.values(), *places]
    return found | {
        "code": codes,
        "what": [codes[0], *found["number"], *places[:1]],
        "number": [*found["number"], *found.pop("job")],
        "part": list(PARTS),
        "name": ["growing", "zebra-1"],
        "login": ["tara"],
        "test": ["S03"],
        "outcome": ["delivery"],
    }


def pages(web: Flask, bed: Any, *, few: bool = False) -> list[Page]:
    """Every address that gives a page, each under one who may open it; menus under everybody.

    Args:
        few: of forms a fifth, since they are many and alike; of menus each role's start alone.
    """
    found, made = known(), []
    tablets = {login: Tablet(web, bed, login) for login in LOGINS}
    rules = [each for each in web.url_map.iter_rules() if "GET" in (each.methods or ())]
    for rule in sorted(rules, key=lambda each: each.rule):
        if _NO_PAGE.match(rule.rule) or (few and _is_form(rule.rule) and _left_out(rule.rule)):
            continue
        names = sorted(rule.arguments)
        for values in product(*(found.get(name, []) for name in names)):
            held = dict(zip(names, values, strict=True))
            url = re.sub(r"<(?:\w+:)?(\w+)>", lambda name, held=held: held[name[1]], rule.rule)
            login = _who(tablets, url)
            if login:
                made.append(Page(login, url))
                # A form is the same for each thing; the page of a thing differs with its kind.
                if _is_form(rule.rule) or _ALIKE.match(rule.rule):
                    break
    for login, tablet in tablets.items():
        menu = tablet.client.get("/").get_data(as_text=True)
        listed = re.findall(r'<li><a href="(/[^"]*)"', menu.split("</nav>")[1])
        made += [Page(login, url) for url in (["/"] if few else listed)]
    return list(dict.fromkeys(made))


def _is_form(rule: str) -> bool:
    return rule.count("/") > 2


def _left_out(rule: str) -> bool:
    return sum(rule.encode()) % 5 > 0


def _who(tablets: dict[str, Tablet], url: str) -> str:
    for login, tablet in tablets.items():
        answer = tablet.client.get(url)
        assert answer.status_code < 500, f"{login} {url}"
        if answer.status_code == 200 and answer.mimetype == "text/html":
            return login
        if answer.status_code != 403:  # nobody else would see more of what is not there
            return ""
    return ""


def signed_in(
    chromium: Any, bed: Any, address: str, login: str, language: str = "en", **about: Any
) -> Any:
    """A page of a new browser in which somebody is signed in."""
    context = chromium.new_context(base_url=address, **about)
    context.add_cookies([{"name": "language", "value": language, "url": address}])
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("#login", login)
    page.fill("#password", bed.stage.passwords[login])
    page.press("#password", "Enter")
    page.wait_for_url("**/")
    return page
