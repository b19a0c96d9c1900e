"""A woman joins a study: each step in its order, each arm once, each date as it was."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import select

from lims import ledger, people, studies
from lims.core import clock, db, vault
from lims.core.errors import BadInput, Conflict, NotAllowed, NotFound
from lims.core.permissions import Actor, Role
from lims.people.errors import WrongSecret
from lims.station.rehearsal import enrolling
from lims.station.rehearsal.stage import Stage, Woman
from lims.studies.errors import (
    ConsentMissing,
    ListExhausted,
    NotEligible,
    StepOutOfOrder,
    StudyPinned,
    StudyUnknown,
    Withdrawn,
)
from lims.studies.models import AllocationRow, Identity, SubjectKind, SubjectState
from tests.custody import bench
from tests.laboratory import BORN, OPERATOR, PASSWORD, PROTOCOLS, START
from tests.makers import actor

SEED = 20261121
OWN, BANKED = "irct20210228050535n2.toml", "tangdu-me-ucmsc.toml"
LIST = "IRCT-EXO\nIRCT-CTL\nIRCT-CTL\nIRCT-EXO\n"
COVERS = [
    "collection", "processing", "storage", "infectious_markers", "genetic_tests", "allocation",
    "administration", "follow_up",
]  # fmt: skip


class Trial:
    """One study on a standing clock, and the people who act on it."""

    def __init__(self, standing: clock.SetClock) -> None:
        vault.use("k" * 40)
        self.clock = standing
        self.study = self.load(OWN).code
        self.clea = actor(Role.CLINICIAN, name="Clea")
        self.ines = actor(Role.INVESTIGATOR, name="Ines")
        self.sora = actor(Role.SPONSOR, name="Sora")

    def load(self, file: str) -> studies.Study:
        """Load a study file with the demonstration site's defaults."""
        return studies.load(
            OPERATOR,
            document=(PROTOCOLS / file).read_text(),
            site_document=(PROTOCOLS / "site.toml").read_text(),
        )

    def signing(self, login: str, *roles: Role) -> Actor:
        """A person with an account, who can sign."""
        account = people.add_user(
            OPERATOR, login=login, name=login.title(), roles=roles, password=PASSWORD
        )
        return Actor(account.person_id, account.id, login.title(), frozenset(roles))

    def register(self, name: str = "Laleh Ahmadi", **other) -> str:
        """A participant's number."""
        return studies.register(
            self.clea, **{"study": self.study, "name": name, "birth_date": BORN, **other}
        ).number

    def consent(self, number: str, **other) -> studies.Consent:
        """Her signed consent."""
        given = {
            "form_version": "1.2", "covers": COVERS, "signed_at": clock.now(), **other
        }  # fmt: skip
        return studies.give_consent(self.clea, number=number, **given)

    def eligible(self, number: str) -> None:
        """Judged eligible; the signature itself has tests of its own."""
        with db.transaction() as session:
            her = studies.subject_by_number(session, number, lock=True)
            her.state = SubjectState.ELIGIBLE
            her.eligibility_signed_at = clock.now()
            ledger.record(self.ines, studies.stream(her), "test.eligible", rows=[her])

    def ready(self, name: str = "Laleh Ahmadi") -> str:
        """A participant who may be allocated."""
        number = self.register(name)
        self.consent(number)
        self.eligible(number)
        return number

    def answers(self, number: str) -> tuple[dict, dict]:
        """What a woman who may be enrolled answers."""
        stage = Stage(self.study, SEED, self.clock)
        return enrolling.answers(stage, Woman(0, "", BORN, number=number))

    def her(self, number: str) -> studies.Subject:
        """Her record as it stands."""
        with db.reading() as session:
            return studies.subject_by_number(session, number)

    def kinds(self, number: str) -> list[str]:
        """What stands in her stream."""
        with db.reading() as session:
            return [each.kind for each in ledger.entries_of(session, f"participant/{number}")]


@pytest.fixture
def trial(database: db.Database) -> Iterator[Trial]:
    """A study without participants."""
    standing = clock.SetClock(START)
    with clock.running(standing):
        yield Trial(standing)
    with db.reading() as session:
        found = ledger.verify(session)
    assert found.ok, found.breaks


# The trial


def test_the_same_file_again_changes_nothing_and_another_is_refused(trial):
    again = trial.load(OWN)
    assert again.code == trial.study

    with pytest.raises(StudyPinned, match="another version"):
        studies.load(
            OPERATOR,
            document=(PROTOCOLS / OWN).read_text(),
            site_document=(PROTOCOLS / "site.toml")
            .read_text()
            .replace('version = "1"', 'version = "2"', 1),
        )
    with db.reading() as session:
        entries = ledger.entries_of(session, f"study/{trial.study}")
    assert [each.kind for each in entries] == ["studies.loaded"]


