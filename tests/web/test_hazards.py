"""The real app at its real doors: cut connections, undeclared fields, amounts without units."""

import http.client
import json
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from importlib import import_module
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask import request
from marshmallow import Schema
from marshmallow import fields as stock
from sqlalchemy import select
from werkzeug.serving import make_server

from lims import app as application
from lims import collection, custody, ledger, people, studies
from lims.core import clock, codes, db
from lims.core.db import Base
from lims.core.permissions import PEOPLE
from lims.custody import schemas as of
from lims.ledger.models import LedgerEntry
from lims.web import auth, fields, steps
from tests.apps import app_over
from tests.conftest import SOAK
from tests.custody import bench
from tests.laboratory import OPERATOR, PASSWORD, START

SEED = 20261121


@pytest.fixture
def site(database: db.Database, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """The whole app over an empty database, with a person who may do everything and her token."""
    loaders = list(auth._loader)
    app = app_over(tmp_path, database)
    people.add_user(
        OPERATOR, login="every", name="Every Body", roles=sorted(bench.EVERYBODY), password=PASSWORD
    )
    token = people.create_token(OPERATOR, "every", 30)
    client = app.test_client(use_cookies=False)

    def send(path: str, body: Any = None, **headers: str):
        sent = {each.replace("_", "-"): value for each, value in headers.items()}
        return client.post(
            "/api/v1" + path, json=body or {}, headers={"Authorization": f"Bearer {token}", **sent}
        )

    yield SimpleNamespace(app=app, token=token, send=send)
    auth._loader[:] = loaders


def everything() -> dict[str, list[str]]:
    """Every row of every table."""
    with db.reading() as session:
        return {
            table.name: sorted(repr(tuple(each)) for each in session.execute(select(table)))
            for table in Base.metadata.sorted_tables
        }


def place() -> str:
    """A place to stand at."""
    return custody.make_place(
        bench.somebody(), name="Box", kind="box", temperature_class="-80C"
    ).code


# H10


class CuttingProxy:
    """Passes requests on to a server and cuts three connections of ten.

    Toxiproxy's vocabulary in little: a request that is lost, an answer that is lost, an answer that
    ends in its middle, and a client that hangs up while the server still works.
    """

    def __init__(self, port: int, seed: int) -> None:
        self.behind = port
        self.chance = Random(seed)
        self.cuts: Counter[str] = Counter()
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listening.getsockname()[1]
        self.running: list[threading.Thread] = []
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.listening.accept()
            except OSError:
                return
            roll = self.chance.random()
            kinds = ((0.075, "request lost"), (0.15, "answer lost"), (0.225, "half an answer"),
                     (0.3, "hung up"))  # fmt: skip
            cut = next((name for edge, name in kinds if roll < edge), "")
            self.cuts[cut or "passed"] += 1
            each = threading.Thread(target=self._pass, args=(client, cut))
            each.start()
            self.running.append(each)

    def _pass(self, client: socket.socket, cut: str) -> None:
        with client, suppress(OSError):
            request = _whole(client)
            if cut == "request lost":
                return
            with socket.create_connection(("127.0.0.1", self.behind)) as server:
                server.sendall(request)
                if cut == "hung up":
                    client.shutdown(socket.SHUT_RDWR)
                answer = b"".join(iter(lambda: server.recv(65536), b""))
            if cut == "":
                client.sendall(answer)
            elif cut == "half an answer":
                client.sendall(answer[: len(answer) - 20])

    def close(self) -> None:
        """Take no more connections, and let the last ones end."""
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()
        for each in self.running:
            each.join()


def _whole(client: socket.socket) -> bytes:
    """A request with its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += client.recv(65536)
    head, _blank, body = read.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        more = client.recv(65536)
        body += more
        read += more
    return read


class Client:
    """Sends an act until it hears of it, at most five times again, always under the same key."""

    def __init__(self, site: SimpleNamespace, port: int) -> None:
        self.site, self.port = site, port
        self.tries = 0

    def once(self, path: str, key: str, body: dict[str, str]) -> tuple[int, bytes, bool]:
        """One request: status, bytes, and whether it is said to be a repeat."""
        self.tries += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                "POST",
                "/api/v1" + path,
                json.dumps(body),
                {
                    "Authorization": f"Bearer {self.site.token}",
                    "Content-Type": "application/json",
                    "Idempotency-Key": key,
                    "Connection": "close",
                },
            )
            answer = connection.getresponse()
            return answer.status, answer.read(), "Idempotency-Replayed" in answer.headers
        finally:
            connection.close()

    def act(self, path: str, key: str, body: dict[str, str]) -> list[bytes]:
        """Every whole good answer; none where all six tries were cut."""
        tries = waits = 0
        while tries < 6 and waits < 500:
            try:
                status, said, _again = self.once(path, key, body)
            except (OSError, http.client.HTTPException):
                tries += 1
                continue
            if status == 200:
                return [said]
            if status in (409, 503):  # still running, or busy: wait and ask again
                waits += 1
                time.sleep(0.01)
                continue
            raise AssertionError(f"{status} {said!r}")
        return []


def test_H10_cut_connections_neither_double_nor_lose_an_act(site, measured):
    acts, clients = (10_000, 8) if SOAK else (60, 4)
    (donor,) = bench.women(bench.open_study(), 1)
    vials = [bench.thing(donor=donor) for _each in range(8)]
    places = [place() for _each in range(4)]
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    proxy = CuttingProxy(server.port, SEED)
    wanted: dict[str, tuple[str, dict[str, str]]] = {}
    heard: dict[str, list[bytes]] = {}
    chance, guard = Random(SEED), threading.Lock()

    def work() -> int:
        client = Client(site, proxy.port)
        for _each in range(acts // clients):
            with guard:
                key, path = str(uuid4()), f"/items/{chance.choice(vials)}/moves"
                body = {"to": chance.choice(places)}
                wanted[key] = path, body
            heard[key] = client.act(path, key, body)
        return client.tries

    try:
        tries = bench.race([work] * clients)
        # At last without the proxy: what nobody heard of is sent again, all else must repeat.
        straight = Client(site, server.port)
        unheard = differing = not_repeated = 0
        for key, (path, body) in wanted.items():
            status, said, again = straight.once(path, key, body)
            assert status == 200, said
            unheard += not heard[key]
            differing += bool(heard[key]) and heard[key] != [said]
            not_repeated += bool(heard[key]) and not again
    finally:
        proxy.close()
        server.shutdown()
        serving.join()
        server.server_close()

    with db.reading() as session:
        written = Counter(
            session.scalars(select(LedgerEntry.command).where(LedgerEntry.kind == "custody.moved"))
        )
        found = ledger.verify(session)
    doubled = sum(each > 1 for each in written.values())
    lost = len(set(wanted) - set(written))
    measured(
        "H10", trials=len(wanted), failures=doubled + lost + differing + not_repeated, seed=SEED,
        cuts=dict(proxy.cuts), requests=sum(tries), unheard=unheard,
    )  # fmt: skip
    assert all(isinstance(each, int) for each in tries), tries
    assert sum(each for name, each in proxy.cuts.items() if name != "passed") > acts // 10
    assert (doubled, lost, differing, not_repeated) == (0, 0, 0, 0)
    assert set(written) == set(wanted)
    assert found.ok, found.breaks


def test_H10_a_repeat_in_flight_is_409_and_another_body_422(site, measured):
    (donor,) = bench.women(bench.open_study(), 1)
    code, to, other = bench.thing(donor=donor), place(), place()
    path, key = f"/items/{code}/moves", str(uuid4())
    first: list[Any] = []

    def send() -> None:
        first.append(site.send(path, {"to": to}, Idempotency_Key=key))

    thread = threading.Thread(target=send)
    with db.transaction() as session:
        custody.find(session, code, lock=True)  # another person's act holds the vial
        thread.start()
        until = time.monotonic() + 2
        while key not in steps.acts._running and time.monotonic() < until:
            time.sleep(0.005)
        in_flight = site.send(path, {"to": to}, Idempotency_Key=key)
    thread.join()
    again = site.send(path, {"to": to}, Idempotency_Key=key)
    changed = [
        site.send(path, {"to": other}, Idempotency_Key=key),
        site.send(f"/items/{code}/holds", {"reason": "x"}, Idempotency_Key=key),
    ]

    answers = [in_flight, *first, again, *changed]
    right = [409, 200, 200, 422, 422]
    failures = sum(each.status_code != one for each, one in zip(answers, right, strict=True))
    measured("H10", trials=len(answers), failures=failures, what="in flight, other body")
    assert [each.status_code for each in answers] == right
    assert in_flight.json["code"] == "still_running"
    assert again.data == first[0].data
    assert {each.json["code"] for each in changed} == {"idempotency_key_reused"}
    with db.reading() as session:
        kinds = [each.kind for each in ledger.entries_of(session, f"item/{code}")]
    assert kinds == ["custody.made", "custody.moved"]


# H53


def api_acts() -> list[steps.Act]:
    """Every act that the app offers to a person's programs; a print agent's are its own."""
    offered = [
        import_module(f"lims.{each}.doors").doors
        for each in application.FEATURES
        if application._has(each, "doors")
    ]
    return [
        act
        for each in offered
        for act in each.acts
        if act.api and act.permission is not None and act.permission.granted_to & PEOPLE
    ]


def column_names() -> set[str]:
    """What the tables call their columns."""
    return {column.name for table in Base.metadata.sorted_tables for column in table.columns}


@pytest.fixture
def journey(site) -> SimpleNamespace:
    """Something of every kind, for the addresses of the acts."""
    standing = clock.SetClock(START)
    with clock.running(standing):
        lab = bench.Light(standing)
        lot = lab.quarantined()
    with db.reading() as session:
        study = studies.study_by_code(session, lab.study)
        read = studies.protocol_of(study)
        items = defaultdict(list)
        for each in custody.items_of(session, study_id=study.id):
            items[each.kind.value].append(each.code)
    kit = lab_kit(lab)
    seen = items["specimen"][0]
    custody.observe(lab.tara, code=seen, note="frost on the cap")
    with db.reading() as session:
        noted = ledger.last_of(session, custody.stream(seen))
    return SimpleNamespace(
        study=lab.study, number=lab.number, lot=lot, kit=kit, items=items, place=place(),
        outcome=read.outcomes[0].id, noted=noted.number,
    )  # fmt: skip


def lab_kit(lab: bench.Light) -> str:
    """A kit that nobody has."""
    return collection.prepare_kit(
        lab.tara, study=lab.study, device_lot="CUP-1", device_expires_on=date(2100, 1, 1)
    ).code


def address_of(act: steps.Act, journey: SimpleNamespace) -> str:
    """Where an act is offered, on something that is really there."""
    by_letter = {
        "S": "specimen", "C": "flask", "L": "lot", "V": "dose", "Q": "qc-sample",
    }  # fmt: skip
    kind = by_letter.get((act.letters.get("code") or "S")[0], "kit")
    if act.name == "isolate-vesicles":
        kind = "harvest"
    known = {
        "code": journey.kit if kind == "kit" else journey.items[kind][0],
        **({"code": journey.place} if act.path.startswith("/places/") else {}),
        "number": journey.number,
        "study": journey.study,
        "login": "every",
        "modality": "cyclic_stretch",
        "test": "S04",
        "outcome": journey.outcome,
        "reference": "OOS-0001",
        "check_id": str(uuid4()),
        "scan_id": str(uuid4()),
        "shipment_id": str(uuid4()),
        "episode_id": str(uuid4()),
        "entry": journey.noted,
        "name": "printer-1",
        "request_id": str(uuid4()),
        "copy_id": str(uuid4()),
        "template": "place_50x20",
        "digest": "0" * 64,
    }
    return act.url(**{name: known[name] for name in steps.ARGUMENT.findall(act.path)})


def asked(site, act: steps.Act, journey: SimpleNamespace) -> tuple[str, Schema]:
    """Where an act is offered, and what it takes there."""
    path = address_of(act, journey)
    head = {"Authorization": f"Bearer {site.token}"}
    with site.app.test_request_context("/api/v1" + path, method=act.method.upper(), headers=head):
        return path, act.schema(request.view_args)


def test_H53_no_act_takes_a_field_of_the_tables_that_it_did_not_ask_for(site, journey, measured):
    columns = column_names()
    before = everything()
    trials, taken, seen = 0, [], 0
    for act in api_acts():
        path, schema = asked(site, act, journey)
        declared = set(schema.fields)
        offered = sorted(columns - declared)
        answer = site.app.test_client(use_cookies=False).open(
            "/api/v1" + path,
            method=act.method.upper(),
            json=dict.fromkeys(offered, "released"),
            headers={"Authorization": f"Bearer {site.token}"},
        )
        seen += 1
        trials += len(offered)
        if answer.status_code != 422:
            taken.append((act.feature, act.name, answer.status_code, answer.json.get("detail")))
            continue
        taken += [(act.feature, act.name, name) for name in offered
                  if name not in answer.json["errors"]]  # fmt: skip

    measured("H53", trials=trials, failures=len(taken), acts=seen, columns=len(columns))
    assert taken == []
    assert seen > 50
    assert everything() == before


def test_H53_a_good_request_with_one_field_too_many_changes_nothing(site, measured):
    (donor,) = bench.women(bench.open_study(), 1)
    code, to = bench.thing(donor=donor, volume_ul=1000), place()
    before = everything()
    values: list[Any] = ["released", 1, None, {"id": 1}, str(donor.id)]
    taken, trials = [], 0
    for name in sorted(column_names() - set(of.MoveIn().fields)):
        for value in values if SOAK else values[:1]:
            trials += 1
            answer = site.send(f"/items/{code}/moves", {"to": to, name: value})
            if answer.status_code != 422 or list(answer.json["errors"]) != [name]:
                taken.append((name, value, answer.status_code))

    measured("H53", trials=trials, failures=len(taken), what="a good request and one field more")
    assert taken == []
    assert everything() == before
    assert site.send(f"/items/{code}/moves", {"to": to}).status_code == 200
    item = bench.row(code)
    assert (item.volume_ul, item.donor_id, item.state) == (1000, donor.id, custody.State.IN_PROCESS)


# H15

AMOUNTS = [
    ("7", "bad_input"),
    (7, "no_unit"),
    ({"value": "7"}, "bad_input"),
    ({"value": "7", "unit": ""}, "unknown_unit"),
    ({"value": "7", "unit": None}, "bad_input"),
    ({"unit": "mL"}, "bad_input"),
    ({"value": "7", "unit": "mL", "kind": "volume"}, "bad_input"),
    ("7 mg", "unit_does_not_convert"),
    ("7 {particles}", "unit_does_not_convert"),
    ("7 {particles}/mL", "unit_does_not_convert"),
    ("7 ug/uL", "unit_does_not_convert"),
    ("7 ML", "unknown_unit"),
    ("7 m", "unit_does_not_convert"),
    ("7 [EU]/mL", "unknown_unit"),
    ("7,5 mL", "not_a_number"),
    ("1.234.567 mL", "not_a_number"),
    ("7.0005 mL", "bad_input"),
    ("-7 mL", "too_small"),
    ("0 mL", "too_small"),
    ("NaN mL", "not_a_number"),
    ("7 mL mL", "unknown_unit"),
    ([7, "mL"], "no_unit"),
    (True, "no_unit"),
]


def test_H15_an_amount_without_a_unit_or_in_another_kind_is_refused_at_the_door(
    site, journey, measured
):
    tube = journey.items["specimen"][0]
    before, wrong = everything(), []
    for given, code in AMOUNTS:
        answer = site.send(f"/specimens/{tube}/receipt", {"volume": given})
        said = answer.json.get("errors", {}).get("volume")
        if answer.status_code != 422 or not said:
            wrong.append((given, code, answer.status_code, said))

    measured("H15", trials=len(AMOUNTS), failures=len(wrong), what="amounts at the door")
    assert wrong == []
    assert everything() == before


def entered(site, journey, test: str, value: str, unit: str):
    """A result offered at the door of quality control."""
    return site.send(f"/lots/{journey.lot}/results/{test}", {"value": value, "unit": unit})


def test_H15_a_concentration_needs_a_unit_of_its_kind(site, journey, measured):
    trials = [
        ("S04", "20", ""), ("S04", "20", "mL"), ("S04", "20", "{particles}/mL"),
        ("S04", "20", "ug"), ("S03", "5.2E10", ""), ("S03", "5.2E10", "{particles}"),
        ("S03", "5.2E10", "{cells}/mL"), ("S05", "110", "um/mL"), ("S14", "0.05", "[EU]/mL"),
    ]  # fmt: skip
    before = everything()
    accepted = [each for each in trials if entered(site, journey, *each).status_code != 422]

    measured("H15", trials=len(trials), failures=len(accepted), what="results at the door")
    assert accepted == []
    assert everything() == before


@pytest.mark.parametrize(
    ("value", "unit", "standing"),
    [
        ("20", "ug/uL", "met"),
        ("20", "mg/mL", "met"),
        ("20000", "ug/mL", "met"),
        ("20", "ug/mL", "flagged"),
        ("20000", "ug/uL", "flagged"),
        ("20", "ng/mL", "flagged"),
    ],
)
def test_H15_a_thousandfold_slip_of_a_unit_is_never_silent(
    site, journey, measured, value, unit, standing
):
    answer = entered(site, journey, "S04", value, unit)

    flagged = answer.status_code != 200 or answer.json.get("verdict") != "met"
    measured("H15", trials=1, failures=int(flagged != (standing == "flagged")), unit=unit)
    assert flagged == (standing == "flagged"), answer.json


def test_H15_no_act_has_an_amount_as_a_bare_number(site, journey, measured):
    """Every field that is an amount knows its unit, and no schema has a float."""
    amounts, bare = 0, []
    for act in api_acts():
        _path, schema = asked(site, act, journey)
        for name, field in schema.fields.items():
            if isinstance(field, stock.Float | stock.Decimal | stock.Integer):
                bare.append((act.feature, act.name, name))
            if isinstance(field, fields.Amount):
                amounts += 1
                for given in ("7", 7):
                    with suppress(Exception):
                        field.deserialize(given)
                        bare.append((act.feature, act.name, name, given))
    measured("H15", trials=amounts * 2, failures=len(bare), what="amounts of all acts")
    assert amounts > 15
    assert bare == []


def test_a_code_that_is_none_of_the_acts_kind_is_refused_before_anything(site):
    answer = site.send(f"/kits/{codes.draw('S')}/issue", {})
    assert (answer.status_code, answer.json["code"]) == (422, "code_kind")
