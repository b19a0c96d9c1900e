"""Versions of label designs: two persons, what goes on printing, what is kept for ever (H13)."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from lims import labels, ledger
from lims.core import codes, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import WORKER, Role
from lims.labels import RequestState, designs, files, layout, printing
from lims.labels.errors import DesignDecided, FieldWrong, NoTemplate, OwnDesign, TemplateWrong
from lims.labels.models import DesignState, LabelDesign
from tests.approved import SIGNED
from tests.custody.bench import race
from tests.makers import actor

PLACE = "place_50x20"


@pytest.fixture(autouse=True)
def label_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))


@pytest.fixture
def officers():
    return actor(Role.QC_OFFICER, name="Quin"), actor(Role.QC_OFFICER, name="Rosa")


@pytest.fixture
def changed(monkeypatch):
    """Deploys another text of a label's file, as an upgrade or an editor does."""
    real = layout.load

    def deploy(source: str, name: str = PLACE):
        other = layout.read(name, source)
        for module in (designs, labels.services, layout):
            monkeypatch.setattr(module, "load", lambda n: other if n == name else real(n))
        return other

    return deploy


def standing(name: str = PLACE) -> labels.DesignStanding:
    with db.reading() as session:
        return labels.design_standing(session, name)


def sign(who, name: str = PLACE):
    return labels.approve_design(
        who, template=name, digest=standing(name).deployed.digest, signature=SIGNED
    )


def ask(technician, **fields):
    return labels.request(
        technician, template=PLACE, code=codes.draw("A"), fields={"name": "Freezer F1", **fields}
    )


def fresh(asked):
    with db.reading() as session:
        return labels.request_by_id(session, asked.id)


def verified():
    with db.reading() as session:
        return ledger.verify(session)


def test_H13_a_label_waits_until_two_different_persons_have_approved_its_design(
    database, technician, officers, measured
):
    quin, rosa = officers
    asked = ask(technician)
    states = []

    def look():
        labels.print_job(WORKER, asked.job)
        states.append((fresh(asked).state, fresh(asked).design_id is not None))

    look()
    sign(quin)
    look()
    with pytest.raises(OwnDesign):
        sign(quin)
    # Another account of the same person is the same person.
    with pytest.raises(OwnDesign):
        sign(replace(quin, account=uuid4()))
    look()
    sign(rosa)
    look()

    waiting, drawn = (RequestState.WAITING, False), (RequestState.DRAWN, True)
    wrong = sum(each != due for each, due in zip(states, [waiting] * 3 + [drawn], strict=True))
    measured("H13", trials=4, failures=wrong, how="approvals")
    assert states == [waiting, waiting, waiting, drawn]
    kinds = [
        each.kind
        for stream in (f"label-design/{PLACE}", labels.stream(asked.code))
        for each in entries(stream)
    ]
    assert kinds == [
        "labels.design-proposed", "labels.design-approved", "labels.requested",
        "labels.design-given", "labels.drawn",
    ]  # fmt: skip
    assert verified().ok


def entries(stream):
    with db.reading() as session:
        return ledger.entries_of(session, stream)


def test_only_a_quality_control_officer_decides_about_a_design(database):
    for role in Role:
        if role is not Role.QC_OFFICER:
            with pytest.raises(NotAllowed):
                labels.approve_designs(actor(role), signature=SIGNED)
            with pytest.raises(NotAllowed):
                sign(actor(role))


def test_all_that_ship_are_approved_by_one_act_of_each_of_two_persons(database, officers):
    quin, rosa = officers
    assert {each.state.value for each in labels.approve_designs(quin, signature=SIGNED)} == {
        "proposed"
    }
    with pytest.raises(BadInput):
        labels.approve_designs(quin, signature=SIGNED)
    decided = labels.approve_designs(rosa, signature=SIGNED)
    assert [each.template for each in decided] == layout.names()
    assert {each.state.value for each in decided} == {"approved"}
    with db.reading() as session:
        assert not [each for each in labels.design_standings(session) if each.state != "approved"]


def test_H13_of_officers_who_sign_at_once_one_proposes_and_one_puts_in_force(database, measured):
    names, wrong = layout.names(), []
    for name in names:
        officers = [actor(Role.QC_OFFICER, name=f"Officer {each}") for each in range(6)]
        answers = race([lambda who=who, name=name: sign(who, name) for who in officers])

        refused = [each for each in answers if isinstance(each, Exception)]
        signed, now = len(answers) - len(refused), standing(name)
        row = now.approved or now.known
        right = (
            all(isinstance(each, DesignDecided) for each in refused)
            and signed == {"proposed": 1, "approved": 2}[now.state]
            and row.proposed_by != row.decided_by
        )
        if not right:
            wrong.append((name, now.state, answers))

    measured("H13", trials=len(names), failures=len(wrong), how="at once")
    assert wrong == []
    assert verified().ok