def test_the_sponsor_signs_the_units_once(trial):
    sora = trial.signing("sora", Role.SPONSOR)

    with pytest.raises(WrongSecret):
        studies.confirm_units(sora, study=trial.study, password="wrong password here")
    first = studies.confirm_units(sora, study=trial.study, password=PASSWORD).units_confirmed_at
    trial.clock.forward(days=1)
    again = studies.confirm_units(sora, study=trial.study, password=PASSWORD)

    assert first == START
    assert again.units_confirmed_at == first
    with pytest.raises(NotAllowed):
        studies.confirm_units(trial.ines, study=trial.study, password=PASSWORD)


def test_a_delegation_is_of_a_trained_person_and_ends(trial):
    clea = trial.signing("clea", Role.CLINICIAN)
    given = {"study": trial.study, "login": "clea", "role": Role.CLINICIAN}
    for trained, until in (
        (START + timedelta(days=1), START + timedelta(days=9)),
        (START, START),
        (START, START - timedelta(days=1)),
    ):
        with pytest.raises(BadInput):
            studies.delegate(trial.ines, trained_at=trained, valid_until=until, **given)
    studies.delegate(trial.ines, trained_at=START, valid_until=START + timedelta(days=9), **given)

    def delegated() -> list[str]:
        with db.reading() as session:
            study = studies.study_by_code(session, trial.study)
            return [each.role for each in studies.delegations(session, study.id, clea.person)]

    assert delegated() == ["clinician"]
    trial.clock.forward(days=9)
    assert delegated() == []


# Registration and identity


def test_numbers_follow_each_other_and_donors_have_their_own(trial):
    numbers = [trial.register(), trial.register(kind=SubjectKind.DONOR), trial.register()]

    prefix = numbers[0].rpartition("-")[0]
    assert numbers == [f"{prefix}-001", f"{prefix}-D001", f"{prefix}-002"]
    chains = {trial.her(each).chain_id for each in numbers}
    assert len(chains) == 3
    assert all(each.startswith("COI-") and len(each) == 12 for each in chains)


@pytest.mark.parametrize("born", [START.date(), START.date() + timedelta(days=1), date(1899, 1, 1)])
def test_a_birth_date_that_cannot_be_is_refused(trial, born):
    with pytest.raises(BadInput, match="birth date"):
        trial.register(birth_date=born)
    with pytest.raises(StudyUnknown):
        trial.register(study="NO-SUCH")


def test_a_name_stands_in_the_sealed_store_alone(trial):
    number = trial.register("Shirin Nobody")

    with db.reading() as session:
        kept = session.get(Identity, trial.her(number).id)
        entries = str([each.data for each in ledger.entries_of(session, f"participant/{number}")])
        rows = repr(tuple(session.execute(select(studies.Subject.__table__)).one()))
    assert b"Shirin" not in kept.name + kept.birth_date
    assert "Shirin" not in entries + rows
    assert "1994" not in entries + rows
    shown = studies.identity(trial.clea, number=number, purpose="at the bed")
    assert shown == {"name": "Shirin Nobody", "birth_date": "1994-05-08"}
    assert trial.kinds(number) == ["studies.registered", "studies.identity-seen"]
    with pytest.raises(NotAllowed):
        studies.identity(trial.sora, number=number, purpose="curious")


def test_an_erased_identity_opens_to_nobody(trial):
    number = trial.register()
    with db.transaction() as session:
        session.get(Identity, trial.her(number).id).wrapped_key = None
    with pytest.raises(Conflict, match="erased"):
        studies.identity(trial.clea, number=number, purpose="at the bed")


def test_a_second_band_needs_a_reason_and_cancels_the_first(trial):
    number = trial.register()
    first = studies.issue_wristband(trial.clea, number=number)

    with pytest.raises(BadInput, match="say why"):
        studies.issue_wristband(trial.clea, number=number)
    second = studies.issue_wristband(trial.clea, number=number, reason="wet")

    with db.reading() as session:
        live = studies.live_band(session, trial.her(number).id)
        old = studies.subject_by_band(session, first.code)
    assert live.code == second.code != first.code
    assert old[1].live is False


# Consent


