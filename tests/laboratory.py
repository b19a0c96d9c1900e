"""A small site with real accounts, and its journey through the services, step by step."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from zoneinfo import ZoneInfo

from lims import collection, culture, custody, isolation, labels, people, qc, release, studies
from lims.core import clock, db, vault
from lims.core.permissions import Actor, Role
from lims.core.units import Quantity
from tests.apps import app_over

PASSWORD = "amber kettle walks north"
OPERATOR = Actor(None, None, "operator:test", frozenset({Role.OPERATOR}))
PROTOCOLS = Path(studies.__file__).parent / "protocols"
BORN = date(1994, 5, 8)
START = datetime(2026, 2, 2, 6, tzinfo=UTC)
CAST = {
    "tara": (Role.TECHNICIAN,),
    "ana": (Role.ANALYST,),
    "quin": (Role.QC_OFFICER,),
    "rosa": (Role.QC_OFFICER,),
    "clea": (Role.CLINICIAN,),
    "sora": (Role.SPONSOR,),
}
CELLS = {
    "CD73": "99.1", "CD90": "98.7", "CD105": "97.9", "CD45": "0.4", "CD34": "0.3",
    "CD14_or_CD11b": "0.6", "CD19_or_CD79a": "0.2", "HLA-DR": "0.8",
}  # fmt: skip
VESICLES = {
    "CD9": "positive", "CD63": "positive", "CD81": "positive", "TSG101": "positive",
    "ALIX": "positive", "syntenin-1": "positive", "albumin": "negative", "calnexin": "absent",
}  # fmt: skip
RESULTS = {
    "S01": ("clear", ""), "S03": ("5.2E10", "{particles}/mL"), "S04": ("20", "ug/uL"),
    "S05": ("110", "nm"), "S05-D50": ("121", "nm"), "S06": ("97", "%"), "S06-200": ("91", "%"),
    "S09": ("match", ""), "S12": ("normal", ""), "S13": ("no_growth", ""),
    "S14": ("<0.05", "[IU]/mL"), "S15": ("negative", ""), "S16": ("7.3", "[pH]"),
    "S17": ("296", "mosm/kg"), "S18": ("below_loq", ""), "S18-ALB": ("below_loq", ""),
    "S19": ("118", "ng/mL"), "S20": ("intact_vesicles", ""), "S21": ("104", "%"),
}  # fmt: skip
VESSEL = {
    "vessel": "T175",
    "area_cm2": D(175),
    "medium": "alpha-MEM",
    "medium_lot": "MED-1",
    "medium_expires_on": date(2036, 12, 1),
    "antibiotic": False,
}


def spins(rpm_4: str = "31198") -> list[isolation.Spin]:
    """A run by the method, in one rotor."""
    made = []
    for step, force, minutes in (("1", 300, 10), ("2", 2000, 15), ("3", 10_000, 30)):
        rpm = isolation.speed_rpm(D(force), D("9.19"))
        made.append(_spin(step, rpm.quantize(D(1)), minutes))
    return [*made, _spin("4", D(rpm_4), 70), _spin("5", D(rpm_4), 70)]


def _spin(step: str, rpm: D, minutes: int) -> isolation.Spin:
    return isolation.Spin(step, rpm, D("91.9"), isolation.RadiusConvention.RMAX, D(minutes))


def local(name: str, at: datetime) -> dict[str, str]:
    """An instant as a form of the site in Tehran sends it."""
    shown = at.astimezone(ZoneInfo("Asia/Tehran")).strftime("%Y-%m-%dT%H:%M")
    return {name: shown, f"{name}.zone": "Asia/Tehran"}


class Laboratory:
    """One site, one study of autologous vesicles, one woman; a step a call.

    The clock stands still and goes forward with the steps that take time.
    """

    def __init__(self, standing: clock.SetClock) -> None:
        self.clock = standing
        vault.use("k" * 40)
        self.study = studies.load(
            OPERATOR,
            document=(PROTOCOLS / "irct20210228050535n2.toml").read_text(),
            site_document=(PROTOCOLS / "site.toml").read_text(),
        ).code
        self.actors = {login: self.join(login, *roles) for login, roles in CAST.items()}
        self.number = ""

    def join(self, login: str, *roles: Role, person: str | None = None) -> Actor:
        """Open an account and be its actor; with `person`, a second one of the same person."""
        named = {"person": person} if person else {"name": login.title()}
        account = people.add_user(
            OPERATOR, login=login, roles=roles, password=PASSWORD, pin="4071", **named
        )
        return Actor(account.person_id, account.id, login.title(), frozenset(roles), "bench-1")

    def __getattr__(self, login: str) -> Actor:
        try:
            return self.__dict__["actors"][login]
        except KeyError:
            raise AttributeError(login) from None

    # her

    def woman(self, *, name: str = "Laleh Ahmadi") -> str:
        """A consented participant, by number."""
        number = studies.register(self.clea, study=self.study, name=name, birth_date=BORN).number
        studies.give_consent(
            self.clea,
            number=number,
            form_version="1.2",
            covers=["collection", "processing", "storage", "infectious_markers", "genetic_tests",
                    "allocation", "administration", "follow_up"],
            signed_at=clock.now() - timedelta(minutes=2),
        )  # fmt: skip
        self.number = number
        return number

    def specimen(self, *, markers: bool = True) -> str:
        """Her menstrual fluid, collected in a kit and accepted; her blood tested."""
        number = self.woman(name=f"Laleh Ahmadi {self.number}")
        with db.reading() as session:
            known = studies.open_identity(session, studies.subject_by_number(session, number))
        her = {"stated_name": known["name"], "stated_birth_date": BORN}
        kit = collection.prepare_kit(
            self.tara, study=self.study, device_lot="CUP-1", device_expires_on=date(2036, 12, 1)
        ).code
        tube = collection.issue_kit(self.clea, code=kit, participant=number, **her).code
        self.clock.forward(hours=6)
        collection.collect(
            self.clea, kit=kit, code=tube, collected_at=clock.now(), cycle_day=2,
            cup_in_place=Quantity("3", "h"), active_infection=False, medium="PBS",
            medium_lot="T-1", medium_expires_on=date(2036, 12, 1), **her,
        )  # fmt: skip
        blood = self.blood(number, collection.SpecimenKind.TEST_BLOOD, her)
        self.clock.forward(hours=5)
        self.receive(tube, Quantity("7", "mL"))
        if markers:
            for marker in ("anti_hiv_1_2", "hbsag", "anti_hbc", "anti_hcv", "syphilis"):
                collection.record_marker(
                    self.ana, code=blood, marker=marker, state=collection.MarkerState.NEGATIVE,
                    material="serum", sampled_at=clock.now() - timedelta(hours=5),
                    nucleic_acid=True,
                )  # fmt: skip
        return tube

    def blood(self, number: str, purpose: collection.SpecimenKind, her: dict) -> str:
        """A tube of her blood."""
        return collection.collect_blood(
            self.clea, participant=number, purpose=purpose, drawn_at=clock.now(),
            volume=Quantity("8", "mL"), anticoagulant="acd_a", anticoagulant_lot="A-1", **her,
        ).code  # fmt: skip

    def receive(self, code: str, volume: Quantity | None) -> None:
        """It arrives in order."""
        collection.receive(
            self.tara, code=code, decision=collection.Decision.ACCEPT, received_at=clock.now(),
            label_matches=True, seal_intact=True, leaked=False,
            temperature_min=Quantity("3", "Cel"), temperature_max=Quantity("7", "Cel"),
            appearance="red", clots=False, volume=volume,
        )  # fmt: skip

    # cells

    def flask(self) -> str:
        """A growing P0 vessel, five days old."""
        made = culture.isolate(
            self.tara, code=self.specimen(), route="density-gradient", nucleated_cells=200_000,
            **VESSEL,
        )  # fmt: skip
        self.clock.forward(hours=120)
        return made.code

    def passage(self, code: str, seeded: list[int], *, total: int = 1_700_000, **more) -> list[str]:
        """The next vessels, three days on."""
        made = culture.passage(
            self.tara, code=code, total_cells=total, viability_percent=D(95),
            confluence_percent=D(78), seeded=seeded, **{**VESSEL, **more},
        )  # fmt: skip
        self.clock.forward(hours=84)
        return [each.code for each in made]

    def harvest(self, flasks: list[str] | None = None) -> str:
        """Conditioned medium of two vessels of one donor."""
        flasks = flasks or self.passage(self.flask(), [500_000, 500_000])
        made = culture.harvest(
            self.tara, flasks=flasks, medium_kind="serum_free", washes=3,
            started_at=clock.now() - timedelta(hours=48), ended_at=clock.now(),
            total_cells=6_000_000, viability_percent=D("94.5"), confluence_percent=D(82),
            volume=Quantity("40", "mL"),
        )  # fmt: skip
        self.clock.forward(hours=6)
        return made.code

    def lot(self) -> str:
        """Vesicles in bulk."""
        return isolation.isolate_vesicles(
            self.tara, code=self.harvest(), method="ultracentrifugation", spins=spins(),
            rotor="fixed angle 70", formulation="PBS", started_at=clock.now() - timedelta(hours=5),
            ended_at=clock.now(), volume=Quantity("3.25", "mL"),
        ).code  # fmt: skip

    def quarantined(self) -> str:
        """A lot in its vial, with samples."""
        lot = self.lot()
        isolation.fill(
            self.tara, code=lot, doses=[Quantity("2.08", "mL")], qc=Quantity("0.8", "mL"),
            retained=Quantity("0.3", "mL"), waste=Quantity("0.02", "mL"),
        )  # fmt: skip
        scan_back(self.tara, lot)
        isolation.close_fill(self.tara, code=lot)
        return lot

    def sample(self, lot: str, kind: custody.ItemKind = custody.ItemKind.QC_SAMPLE) -> str:
        """The sample for quality control."""
        with db.reading() as session:
            return qc.samples_of(session, custody.find(session, lot).id, kind)[0].code

    # results

    def tested(self, *, without: tuple[str, ...] = (), **other: tuple[str, str]) -> str:
        """A lot with its results entered; `other` gives a result by test."""
        lot = self.quarantined()
        for test, (value, unit) in {**RESULTS, **other}.items():
            if test not in without:
                qc.enter(self.ana, code=lot, test=test, value=value, unit=unit)
        if "S08" not in without:
            qc.enter(self.ana, code=lot, test="S08", value="", components=VESICLES)
        if "S10" not in without:
            qc.enter(self.ana, code=lot, test="S10", value="", components=CELLS)
        qc.derive(self.ana, code=lot)
        return lot

    def awaiting(self, **which) -> str:
        """A lot that awaits its release."""
        lot = self.tested(**which)
        qc.review(self.quin, code=lot, password=PASSWORD)
        qc.submit(self.quin, code=lot)
        return lot

    def confirm_units(self) -> None:
        """The sponsor signs the unit of the dose."""
        studies.confirm_units(self.sora, study=self.study, password=PASSWORD)

    def release(self, who: Actor, lot: str, **more) -> custody.Item:
        """Sign a lot off."""
        return release.release(who, code=lot, meaning="released", password=PASSWORD, **more)

    def state(self, code: str) -> str:
        """Where an item stands."""
        with db.reading() as session:
            return custody.find(session, code).state.value


def scan_back(who: Actor, lot: str) -> None:
    """Stick every label of a fill on and scan it there, as a person does."""
    with db.reading() as session:
        open_ = isolation.labels_of(session, custody.find(session, lot)).open
        symbols = [labels.live_symbol(session, each) for each in open_]
    for symbol in symbols:
        labels.stick(who, scanned=symbol)


class Site:
    """The application, and people who use it."""

    def __init__(self, laboratory: Laboratory, home: Path) -> None:
        self.lab = laboratory
        self.app = app_over(home, db.current())
        self._tokens: dict[str, str] = {}
        self._browsers: dict[str, tuple[object, datetime]] = {}

    def api(self, login: str, path: str, body=None, *, method: str = "POST", key: str = ""):
        """Call the API with a token of this person."""
        if login not in self._tokens:
            self._tokens[login] = people.create_token(OPERATOR, login, 90)
        headers = {"Authorization": f"Bearer {self._tokens[login]}"}
        if key:
            headers["Idempotency-Key"] = key
        client = self.app.test_client(use_cookies=False)
        given = {} if body is None else {"json": body}
        return client.open("/api/v1" + path, method=method, headers=headers, **given)

    def get(self, login: str, path: str):
        """Ask the API."""
        return self.api(login, path, method="GET")

    def page(self, login: str, path: str):
        """Open a page as this person, who has signed in with her password."""
        return self._browser(login).get(path)

    def send(self, login: str, path: str, **data):
        """Send a form as this person."""
        browser = self._browser(login)
        with browser.session_transaction() as session:
            secret = session["csrf"]
        return browser.post(path, data={"_csrf": secret, **data})

    def _browser(self, login: str):
        browser, since = self._browsers.get(login, (None, None))
        if browser is None or clock.now() - since > timedelta(minutes=5):
            browser = self.app.test_client()
            browser.get("/sign-in")
            with browser.session_transaction() as session:
                secret = session["csrf"]
            browser.post("/sign-in", data={"_csrf": secret, "login": login, "password": PASSWORD})
            browser.get("/lots")
            self._browsers[login] = browser, clock.now()
        return browser
