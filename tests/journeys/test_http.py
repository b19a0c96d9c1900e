"""Plasma from consent to given over the API alone, with tokens and idempotency keys.

Every act is sent twice with one key, and acts once: the second answer is the first one, replayed,
and writes nothing.
"""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from lims import custody, dosing, labels, ledger, people, studies
from lims.cli import cli
from lims.core import clock, codes, console, db, mode
from lims.core.permissions import WORKER, Role
from lims.studies import protocol
from tests.apps import app_over
from tests.journeys import given as entered
from tests.journeys.walking import PASSWORD, PIN, answering

STUDY = "TANGDU-ME-UCMSC"
NAME = "Wang Fang"
ZONE = ZoneInfo("Asia/Shanghai")
# Eight in the morning at the trial's site.
OPENS = datetime(2026, 3, 2, 0, tzinfo=UTC)
PEOPLE = {
    "tara": Role.TECHNICIAN,
    "ana": Role.ANALYST,
    "quin": Role.QC_OFFICER,
    "rosa": Role.QC_OFFICER,
    "pari": Role.PHARMACIST,
    "clea": Role.CLINICIAN,
    "cyra": Role.CLINICIAN,
    "ines": Role.INVESTIGATOR,
    "sora": Role.SPONSOR,
    "adel": Role.ADMINISTRATOR,
}
SEEN = {
    "other_trial_asked": True, "seal_intact": True, "cap_matches": True, "appearance_good": True,
    "fully_thawed": True, "label_readable": True, "label_matches": True, "precautions": True,
    "device": "needle_17g", "device_lot": "DEV-4410", "device_expires_on": "2026-12-31",
    "route": "intraendometrial_subendometrial", "emergency_kit": True, "emergency_staff": True,
}  # fmt: skip


