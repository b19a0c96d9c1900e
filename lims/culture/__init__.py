"""Culture: cells isolated, counted, passaged, preconditioned or not, and their medium harvested.

Every vessel is an item; every passage makes children of one donor. Growth is computed from counts.
A preconditioning run is kept with the vessel it was done on; whether a lot is preconditioned
follows from the vessels it came from and is never typed.
"""

from lims.culture import correcting as _correcting  # noqa: F401 - says what can be corrected
from lims.culture.dividing import HarvestsDiffer
from lims.culture.growing import isolate, passage, reject_culture
from lims.culture.harvesting import Mechanical, harvest, mechanical_record
from lims.culture.models import Count, Culture, Harvest, Preconditioning
from lims.culture.queries import count_of, culture_of, harvest_of, preconditionings
from lims.culture.rules import medium_name
from lims.culture.runs import precondition

__all__ = [
    "Count",
    "Culture",
    "Harvest",
    "HarvestsDiffer",
    "Mechanical",
    "Preconditioning",
    "count_of",
    "culture_of",
    "harvest",
    "harvest_of",
    "isolate",
    "mechanical_record",
    "medium_name",
    "passage",
    "precondition",
    "preconditionings",
    "reject_culture",
]
