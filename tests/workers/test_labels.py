"""The label tasks: named as the services name them, and safe to run twice in a row."""

from uuid import uuid4

import pytest

from lims import labels
from lims.core import codes, db, queue
from lims.labels import RequestState
from workers.labels import print_label, sweep


@pytest.fixture(autouse=True)
def label_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))


def test_the_tasks_carry_the_names_that_services_send_to():
    assert {print_label.name, sweep.name} == {"labels.print", "labels.sweep"} <= queue.TASKS


def test_a_label_printed_twice_in_a_row_is_drawn_once(database, technician):
    asked = labels.request(
        technician,
        template="place_50x20",
        code=codes.draw("A"),
        fields={"name": "Freezer F1"},
    )

    print_label.run(str(asked.id))
    print_label.run(str(asked.id))
    sweep.run()
    sweep.run()

    with db.reading() as session:
        assert labels.request_by_id(session, asked.id).state is RequestState.DRAWN
        assert len(labels.drawn_files(session)) == 1


def test_a_request_that_is_not_there_is_refused(database):
    with pytest.raises(labels.NoRequest):
        print_label.run(str(uuid4()))


def test_the_act_nudges_the_worker_once_and_only_after_its_commit(
    database, technician, monkeypatch
):
    sent = []
    monkeypatch.setattr(queue, "send", lambda name, row: sent.append((name, row)))
    code = codes.draw("A")
    with db.transaction():
        asked = labels.request(
            technician, template="place_50x20", code=code, fields={"name": "Freezer F1"}
        )
        assert sent == []
    assert sent == [("labels.print", asked.id)]

    def fails_later():
        with db.transaction():
            labels.reprint(technician, code=code, reason="smudged")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fails_later()
    assert len(sent) == 1
    with db.reading() as session:
        assert labels.live_copy(session, code) == 1
