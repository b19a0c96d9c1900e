"""Interchange: what leaves the system and must stand by itself outside of it.

The dossier of a dose is one file: every entry that bears on the dose in its exact bytes, its proof
against a signed seal, the papers that the entries pin, a page that checks all of this in a browser
without a network, and a second verifier that shares no code with this one. Nobody in it has a name
but whoever signed.

Start reading at `rules` and `facts`, then `checks` (what is asked of a dossier), then `making`.
"""

from lims.interchange.making import Dossier, export
from lims.interchange.verifying import Verdict, verify, verify_file

__all__ = ["Dossier", "Verdict", "export", "verify", "verify_file"]
