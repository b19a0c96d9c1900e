"""Whoever can write to the broker can wake a worker, and nothing more (H43)."""

import base64
import json
import pickle
import random
import subprocess
from uuid import uuid4

import pytest
import redis
from sqlalchemy import func, select

from lims.core import db, queue
from lims.core.acts import Act
from lims.labels import RequestState
from lims.labels.models import LabelRequest
from lims.ledger.models import LedgerEntry
from tests.conftest import SOAK
from tests.services_here import until
from tests.workers.test_workers import Worker, ask_for_labels, broker, database, drawn, home
from workers import app as celery_app

__all__ = ["broker", "database", "home"]
QUEUE = "lims"


class Bomb:
    """Runs a command where anybody unpickles it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (str(self.marker), "w"))


def forged(rng, marker):
    """A message that no process of ours would send."""
    bomb = pickle.dumps(Bomb(marker))
    names = [*sorted(queue.TASKS), "os.system", "celery.backend_cleanup", "builtins.eval", "", "x"]
    arguments = [
        [str(uuid4())], ["0"], ["-1"], ["9" * 30], ["1; DROP TABLE labels_request"], [None], [{}],
        [[]], ["../../etc/passwd"], [True], [1.5], ["1", "2"], [{"__type__": "datetime"}], [],
        [{"__type__": "decimal", "__value__": "1"}], ["\x00"], ["a" * 100_000],
    ]  # fmt: skip
    kind = rng.choice(["json", "pickle", "yaml", "msgpack", "application/x-python-serialize"])
    body = (
        bomb if kind != "json"
        else json.dumps([rng.choice(arguments), {}, {}]).encode()
    )  # fmt: skip
    if kind == "json" and rng.random() < 0.2:
        body = rng.choice([b"", b"[", b"null", b'{"a": 1}', b"[[], {}, {}", bomb])
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": rng.choice(["utf-8", "binary"]),
            "content-type": f"application/{kind}" if "/" not in kind else kind,
            "headers": {
                "lang": "py", "task": rng.choice(names), "id": str(uuid4()), "root_id": None,
                "argsrepr": "", "kwargsrepr": "", "retries": 0, "timelimit": [None, None],
            },
            "properties": {
                "correlation_id": str(uuid4()), "reply_to": str(uuid4()), "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE}, "priority": 0,
                "body_encoding": "base64", "delivery_tag": str(uuid4()),
            },
        }
    )  # fmt: skip


def standing():
    """What an unwanted effect would change."""
    with db.reading() as session:
        return (
            session.scalar(select(func.count()).select_from(LedgerEntry)),
            session.scalar(select(func.count()).select_from(Act)),
            sorted(session.scalars(select(LabelRequest.state))),
        )


@pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if SOAK else ["sqlite"], indirect=True
)
def test_H43_forged_messages_have_no_effect(database, database_url, broker, tmp_path, measured):
    rng, count = random.Random(20261127), 1000 if SOAK else 120
    marker = tmp_path / "exploded"
    queue.use(celery_app.configure(broker))
    client = redis.from_url(broker)
    with Worker(database_url, broker, beat=False, stderr=subprocess.DEVNULL) as worker:
        (first,) = ask_for_labels(1)
        assert until(lambda: drawn([first]))
        before = standing()
        for _each in range(count):
            client.lpush(QUEUE, forged(rng, marker))
        assert until(lambda: client.llen(QUEUE) == 0, 600 if SOAK else 120)
        rows = ask_for_labels(3)
        # The worker is still there and does what is asked in earnest.
        assert until(lambda: drawn(rows), 120)
        assert worker.process.poll() is None
    entries, acts, states = standing()
    changed = (entries - before[0] - 6, acts - before[1], len(states) - len(before[2]) - 3)
    effects = sum(abs(each) for each in changed) + marker.exists()
    measured("H43", trials=count, failures=effects, seed=20261127)
    assert not marker.exists()
    assert changed == (0, 0, 0)
    assert set(states) == {RequestState.DRAWN}
    client.close()
