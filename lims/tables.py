"""Every feature's tables, so that web, workers and migrations see the whole metadata."""

from importlib import import_module
from importlib.util import find_spec

import lims.core.acts
import lims.core.heartbeat
import lims.core.mode
import lims.ledger.models  # noqa: F401
from lims.core.db import Base

# In the order of the imports: a lower feature never names a table of a higher one.
FEATURES = (
    "labels",
    "people",
    "studies",
    "supplies",
    "custody",
    "collection",
    "culture",
    "isolation",
    "qc",
    "release",
    "dosing",
)

for _feature in FEATURES:
    if find_spec(f"lims.{_feature}") and find_spec(f"lims.{_feature}.models"):
        import_module(f"lims.{_feature}.models")

metadata = Base.metadata