def test_a_consent_names_what_it_covers(trial):
    number = trial.register()
    for covers in ([], ["everything"], [*COVERS, "resale"]):
        with pytest.raises(BadInput, match="must name what it covers"):
            trial.consent(number, covers=covers)
    with pytest.raises(BadInput, match="future"):
        trial.consent(number, signed_at=START + timedelta(minutes=1))
    trial.consent(number)
    assert trial.kinds(number) == ["studies.registered", "studies.consented"]


def test_the_newest_consent_is_the_one_in_force(trial):
    number = trial.register()
    trial.consent(number)
    trial.clock.forward(days=1)
    trial.consent(number, form_version="1.3", covers=["follow_up"])
    with db.reading() as session:
        now = studies.consent_in_force(session, trial.her(number).id)
        before = studies.consents(session, trial.her(number).id)
    assert (now.form_version, len(before)) == ("1.3", 2)


def withdraw(trial: Trial, number: str) -> studies.Consent:
    """She withdraws, and says what becomes of her material."""
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, trial.study))
    return studies.withdraw_consent(
        trial.clea, number=number, reason="asked", material=read.consent.withdrawal_choices[0]
    )


def test_whoever_withdrew_is_stopped_at_every_step(trial):
    number = trial.ready()
    with pytest.raises(BadInput, match="Choose what becomes"):
        studies.withdraw_consent(trial.clea, number=number, reason="asked", material="sell it")
    withdraw(trial, number)
    fields, judged = trial.answers(number)

    for step in (
        lambda: studies.sign_eligibility(
            trial.ines, number=number, fields=fields, judged=judged, password=PASSWORD
        ),
        lambda: studies.allocate(trial.ines, number=number),
    ):
        with pytest.raises(Withdrawn):
            step()
    with pytest.raises(ConsentMissing):
        withdraw(trial, number)
    assert trial.her(number).state is SubjectState.WITHDRAWN


# Eligibility


def test_eligibility_waits_for_consent_and_for_the_signature(trial):
    ines = trial.signing("ines", Role.INVESTIGATOR)
    number = trial.register()
    fields, judged = trial.answers(number)

    def sign(password: str = PASSWORD, **other) -> studies.Eligibility:
        given = {"fields": fields, "judged": judged, **other}
        return studies.sign_eligibility(ines, number=number, password=password, **given)

    with pytest.raises(ConsentMissing):
        sign()
    trial.consent(number)
    with pytest.raises(WrongSecret):
        sign("not her password")
    assert trial.her(number).state is SubjectState.SCREENING
    record = sign()
    assert record.signed_by == ines.person
    assert trial.her(number).state is SubjectState.ELIGIBLE
    assert trial.kinds(number)[-1] == "studies.eligible"


def test_every_single_criterion_that_is_not_met_keeps_her_out(trial):
    ines = trial.signing("ines", Role.INVESTIGATOR)
    number = trial.register()
    trial.consent(number)
    fields, judged = trial.answers(number)
    assert judged

    for name in judged:
        for said in (False, None):
            other = {**judged, name: said} if said is False else _without(judged, name)
            with pytest.raises(NotEligible, match=name):
                studies.sign_eligibility(
                    ines, number=number, fields=fields, judged=other, password=PASSWORD
                )
    refused = []
    for name in fields:
        try:
            with db.transaction() as session:
                studies.sign_eligibility(
                    ines, number=number, fields=_without(fields, name), judged=judged,
                    password=PASSWORD,
                )  # fmt: skip
                session.info["doomed"] = True  # not to be kept: only asked
        except NotEligible:
            refused.append(name)
        except RuntimeError:
            pass
    assert len(refused) > len(fields) // 2, "fields that no criterion asks for"
    assert trial.her(number).state is SubjectState.SCREENING
    assert "studies.eligible" not in trial.kinds(number)


def _without(values: dict, name: str) -> dict:
    return {key: each for key, each in values.items() if key != name}


# Allocation


def test_the_list_reveals_in_its_order_each_row_once(trial):
    studies.import_list(trial.sora, study=trial.study, content=LIST)
    numbers = [trial.ready(f"Woman {each}") for each in range(5)]

    arms = [studies.allocate(trial.ines, number=each).arm for each in numbers[:4]]

    assert arms == LIST.split()
    with pytest.raises(StepOutOfOrder, match="given once"):
        studies.allocate(trial.ines, number=numbers[0])
    with pytest.raises(ListExhausted):
        studies.allocate(trial.ines, number=numbers[4])
    with db.reading() as session:
        rows = session.scalars(select(AllocationRow).order_by(AllocationRow.position)).all()
    assert [each.subject_id for each in rows] == [trial.her(each).id for each in numbers[:4]]


