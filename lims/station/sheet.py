"""A code drawn for paper or a screen: an image that the page itself holds."""

from markupsafe import Markup

from lims import labels
from lims.core import codes
from lims.station.orders import COPY, ORDERS, Order, code_of


def commands(*, practice: bool) -> list[tuple[Order, str, Markup]]:
    """Every command with its code and symbol, for a sheet."""
    return [
        (order, code := code_of(order.name, practice=practice), drawn(code))
        for order in ORDERS.values()
    ]


def drawn(code: str) -> Markup:
    """The symbol of a code as SVG: one unit a module, a quiet zone of two."""
    return _svg("datamatrix", codes.symbol(code, COPY), quiet=2)


def qr(text: str) -> Markup:
    """A QR code as SVG, for a phone's camera; a quiet zone of four."""
    return _svg("qr", text, quiet=4)


def _svg(symbology: str, text: str, *, quiet: int) -> Markup:
    rows = labels.symbol_rows(symbology, text)
    path = "".join(
        f"M{x + quiet} {y + quiet}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, module in enumerate(row)
        if module == "1"
    )
    return Markup(
        '<svg class="symbol" viewBox="0 0 {0} {1}" role="img" aria-hidden="true" '
        'shape-rendering="crispEdges"><rect width="{0}" height="{1}" fill="#fff"/>'
        '<path d="{2}" fill="#000"/></svg>'
    ).format(len(rows[0]) + 2 * quiet, len(rows) + 2 * quiet, path)
