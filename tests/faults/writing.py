"""A process that writes while its file calls fail: `python -m tests.faults.writing URL CODE …`.

It says each key on standard output before it asks, and each answer after it; the test that started
it under a tracer holds these lines against the record.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from lims.core import db
from tests.apps import app_over


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(url: str, token: str, code: str, keys: str, count: str, *places: str) -> None:
    """Move an item to and fro, so many times, by the API."""
    database = db.open_database(url)
    with TemporaryDirectory() as home:
        client = app_over(Path(home), database, zone="UTC").test_client(use_cookies=False)
        _say("ready")
        for number in range(int(count)):
            key = f"{keys}/{number}"
            _say(f"ask {key}")
            answer = client.post(
                f"/api/v1/items/{code}/moves",
                json={"to": places[number % len(places)]},
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
            )
            _say(f"{answer.status_code} {key} {(answer.json or {}).get('code', '')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
