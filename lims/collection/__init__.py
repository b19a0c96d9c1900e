"""Collection: a kit for one woman, her sample in it, its way to the lab, accepted or refused.

A kit is bound to one participant once, in her presence; her tube is labelled there and then, after
she has said her name and birth date. Cord and blood are collected without a kit. At receipt every
item of the list is answered, and a specimen is accepted, put on hold or rejected with a coded
reason. Infectious markers are tested on her blood.
"""

from lims.collection import correcting as _correcting  # noqa: F401 - says what can be corrected
from lims.collection.dividing import SpecimensDiffer
from lims.collection.gathering import collect, collect_blood, collect_cord
from lims.collection.kits import issue_kit, prepare_kit
from lims.collection.markers import markers_of, nucleic_acid_tested, record_marker
from lims.collection.models import Kit, Marker, MarkerState, Specimen, SpecimenKind
from lims.collection.queries import kind_of, kit_of, kits_and_tubes, specimen_of
from lims.collection.receipt import REJECTION_REASONS, Decision, receive
from lims.collection.setting import label_set

__all__ = [
    "REJECTION_REASONS",
    "Decision",
    "Kit",
    "Marker",
    "MarkerState",
    "Specimen",
    "SpecimenKind",
    "SpecimensDiffer",
    "collect",
    "collect_blood",
    "collect_cord",
    "issue_kit",
    "kind_of",
    "kit_of",
    "kits_and_tubes",
    "label_set",
    "markers_of",
    "nucleic_acid_tested",
    "prepare_kit",
    "receive",
    "record_marker",
    "specimen_of",
]