@dataclass
class Programs:
    """Programs that work for people: each with her token, against a server that answers.

    Attributes:
        twice: how many acts were sent twice.
        acted_twice: the paths of those that did not act once.
    """

    address: str
    now: clock.SetClock
    tokens: dict[str, str] = field(default_factory=dict)
    twice: int = 0
    acted_twice: list[str] = field(default_factory=list)

    def call(
        self, who: str, path: str, body: Any = None, key: str = ""
    ) -> tuple[int, dict[str, str], Any]:
        """Send one request; status, headers, document."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Accept": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        asked = urllib.request.Request(f"{self.address}/api/v1{path}", data, headers)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, dict(answer.headers), json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, dict(refused.headers), json.load(refused)

    def act(self, who: str, path: str, **body: Any) -> Any:
        """An act that succeeds, sent twice with one key: it acts once."""
        key = uuid4().hex
        status, headers, first = self.call(who, path, body, key)
        assert status == 200, (path, first)
        assert "Idempotency-Replayed" not in headers
        written = _entries()
        status, headers, again = self.call(who, path, body, key)
        self.twice += 1
        replayed = (status, headers.get("Idempotency-Replayed")) == (200, "true")
        if not replayed or again != first or _entries() != written:
            self.acted_twice.append(path)
        return first

    def refused(self, who: str, path: str, **body: Any) -> tuple[int, Any]:
        """An act that is refused, twice, and writes no more the second time than it should."""
        key = uuid4().hex
        status, _headers, first = self.call(who, path, body, key)
        assert status >= 400, (path, first)
        again = self.call(who, path, body, key)
        assert again[0] == status, (path, again)
        return status, first

    def asked(self, who: str, path: str) -> Any:
        """What is asked, and answered."""
        status, _headers, document = self.call(who, path)
        assert status == 200, (path, document)
        return document

    def moment(self, **ago: float) -> str:
        """An instant before now, as JSON carries it."""
        return clock.text(self.now() - timedelta(**ago))


def _entries() -> int:
    with db.reading() as session:
        return ledger.entry_count(session)


@pytest.fixture
def programs(
    database: db.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Programs]:
    """A practice site over an empty database, its people, a token for each."""
    monkeypatch.setenv("LIMS_HOME", str(tmp_path))
    monkeypatch.delenv("LIMS_SITE_FILE", raising=False)
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    standing = clock.SetClock(OPENS)
    app = app_over(tmp_path, database, zone=ZONE.key)
    with clock.running(standing), answering(app) as address:
        made = Programs(address, standing)
        for login, role in PEOPLE.items():
            people.add_user(
                console.actor(), login=login, name=login.title(), roles=[role],
                password=PASSWORD, pin=PIN,
            )  # fmt: skip
            made.tokens[login] = people.create_token(console.actor(), login, 30)
        yield made


@dataclass
class Her:
    """One woman and her plasma, ready at the bed."""

    number: str
    band: str
    dose: str
    drawn_at: datetime


def to_the_bed(site: Programs) -> Her:
    """Everything from the study file to the plasma in the giver's hands, 25 minutes old."""
    act, now = site.act, site.now
    for officer in ("quin", "rosa"):
        act(officer, "/label-designs/approval", password=PASSWORD)
    shipped = next(each for each in protocol.shipped() if STUDY.lower() in each.name)
    act("adel", "/study-files", document={
        "name": shipped.name,
        "content": base64.b64encode(shipped.read_bytes()).decode()})  # fmt: skip
    for login in ("clea", "cyra", "pari", "ines"):
        act("ines", f"/studies/{STUDY}/delegations", login=login, role=PEOPLE[login].value,
            trained_at=site.moment(days=30), valid_until=site.moment(days=-400))  # fmt: skip
    ward = act("adel", "/places", name="Transfer room", kind="ward", temperature_class="room")
    born = entered.born(OPENS.astimezone(ZONE).date())
    number = act("clea", f"/studies/{STUDY}/participants", kind="participant", name=NAME,
                 birth_date=born.isoformat())["number"]  # fmt: skip
    her = {"stated_name": NAME, "stated_birth_date": born.isoformat()}
    now.forward(minutes=10)
    read = _read()
    act("clea", f"/participants/{number}/consents", form_version="1.2",
        signed_at=site.moment(minutes=2), **dict.fromkeys(read.consent.covers, True))  # fmt: skip
    band = act("clea", f"/participants/{number}/wristband")["band"]
    now.forward(days=1)
    act("ines", f"/participants/{number}/eligibility", password=PASSWORD, **_fit(site, read))
    act("ines", f"/participants/{number}/allocation", arm="TD-PRP",
        ground="she chose plasma of her own")  # fmt: skip
    blood = _drawn(site, number, her, "blood-for-tests", "8", "none")
    now.forward(hours=3)
    _received(site, blood, "8")
    now.forward(hours=17)
    for marker in entered.MARKERS:
        act("ana", f"/specimens/{blood}/markers", marker=marker, state="negative",
            material="serum", nucleic_acid=marker in entered.NUCLEIC,
            sampled_at=site.moment(hours=20))  # fmt: skip
    now.set(OPENS + timedelta(days=6))
    today = now().astimezone(ZONE).date()
    act("clea", f"/participants/{number}/cycle-day-one", source="natural",
        day=(today - timedelta(days=4)).isoformat())  # fmt: skip
    drawn_at = now()
    lot, dose = _plasma(site, number, her)
    _released(site, lot)
    act("pari", f"/doses/{dose}/assignment", participant=number)
    now.forward(minutes=5)
    act("pari", f"/doses/{dose}/issue", to=_badge("clea"), place=ward["code"])
    now.forward(minutes=5)
    act("clea", f"/items/{dose}/acceptance", condition="intact")
    act("ines", f"/participants/{number}/assessment", fever=False, infection=False,
        bleeding=False, pregnancy_test="negative", pregnancy_tested_on=today.isoformat(),
        password=PASSWORD)  # fmt: skip
    _printed()
    return Her(number, band, dose, drawn_at)


def _read() -> protocol.Protocol:
    """The study as it was pinned."""
    with db.reading() as session:
        return studies.protocol_of(studies.study_by_code(session, STUDY))


def _fit(site: Programs, read: protocol.Protocol) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    known = entered.fit(site.now().astimezone(ZONE).date())
    asked: set[str] = set()
    for each in read.criteria:
        asked |= set(each.requires) | set(each.rule.names if each.rule else ())
        if each.text is not None:
            answers[each.id] = True
    for name in asked & set(read.fields):
        if name == "other_trial_date":
            answers["other_trial_date_never"] = True
            continue
        value = known.get(name, True)
        if isinstance(value, tuple):
            value = {"value": value[0], "unit": value[1]}
        answers[name] = value.isoformat() if isinstance(value, date) else value
    return answers


