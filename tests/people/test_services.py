"""Accounts, badges, roles, tokens; and who may touch them (H56)."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from lims import ledger, people
from lims.core import clock, codes, db, mode
from lims.core.errors import BadInput, Conflict, NotAllowed, NotFound
from lims.core.permissions import PERMISSIONS, Actor, Role, allowed
from lims.people.models import Account, Badge
from tests.makers import actor as make_actor

PASSWORD = "amber kettle walks north"
OPERATOR = Actor(None, None, "operator:test", frozenset({Role.OPERATOR}))


def add(login="mina", *roles, **given):
    return people.add_user(
        OPERATOR,
        login=login,
        **{"name": login.title(), "password": PASSWORD, "pin": "4071", **given},
        roles=roles or (Role.TECHNICIAN,),
    )


def entries(account):
    with db.reading() as session:
        return ledger.entries_of(session, f"person/{account.person_id}")


def verified():
    with db.reading() as session:
        return ledger.verify(session).breaks


def test_every_administrative_act_is_one_entry_and_the_tables_follow_from_them(database):
    account = add()
    people.set_roles(OPERATOR, "mina", [Role.AUDITOR, Role.ANALYST])
    people.set_roles(OPERATOR, "mina", [Role.ANALYST, Role.AUDITOR])  # the same: no entry
    people.replace_badge(OPERATOR, "mina")
    token = people.create_token(OPERATOR, "mina", 30)
    actor, _sign_in = people.sign_in("mina", PASSWORD)
    people.change_password(actor, password=PASSWORD, new="violet tram sings low")
    people.revoke_token(OPERATOR, token)
    people.create_token(OPERATOR, "mina", 30)
    people.disable(OPERATOR, "mina")

    written = entries(account)

    assert [each.kind for each in written] == [
        "people.account_opened",
        "people.roles_set",
        "people.badge_replaced",
        "people.token_made",
        "people.secret_changed",
        "people.token_revoked",
        "people.token_made",
        "people.account_closed",
    ]
    assert verified() == []
    kept = str([(each.data, each.rows) for each in written])
    assert "argon2" not in kept
    assert token not in kept
    assert PASSWORD not in kept


def test_a_row_changed_by_hand_is_found(database):
    add()
    with database.engine.begin() as connection:
        connection.execute(update(Account).values(roles=["administrator"]))
    assert [each.what for each in verified() if "roles" in each.what]


def test_one_person_with_two_accounts_is_one_person(database):
    first = add("mina", Role.TECHNICIAN)
    second = people.add_user(
        OPERATOR,
        login="mina.qc",
        roles=[Role.QC_OFFICER],
        password="violet tram sings low",
        person="mina",
    )

    one, _token = people.sign_in("mina", PASSWORD)
    two, _token = people.sign_in("mina.qc", "violet tram sings low")

    assert first.person_id == second.person_id == one.person == two.person
    assert one.account != two.account
    assert (one.label, one.name) == (two.label, two.name)
    assert {each.kind for each in entries(first)} == {"people.account_opened"}
    with pytest.raises(Conflict):
        people.add_user(
            OPERATOR, login="m3", name="Sara", roles=["analyst"], password=PASSWORD, person="mina"
        )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"login": "a"}, "login"),
        ({"login": "has space"}, "login"),
        ({"login": "x\x00y"}, "login"),
        ({"name": " "}, "name"),
        ({"name": "a\x07"}, "name"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"roles": [Role.OPERATOR]}, "roles"),
        ({"roles": [Role.SYSTEM]}, "roles"),
        ({"password": "short"}, "password"),
        ({"password": "mina12345"}, "password"),
        ({"password": "mina123456"}, "password"),
        ({"pin": "12"}, "pin"),
        ({"pin": "1111"}, "pin"),
        ({"pin": "12a4"}, "pin"),
    ],
)
def test_what_cannot_be_is_refused_by_field(database, given, field):
    good = {"login": "mina", "name": "Mina", "roles": ["analyst"], "password": PASSWORD}
    with pytest.raises(BadInput) as refused:
        people.add_user(OPERATOR, **{**good, **given})
    assert refused.value.field == field
    with db.reading() as session:
        assert people.users(session) == []


def test_a_name_is_given_once(database):
    add("mina")
    with pytest.raises(people.LoginTaken):
        add("MINA")


def test_a_badge_code_that_is_taken_is_drawn_again(database, monkeypatch):
    mina = add("mina")
    with db.reading() as session:
        first = people.badge_of(session, mina.id)
    drawn = iter([first, first, "P234567HT" if codes.valid("P234567HT") else codes.draw("P")])
    monkeypatch.setattr("lims.people.services.codes.draw", lambda *_a, **_k: next(drawn))

    second = add("sara")

    with db.reading() as session:
        assert people.badge_of(session, second.id) != first
        assert people.by_badge(session, first).login == "mina"
    assert list(drawn) == []
    assert verified() == []


def test_a_replaced_badge_is_dead_and_an_account_has_one_live_badge(database):
    account = add()
    with db.reading() as session:
        old = people.badge_of(session, account.id)
    _actor, token = people.sign_in_badge(old, "4071", "bench-1")

    new = people.replace_badge(OPERATOR, "mina")

    assert people.actor_by_sign_in(token) is None
    with db.reading() as session:
        assert people.by_badge(session, new).id == account.id
        with pytest.raises(NotFound):
            people.by_badge(session, old)
        live = session.scalars(select(Badge.code).where(Badge.live)).all()
    assert live == [new]
    with pytest.raises(people.WrongSecret):
        people.sign_in_badge(old, "4071", "bench-1")


def test_practice_databases_draw_practice_badges_and_only_there_is_an_actor_made_by_name(database):
    add("live.one")
    with pytest.raises(NotAllowed):
        people.actor_for("live.one")
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    account = add("mina", Role.ANALYST)
    with db.reading() as session:
        code = people.badge_of(session, account.id)
    assert code.startswith("PZ")
    assert people.actor_for("mina").person == account.person_id


def test_a_token_speaks_for_its_owner_until_it_expires_or_is_revoked(database):
    account = add("mina", Role.ANALYST)
    still = clock.SetClock(datetime(2026, 5, 8, 10, tzinfo=UTC))
    with clock.running(still):
        one = people.create_token(OPERATOR, "mina", 2)
        two = people.create_token(OPERATOR, "mina", 2)
        actor = people.actor_by_token(one)
        assert (actor.person, actor.signed_in_by) == (account.person_id, "token")
        assert actor.roles == {Role.ANALYST}

        people.revoke_token(OPERATOR, one)
        assert people.actor_by_token(one) is None
        assert people.actor_by_token(two)
        people.revoke_token(OPERATOR, one)  # stays so

        still.forward(days=2)
        assert people.actor_by_token(two) is None
        three = people.create_token(OPERATOR, "mina", 1)
        people.disable(OPERATOR, "mina")
        assert people.actor_by_token(three) is None
    assert people.actor_by_token("") is None
    assert people.actor_by_token("lims_\x00\ud800") is None
    with pytest.raises(NotFound):
        people.revoke_token(OPERATOR, "lims_none")
    with pytest.raises(Conflict):
        people.create_token(OPERATOR, "mina", 1)
    for days in (0, -1, 367):
        with pytest.raises(BadInput):
            people.create_token(OPERATOR, "mina", days)


# Who may; what is not in the table is refused. `token` and `secret` are for one's own account.
TRUTH = {
    "people.account.add": {Role.ADMINISTRATOR, Role.OPERATOR},
    "people.account.disable": {Role.ADMINISTRATOR, Role.OPERATOR},
    "people.account.roles": {Role.ADMINISTRATOR, Role.OPERATOR},
    "people.badge.replace": {Role.ADMINISTRATOR, Role.OPERATOR},
    "people.badge.print": {Role.ADMINISTRATOR, Role.OPERATOR},
    "people.token.create": set(Role) - {Role.SYSTEM, Role.AGENT},
    "people.account.secret": set(Role) - {Role.SYSTEM, Role.OPERATOR, Role.AGENT},
}


def test_the_truth_table_of_permissions_names_every_one_of_them():
    mine = {name for name in PERMISSIONS if name.startswith("people.")}
    assert mine == set(TRUTH)
    for name, wanted in TRUTH.items():
        granted = {role for role in Role if allowed(make_actor(role), PERMISSIONS[name])}
        assert granted == wanted, name


@pytest.mark.parametrize("role", sorted(Role))
def test_H56_services_ask_and_nobody_makes_anothers_token(database, role, measured):
    add("mina")
    somebody = OPERATOR if role is Role.OPERATOR else make_actor(role)
    acts = {
        "people.account.add": lambda: people.add_user(
            somebody, login="new", name="New", roles=["analyst"], password=PASSWORD
        ),
        "people.account.roles": lambda: people.set_roles(somebody, "mina", ["auditor"]),
        "people.badge.replace": lambda: people.replace_badge(somebody, "mina"),
        "people.badge.print": lambda: people.print_badge(somebody, "mina"),
        "people.token.create": lambda: people.create_token(somebody, "mina", 1),
        "people.account.disable": lambda: people.disable(somebody, "mina"),
    }
    wrong = []
    for name, act in acts.items():
        may = role in TRUTH[name]
        if name == "people.token.create":
            may = role is Role.OPERATOR  # mina's token: hers, or the console's
        try:
            act()
            did = True
        except NotAllowed:
            did = False
        if did is not may:
            wrong.append(name)
    measured("H56", trials=len(acts), failures=len(wrong), role=role.value)
    assert wrong == []


def test_H56_nobody_gives_herself_roles_or_accounts(database):
    add("root", Role.ADMINISTRATOR)
    admin, _token = people.sign_in("root", PASSWORD)
    with pytest.raises(NotAllowed):
        people.set_roles(admin, "root", [Role.ADMINISTRATOR, Role.QC_OFFICER])
    with pytest.raises(NotAllowed):
        people.add_user(
            admin, login="root2", roles=["qc_officer"], password=PASSWORD, person="root"
        )
    assert people.actor_by_token(people.create_token(admin, "root", 1)).person == admin.person


def test_a_changed_password_ends_what_was_open_and_the_old_one(database):
    add()
    actor, token = people.sign_in("mina", PASSWORD)
    with pytest.raises(people.WrongSecret):
        people.change_password(actor, password="wrong wrong wrong", new="violet tram sings low")
    people.change_password(actor, password=PASSWORD, new="violet tram sings low", pin="9182")
    assert people.actor_by_sign_in(token) is None
    with pytest.raises(people.WrongSecret):
        people.sign_in("mina", PASSWORD)
    assert people.sign_in("mina", "violet tram sings low")
    assert verified() == []


def test_closing_twice_and_closing_nobody_are_refused(database):
    add()
    people.disable(OPERATOR, "mina")
    with pytest.raises(Conflict):
        people.disable(OPERATOR, "mina")
    with pytest.raises(people.NoSuchUser):
        people.disable(OPERATOR, "nobody")
    with db.reading() as session:
        (row,) = people.users(session)
        assert row["badge"] is None
        assert row["disabled_at"] is not None


def test_a_person_is_named_and_a_machine_keeps_its_word(database):
    account = add()
    with db.reading() as session:
        assert people.name_of(session, account.person_id) == "Mina"
        assert people.name_of(session, str(account.person_id)) == "Mina"
        assert people.name_of(session, "operator:anna") == "operator:anna"