def test_an_arm_is_revealed_after_consent_and_eligibility_and_never_chosen(trial):
    studies.import_list(trial.sora, study=trial.study, content=LIST)
    number = trial.register()

    with pytest.raises(ConsentMissing):
        studies.allocate(trial.ines, number=number)
    trial.consent(number)
    with pytest.raises(StepOutOfOrder, match="not signed"):
        studies.allocate(trial.ines, number=number)
    trial.eligible(number)
    with pytest.raises(BadInput, match="randomised"):
        studies.allocate(trial.ines, number=number, arm="IRCT-CTL", ground="she asked")
    with pytest.raises(NotAllowed):
        studies.allocate(trial.clea, number=number)
    assert trial.her(number).arm is None
    with db.reading() as session:
        assert not session.scalars(
            select(AllocationRow).where(AllocationRow.subject_id.is_not(None))
        ).all()


def test_two_reveals_at_once_take_two_rows(trial):
    chance = Random(SEED)
    blocks = [chance.sample(LIST.split(), 4) for _each in range(4)]
    arms = [arm for block in blocks for arm in block]
    studies.import_list(trial.sora, study=trial.study, content="\n".join(arms))
    numbers = [trial.ready(f"Woman {each}") for each in range(16)]

    answers = bench.race(
        [
            lambda number=number: bench.once(trial.ines, studies.allocate, number=number)
            for number in numbers
        ]
    )

    assert [each for each in answers if isinstance(each, Exception)] == []
    with db.reading() as session:
        rows = session.scalars(select(AllocationRow).order_by(AllocationRow.position)).all()
        by_id = {trial.her(each).id: trial.her(each).arm for each in numbers}
    assert len({each.subject_id for each in rows}) == 16
    assert [by_id[each.subject_id] for each in rows] == arms


def test_one_woman_asked_for_twice_at_once_takes_one_row(trial):
    studies.import_list(trial.sora, study=trial.study, content=LIST)
    number = trial.ready()

    answers = bench.race(
        [lambda: bench.once(trial.ines, studies.allocate, number=number) for _each in range(8)]
    )

    assert sum(isinstance(each, StepOutOfOrder) for each in answers) == 7
    with db.reading() as session:
        taken = session.scalars(
            select(AllocationRow.position).where(AllocationRow.subject_id.is_not(None))
        ).all()
    assert taken == [1]


@pytest.mark.parametrize(
    "content",
    ["", "\n\n", "IRCT-EXO\nIRCT-CTL\nIRCT-EXO\n", LIST + "IRCT-XXX\n" * 4, LIST.lower()],
    ids=["empty", "blank", "half a block", "no such arm", "lower case"],
)
def test_a_list_that_is_not_the_studys_is_refused(trial, content):
    with pytest.raises(BadInput):
        studies.import_list(trial.sora, study=trial.study, content=content)
    with db.reading() as session:
        assert session.scalar(select(AllocationRow)) is None


def test_a_list_with_blocks_out_of_balance_is_refused(trial):
    with pytest.raises(BadInput):
        studies.import_list(trial.sora, study=trial.study, content="IRCT-EXO\n" * 8)


def test_a_list_is_imported_once_and_sealed(trial):
    studies.import_list(trial.sora, study=trial.study, content=LIST)

    with pytest.raises(StepOutOfOrder, match="imported once"):
        studies.import_list(trial.sora, study=trial.study, content=LIST)
    with db.reading() as session:
        rows = session.scalars(select(AllocationRow)).all()
        entries = str([each.data for each in ledger.entries_of(session, f"study/{trial.study}")])
    assert len(rows) == 4
    assert not any(b"IRCT" in each.sealed_arm for each in rows)
    assert "IRCT-CTL" not in entries


def test_a_further_list_goes_on_behind_the_first(trial):
    further = "IRCT-CTL\nIRCT-EXO\nIRCT-CTL\nIRCT-EXO\n"
    for content in (LIST, further):
        studies.import_list(trial.sora, study=trial.study, content=content)
    numbers = [trial.ready(f"Woman {each}") for each in range(8)]

    arms = [studies.allocate(trial.ines, number=each).arm for each in numbers]

    assert arms == (LIST + further).split()


def test_where_the_trial_assigns_an_arm_needs_its_ground(trial):
    trial.study = trial.load(BANKED).code
    number = trial.register()
    trial.consent(number, covers=["allocation", "administration", "follow_up"])
    trial.eligible(number)

    for arm, ground in (("TD-ME", ""), ("TD-ME", "  "), ("", "by order"), ("TD-XX", "by order")):
        with pytest.raises((BadInput, NotFound, Conflict)):
            studies.allocate(trial.ines, number=number, arm=arm, ground=ground)
    given = studies.allocate(trial.ines, number=number, arm="TD-ME", ground="next in order")
    assert (given.arm, given.allocation_ground) == ("TD-ME", "next in order")
    with pytest.raises(BadInput):
        studies.import_list(trial.sora, study=trial.study, content="TD-ME\nTD-CONV\nTD-PRP\n")


