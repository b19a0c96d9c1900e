"""The label tasks: named as the services name them, and safe to run twice in a row."""

from uuid import uuid4

import pytest

from lims import labels
from lims.core import codes, db, queue
from lims.labels import RequestState
from tests.approved import put_in_force
from workers.labels import print_job, sweep, work


@pytest.fixture(autouse=True)
def label_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))


def test_the_tasks_carry_the_names_that_services_send_to():
    names = {"labels.print", "labels.work", "labels.sweep"}
    assert {print_job.name, work.name, sweep.name} == names <= queue.TASKS


def test_a_label_printed_twice_in_a_row_is_drawn_once(database, technician):
    put_in_force()
    asked = labels.request(
        technician,
        template="place_50x20",
        code=codes.draw("A"),
        fields={"name": "Freezer F1"},
    )

    print_job.run(str(asked.job))
    print_job.run(str(asked.job))
    sweep.run()
    sweep.run()

    with db.reading() as session:
        assert labels.request_by_id(session, asked.id).state is RequestState.DRAWN
        assert len(labels.drawn_files(session)) == 1


def test_a_job_or_printer_that_is_not_there_gives_nothing_to_do(database):
    print_job.run("4711")
    work.run(str(uuid4()))


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
    assert sent == [("labels.print", asked.job)]

    def fails_later():
        with db.transaction():
            labels.reprint(technician, code=code, reason="smudged")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fails_later()
    assert len(sent) == 1
    with db.reading() as session:
        assert labels.live_copy(session, code) == 1
