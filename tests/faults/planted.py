"""`lims` with one guard removed: the answer of an act is not kept under its idempotency key.

The campaign has to notice: `python -m tests.faults.planted serve ...` is run by its own test only.
"""

import json

from lims.cli import main
from lims.core import acts, db


def _forgetful(_actor, key, _digest, call) -> acts.Done:
    with db.transaction() as session:
        session.info["command"] = key
        return acts.Done(json.loads(json.dumps(call())), repeated=False)


if __name__ == "__main__":
    acts._attempt = _forgetful
    main()
