"""The rehearsal: synthetic women walk from consent to outcome through the same front doors as the
pages, on a clock of its own that starts about twenty months ago and never passes now.

Controls receive nothing. One woman of ten meets a hard stop on purpose, and it must stop. What is
left is a practice database with a trail that verifies, labels, and certificates.
"""

from lims.station.rehearsal.playing import rehearse

__all__ = ["rehearse"]