def test_H13_a_changed_file_waits_and_the_version_before_goes_on_printing_byte_for_byte(
    database, technician, officers, changed, measured
):
    quin, rosa = officers
    sign(quin)
    sign(rosa)
    first = ask(technician)
    labels.print_job(WORKER, first.job)
    before = redrawn(first)
    source = standing().approved.source

    other = changed(source + "\n# moved\n")
    assert (standing().state, standing().approved.number) == ("waiting", 1)
    second = ask(technician)
    labels.print_job(WORKER, second.job)
    assert fresh(second).design_id == fresh(first).design_id

    sign(rosa)
    third = ask(technician)
    assert third.design_id == first.design_id
    sign(quin)
    assert (standing().state, standing().approved.number) == ("approved", 2)
    fourth = ask(technician)
    labels.print_job(WORKER, fourth.job)
    with db.reading() as session:
        newest = session.get(LabelDesign, fresh(fourth).design_id)
    same = redrawn(first) == before
    measured("H13", trials=2, failures=int(not same), how="redrawn after another was approved")
    assert newest.digest == other.digest
    assert same
    row = fresh(first)
    kept = designs.of_request(row)
    again = labels.render(printing._content(row, kept), "zpl", template=kept).bytes
    printed = files.paths(first.code, 1)[1].read_bytes()
    assert again == printed
    # What is looked at differs from what was printed by its copy alone.
    assert codes.symbol(first.code, 0).encode() in before["zpl"]
    assert codes.symbol(first.code, 0).encode() not in printed
    assert {each.state for each in standing().history} == {
        DesignState.APPROVED, DesignState.SUPERSEDED,
    }  # fmt: skip
    assert verified().ok


def redrawn(asked):
    return {
        kind: labels.redraw(WORKER, request_id=asked.id, format=kind).bytes
        for kind in ("png", "zpl", "svg")
    }


def test_a_rejected_version_is_not_printed_and_may_be_proposed_again(
    database, officers, technician
):
    quin, rosa = officers
    sign(quin)
    digest = standing().deployed.digest
    with pytest.raises(BadInput):
        labels.reject_design(rosa, template=PLACE, digest=digest, reason=" ", signature=SIGNED)
    labels.reject_design(
        rosa, template=PLACE, digest=digest, reason="the code is too small", signature=SIGNED
    )
    assert standing().state == "rejected"
    assert PLACE not in [each.template for each in labels.approve_designs(rosa, signature=SIGNED)]
    with pytest.raises(DesignDecided):
        labels.reject_design(quin, template=PLACE, digest=digest, reason="no", signature=SIGNED)
    asked = ask(technician)
    labels.print_job(WORKER, asked.job)
    assert fresh(asked).state is RequestState.WAITING
    sign(rosa)
    sign(quin)
    assert standing().state == "approved"
    with pytest.raises(DesignDecided):
        sign(rosa)
    assert verified().ok


def test_what_was_looked_at_is_what_is_signed(database, officers):
    with pytest.raises(DesignDecided):
        labels.approve_design(officers[0], template=PLACE, digest="0" * 64, signature=SIGNED)
    with pytest.raises(NoTemplate):
        labels.approve_design(officers[0], template="../x", digest="0" * 64, signature=SIGNED)


def test_an_upgrade_that_brings_a_field_prints_by_the_old_design_or_waits(
    database, technician, officers, changed
):
    quin, rosa = officers
    old = standing().deployed.source
    sign(quin)
    sign(rosa)
    optional = '[[text]]\nfield = "room"\n{}at_mm = [2, 17]\nsize_pt = 5\n\n[example]\nroom = "R1"'
    changed(old.replace("[example]", optional.format("optional = true\n")))
    with pytest.raises(FieldWrong):
        ask(technician, rooms="R1")
    # The old design has no place for it: printed where it says nothing, and waits where it does.
    silent, says = ask(technician, room=""), ask(technician, room="R1")
    for each in (silent, says):
        labels.print_job(WORKER, each.job)
    assert fresh(silent).state is RequestState.DRAWN
    assert (fresh(says).state, fresh(says).error) == (RequestState.WAITING, "design")
    sign(quin)
    sign(rosa)
    labels.print_job(WORKER, says.job)
    assert (fresh(says).state, fresh(says).error) == (RequestState.DRAWN, None)
    assert fresh(says).design_id == standing().approved.id
    assert verified().ok


def test_a_smudged_label_is_printed_again_by_its_own_design_where_the_new_one_asks_more(
    database, technician, officers, changed
):
    quin, rosa = officers
    old = standing().deployed.source
    sign(quin)
    sign(rosa)
    first = ask(technician)
    labels.print_job(WORKER, first.job)
    more = '[[text]]\nfield = "room"\nat_mm = [2, 17]\nsize_pt = 5\n\n[example]\nroom = "R1"'
    changed(old.replace("[example]", more))
    sign(rosa)
    sign(quin)
    again = labels.reprint(technician, code=first.code, reason="smudged")
    labels.print_job(WORKER, again.job)
    assert (fresh(again).state, again.design_id) == (RequestState.DRAWN, first.design_id)


def test_the_database_itself_wants_two_persons_and_one_version_in_force(database, officers):
    quin, _rosa = officers
    row = sign(quin)
    for values in (
        {"state": DesignState.APPROVED, "decided_by": quin.person},
        {"state": DesignState.APPROVED, "decided_by": None},
    ):
        with pytest.raises(IntegrityError), db.transaction() as session:
            session.execute(update(LabelDesign).where(LabelDesign.id == row.id).values(**values))


def test_an_edited_description_is_found_by_verify_and_prints_nothing(
    database, technician, officers
):
    quin, rosa = officers
    sign(quin)
    sign(rosa)
    asked = ask(technician)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE labels_design SET source = source || ' '"))
    designs._known.clear()
    with pytest.raises(TemplateWrong):
        labels.redraw(WORKER, request_id=asked.id)
    found = verified()
    assert not found.ok
    assert "labels_design" in " ".join(str(each) for each in found.breaks)