# Dates


def test_a_new_plan_replaces_the_old_and_is_confirmed_anew(trial):
    number = trial.register()
    with pytest.raises(StepOutOfOrder):
        studies.confirm_transfer(trial.clea, number=number)
    first = START + timedelta(days=10)
    studies.plan_transfer(trial.clea, number=number, planned_at=first, zone="Asia/Tehran")
    studies.confirm_transfer(trial.clea, number=number)
    trial.clock.forward(hours=1)
    studies.plan_transfer(
        trial.clea, number=number, planned_at=first + timedelta(days=1), zone="Asia/Tehran"
    )

    with db.reading() as session:
        plan = studies.transfer_plan(session, trial.her(number).id)
    assert plan.planned_at == first + timedelta(days=1)
    assert plan.confirmed_at is None
    for planned, zone in ((trial.clock(), "Asia/Tehran"), (first, "Tehran"), (first, "../x")):
        with pytest.raises(BadInput):
            studies.plan_transfer(trial.clea, number=number, planned_at=planned, zone=zone)
    with pytest.raises(BadInput, match="future"):
        studies.record_transfer(trial.clea, number=number, done_at=first)
    studies.record_transfer(trial.clea, number=number, done_at=trial.clock())
    with pytest.raises(StepOutOfOrder):
        studies.record_transfer(trial.clea, number=number, done_at=trial.clock())


def test_the_first_day_of_a_cycle_is_a_day_of_the_site_and_not_of_tomorrow(trial):
    number = trial.register()
    # 22:00 in UTC is the next day already in Shanghai, and still today in Tehran's evening no more.
    trial.clock.set(START.replace(hour=20))
    today = START.date()
    given = {"number": number, "source": "natural"}
    for day, zone in (
        (today + timedelta(days=1), "UTC"),
        (today + timedelta(days=2), "Asia/Shanghai"),
    ):
        with pytest.raises(BadInput, match="future"):
            studies.record_cycle_day_one(trial.clea, day=day, zone=zone, **given)
    studies.record_cycle_day_one(
        trial.clea, day=today + timedelta(days=1), zone="Asia/Shanghai", **given
    )
    with pytest.raises(BadInput, match="known from"):
        studies.record_cycle_day_one(
            trial.clea, number=number, day=today, zone="UTC", source="guessed"
        )
    with db.reading() as session:
        kept = studies.cycle_day_one(session, trial.her(number).id)
    assert kept.day == today + timedelta(days=1)


def test_leave_to_differ_needs_two_persons_and_two_accounts_are_not_two(trial):
    ines, ivan = (trial.signing(each, Role.INVESTIGATOR) for each in ("ines", "ivan"))
    account = people.add_user(
        OPERATOR, login="ines2", roles=[Role.INVESTIGATOR], password=PASSWORD, person="ines"
    )
    again = Actor(account.person_id, account.id, "Ines", frozenset({Role.INVESTIGATOR}))
    number = trial.register()

    def leave(session: db.Session) -> object:
        return studies.override(session, trial.her(number).id, "B21")

    with pytest.raises(BadInput):
        studies.override_window(
            ines, number=number, check_id="B07", deviation="late", password=PASSWORD
        )
    with pytest.raises(BadInput):
        studies.override_window(
            ines, number=number, check_id="B21", deviation=" ", password=PASSWORD
        )
    with pytest.raises(StepOutOfOrder):
        studies.second_override(ivan, number=number, check_id="B21", password=PASSWORD)
    studies.override_window(
        ines, number=number, check_id="B21", deviation="train was late", password=PASSWORD
    )
    for same in (ines, again):
        with pytest.raises(StepOutOfOrder, match="another person"):
            studies.second_override(same, number=number, check_id="B21", password=PASSWORD)
    with db.reading() as session:
        assert leave(session) is None, "one signature is no leave"
    with pytest.raises(WrongSecret):
        studies.second_override(ivan, number=number, check_id="B21", password="not his password")
    studies.second_override(ivan, number=number, check_id="B21", password=PASSWORD)
    with db.reading() as session:
        given = leave(session)
        assert studies.override(session, trial.her(number).id, "B22") is None
    assert (given.signed_by, given.seconded_by) == (ines.person, ivan.person)
