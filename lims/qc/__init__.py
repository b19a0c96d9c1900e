"""Quality control: results against the specification that was frozen into the lot.

The verdict is computed from value, limit and version; nobody types "pass". A result stays for
ever: what does not meet its limit opens a finding, and only an investigation that proves a
laboratory error sets it aside for a retest. Nobody reviews her own result.
"""

from lims.qc.entering import derive, enter
from lims.qc.findings import close_finding, deviation_on, open_deviation
from lims.qc.label_designs import approve_design, approve_designs, reject_design
from lims.qc.models import Finding, InstrumentFile, Result, ResultState, Standing
from lims.qc.queries import file_by_digest, findings_of, results_of, samples_of, standing_result
from lims.qc.reading import read_particles, read_protein
from lims.qc.reviewing import review, submit
from lims.qc.showing import FINDING_KINDS, SHAPES, STANDINGS, limit_of, value_of

__all__ = [
    "FINDING_KINDS",
    "SHAPES",
    "STANDINGS",
    "Finding",
    "InstrumentFile",
    "Result",
    "ResultState",
    "Standing",
    "approve_design",
    "approve_designs",
    "close_finding",
    "derive",
    "deviation_on",
    "enter",
    "file_by_digest",
    "findings_of",
    "limit_of",
    "open_deviation",
    "read_particles",
    "read_protein",
    "reject_design",
    "results_of",
    "review",
    "samples_of",
    "standing_result",
    "submit",
    "value_of",
]
