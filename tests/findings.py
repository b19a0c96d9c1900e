"""What every row of a gate owes to whoever reads it."""

from typing import Any

from lims.core.gate import Result


def says_its_lines(check: str, row: Any) -> None:
    """WHAT and WHY always; DO NOW and CALL as well where it stops or warns; no place left open."""
    finding = row.finding
    assert finding.what.spoken("en").strip(), row.id
    assert finding.why.spoken("en").strip(), row.id
    if row.result in (Result.STOPPED, Result.WARNED):
        assert finding.do_now is not None, (check, row.id)
        assert finding.call is not None, (check, row.id)
        assert finding.do_now.spoken("en")[0].isupper(), (check, row.id)
        assert finding.call.spoken("en").strip(), (check, row.id)
        assert "%(" not in "".join(row.shown().values()), (check, row.id)