def _drawn(
    site: Programs, number: str, her: dict[str, str], purpose: str, volume: str, tube: str
) -> str:
    return site.act(
        "clea", f"/participants/{number}/blood", purpose=purpose, drawn_at=site.moment(),
        volume={"value": volume, "unit": "mL"}, anticoagulant=tube, anticoagulant_lot="T-77",
        **her,
    )["code"]  # fmt: skip


def _received(site: Programs, code: str, volume: str) -> None:
    site.act(
        "tara", f"/specimens/{code}/receipt", label_matches=True, seal_intact=True, leaked=False,
        received_at=site.moment(minutes=1), temperature_min={"value": "18", "unit": "Cel"},
        temperature_max={"value": "22", "unit": "Cel"},
        volume={"value": volume, "unit": "mL"}, appearance="red", clots=False,
        decision="accept",
    )  # fmt: skip


def _plasma(site: Programs, number: str, her: dict[str, str]) -> tuple[str, str]:
    """Drawn, spun twice, in one syringe, within an hour."""
    blood = _drawn(site, number, her, "blood-for-prp", "30", "acd_a")
    site.now.forward(minutes=10)
    _received(site, blood, "30")
    site.now.forward(minutes=30)
    lot = site.act(
        "tara", f"/specimens/{blood}/prp", rotor="swing-out 4, serial 88",
        started_at=site.moment(minutes=25), ended_at=site.moment(minutes=1),
        volume={"value": "2.6", "unit": "mL"}, **entered.two_spins(),
    )["code"]  # fmt: skip
    filled = site.act("tara", f"/lots/{lot}/fill", doses=[_ml("1.7")], qc=_ml("0.5"),
                      retained=_ml("0.35"), waste=_ml("0.02"))  # fmt: skip
    assert not {"figures", "witness_figures"} & set(json.dumps(filled))
    _printed()
    asked = site.asked("tara", f"/lots/{lot}")["fill"]["labels"]["open"]
    assert len(asked) == 3
    for code in asked:
        site.act("tara", "/labels/sticking", scanned=scanned(code))
    assert site.act("tara", f"/lots/{lot}/fill/closing")["closed_at"]
    return lot, filled["vials"][0]["code"]


def _ml(value: str) -> dict[str, str]:
    return {"value": value, "unit": "mL"}


def _released(site: Programs, lot: str) -> None:
    site.now.forward(minutes=5)
    for test, value, unit in (
        ("S01", "straw", ""),
        ("S09", "match", ""),
        ("S23-PRP", "1012", "10*9/L"),
        ("S23-BASE", "236", "10*9/L"),
    ):
        measured = {"value": value, **({"unit": unit} if unit else {})}
        site.act("ana", f"/lots/{lot}/results/{test}", **measured)
    site.act("ana", f"/lots/{lot}/derived-results")
    site.now.forward(minutes=5)
    site.act("quin", f"/lots/{lot}/review", password=PASSWORD)
    site.act("quin", f"/lots/{lot}/submission")
    site.now.forward(minutes=5)
    released = site.act("rosa", f"/lots/{lot}/release", meaning="released", password=PASSWORD,
                        reason="the trial sets no limit that stops")  # fmt: skip
    assert released["state"] == "ready-for-use", released


def _badge(login: str) -> str:
    with db.reading() as session:
        return str(people.badge_of(session, people.account_of(session, login).id))


def _printed() -> None:
    """What the worker does with every label that was asked for."""
    waiting = labels.requests(WORKER, states=[labels.RequestState.WAITING])
    for each in waiting:
        labels.print_job(WORKER, each.job)


def scanned(code: str) -> str:
    """What a scanner reads off the live label."""
    with db.reading() as session:
        return codes.symbol(code, labels.live_copy(session, code))


def figures(tmp_path: Path, dose: str) -> str:
    """The four figures, read off the printed label."""
    (printed,) = (tmp_path / "labels").glob(f"{dose}-*.zpl")
    return re.search(r"\^FD(\d{4})\^FS", printed.read_text())[1]


