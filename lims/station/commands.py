"""`lims trace`."""

import click

from lims.core import clock, console
from lims.web.plain import plain


@click.command()
@click.argument("code")
@click.option("--from", "since", metavar="ISO", help="For a place: from this instant on.")
@click.option("--to", "until", metavar="ISO", help="For a place: up to this instant.")
@console.as_json
def trace(code: str, since: str | None, until: str | None, as_json: bool) -> int:
    """Everything above and below a code, and to whom it came.

    CODE is an item's or a place's code, a participant's number, a badge or a login.
    """
    from lims.station import tracing

    found = tracing.trace(
        console.actor(),
        code=code,
        since=clock.parse(since, "from") if since else None,
        until=clock.parse(until, "to") if until else None,
    )
    lines = [
        f"{mark} {each['code']}  {each['kind']}, {each['state']}  "
        f"{each['place'] or ''}  {each['holder'] or ''}".rstrip()
        for mark, part in (("^", "up"), ("v", "down"), ("-", "found"))
        for each in found.get(part, ())
    ]
    lines += [f"= {each['code']} given to {each['participant']}" for each in found["given"]]
    console.answer(plain(found), as_json, *lines)
    return 0
