"""Release: one person who did nothing else on a lot signs that it may be used.

The gate asks every test of the frozen specification, the donor's markers, the mechanical record,
open findings and the persons behind every step, inside the releasing transaction. The whole answer
goes into the ledger with the signature; the certificate of analysis prints it.
"""

from lims.release.affected import Affected, on_recall
from lims.release.gathering import answer, facts_of
from lims.release.lots import words
from lims.release.models import Certificate, Outcome, Recall
from lims.release.queries import certificate_of
from lims.release.recalling import lift, recall
from lims.release.signing import reject, release, send_back

__all__ = [
    "Affected",
    "Certificate",
    "Outcome",
    "Recall",
    "answer",
    "certificate_of",
    "facts_of",
    "lift",
    "on_recall",
    "recall",
    "reject",
    "release",
    "send_back",
    "words",
]