def check(site: Programs, her: Her) -> Any:
    """The first two scans."""
    return site.act(
        "clea", "/bedside-checks", dose=scanned(her.dose), participant=her.number,
        band=scanned(her.band), name_agrees=True, birth_date_agrees=True, **SEEN,
    )  # fmt: skip


def witnessed(site: Programs, her: Her, number: str, tmp_path: Path) -> Any:
    """The second person repeats both scans and reads the label."""
    return site.act(
        "cyra", f"/bedside-checks/{number}/witness", band=scanned(her.band),
        dose=scanned(her.dose), figures=figures(tmp_path, her.dose), password=PASSWORD,
    )  # fmt: skip


def injection(site: Programs) -> dict[str, Any]:
    """What is written once the syringe is empty."""
    return {
        "drawn_up_at": site.moment(minutes=2),
        "draw_up_witnessed": True,
        "started_at": site.moment(seconds=90),
        "ended_at": site.moment(seconds=30),
        "sites": [_ml("1.5")],
        "residual": _ml("0.2"),
        "wasted": _ml("0"),
        "password": PASSWORD,
    }


def gate(her: Her, at: datetime) -> tuple[int, dict[str, Any]]:
    """What `lims gate bedside --at` answers: exit code and document."""
    ran = CliRunner().invoke(
        cli,
        ["gate", "bedside", "--dose", her.dose, "--participant", her.number, "--band", her.band,
         "--operator", "clea", "--witness", "cyra", "--at", clock.text(at), "--json"],
    )  # fmt: skip
    return ran.exit_code, json.loads(ran.stdout)


def result(answer: dict[str, Any], row: str) -> str:
    """What one row of a verdict says."""
    return next(each["result"] for each in answer["checks"] if each["id"] == row)


def test_H10_plasma_is_given_over_the_api_each_act_sent_twice(
    programs: Programs, tmp_path: Path, measured
):
    her = to_the_bed(programs)
    started = check(programs, her)
    assert started["verdict"] != "stop", started
    programs.now.forward(minutes=2)
    seconded = witnessed(programs, her, started["id"], tmp_path)
    assert seconded["verdict"] != "stop", seconded
    programs.now.forward(minutes=3)
    done = programs.act("clea", f"/bedside-checks/{started['id']}/given", **injection(programs))

    assert (done["state"], done["dose"], done["delivered_ul"]) == ("given", her.dose, 1500)
    assert programs.asked("clea", f"/items/{her.dose}")["state"] == "administered"
    measured("H10", trials=programs.twice, failures=len(programs.acted_twice))
    assert programs.acted_twice == []
    assert programs.twice >= 35
    with db.reading() as session:
        assert ledger.verify(session).ok
        given = [
            each for each in ledger.newest(session, limit=10_000) if each.kind == "dosing.given"
        ]
    assert len(given) == 1


def test_plasma_is_refused_one_second_after_its_four_hours(programs: Programs, tmp_path: Path):
    her = to_the_bed(programs)
    over = her.drawn_at + timedelta(hours=4)
    assert result(gate(her, over)[1], "B15") != "stopped"
    exit_code, answer = gate(her, over + timedelta(seconds=1))
    assert (exit_code, answer["verdict"], result(answer, "B15")) == (1, "stop", "stopped")

    programs.now.set(over - timedelta(minutes=3))
    started = check(programs, her)
    assert result(started, "B15") != "stopped"
    programs.now.forward(minutes=1)
    witnessed(programs, her, started["id"], tmp_path)
    programs.now.set(over + timedelta(seconds=1))
    status, refusal = programs.refused(
        "clea", f"/bedside-checks/{started['id']}/given", **injection(programs)
    )
    assert status == 409
    assert result(refusal, "B15") == "stopped", refusal
    late = check(programs, her)
    assert (late["verdict"], result(late, "B15")) == ("stop", "stopped")
    status, refusal = programs.refused(
        "clea", f"/bedside-checks/{late['id']}/given", **injection(programs)
    )
    assert (status, result(refusal, "B15")) == (409, "stopped")
    with db.reading() as session:
        item = custody.find(session, her.dose)
        assert item.state is custody.State.ISSUED
        assert dosing.given_of(session, item.id) is None
        assert ledger.verify(session).ok
