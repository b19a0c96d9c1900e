"""`lims trace`."""

import click

from lims.core import console
from lims.web.plain import plain


@click.command()
@click.argument("code")
@console.as_json
def trace(code: str, as_json: bool) -> int:
    """Everything above and below a code, and to whom it came."""
    from lims.station import tracing

    found = tracing.trace(console.actor(), code=code)
    lines = [
        f"{mark} {each['code']}  {each['kind']}, {each['state']}  {each['place'] or ''}".rstrip()
        for mark, part in (("^", "up"), ("v", "down"))
        for each in found[part]
    ]
    lines += [f"= {each['code']} given to {each['participant']}" for each in found["given"]]
    console.answer(plain(found), as_json, *lines)
    return 0
