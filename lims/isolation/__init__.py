"""Isolation: a harvest becomes a lot, a lot becomes vials.

A run's steps are judged against the method; the lot carries the specification of its study frozen
as it was on that day, and the mechanical flag that follows from its cultures. PRP is the same
journey without cells: blood, two spins, a lot that lives for hours. At the fill every microlitre
is accounted for, and each vial gets four figures that stand on its label and nowhere else.
"""

from lims.isolation.closing import FillCount, adds_up, close_fill, count_vials
from lims.isolation.filling import fill
from lims.isolation.labelling import pack_texts
from lims.isolation.models import Fill, Lot, Run, Vial
from lims.isolation.queries import (
    figures_agree,
    fill_of,
    lot_of,
    lots,
    run_of,
    vial_of,
    vials_of,
)
from lims.isolation.reconciling import FillLabels, labels_of
from lims.isolation.rules import RadiusConvention, Spin, speed_rpm
from lims.isolation.running import (
    digest_of,
    isolate_vesicles,
    prepare_prp,
    specification_of,
)
from lims.isolation.showing import lot_facts

__all__ = [
    "Fill",
    "FillCount",
    "FillLabels",
    "Lot",
    "RadiusConvention",
    "Run",
    "Spin",
    "Vial",
    "adds_up",
    "close_fill",
    "count_vials",
    "digest_of",
    "figures_agree",
    "fill",
    "fill_of",
    "isolate_vesicles",
    "labels_of",
    "lot_facts",
    "lot_of",
    "lots",
    "pack_texts",
    "prepare_prp",
    "run_of",
    "specification_of",
    "speed_rpm",
    "vial_of",
    "vials_of",
]
