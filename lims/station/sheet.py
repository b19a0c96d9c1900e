"""A code drawn for paper or a screen: an image that the page itself holds."""

from typing import Any

import zxingcpp
from markupsafe import Markup

from lims.core import codes
from lims.station.orders import COPY


def drawn(code: str) -> Markup:
    """The symbol of a code as SVG: one unit a module, a quiet zone of two."""
    made = zxingcpp.create_barcode(
        codes.symbol(code, COPY), zxingcpp.BarcodeFormat.DataMatrix, force_square=True
    )
    return _svg(made, quiet=2)


def qr(text: str) -> Markup:
    """A QR code as SVG, for a phone's camera; a quiet zone of four."""
    return _svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode), quiet=4)


def _svg(made: Any, *, quiet: int) -> Markup:
    grey: Any = made.to_image(scale=1, add_quiet_zones=False)
    image = memoryview(grey)
    down, across = grey.shape
    path = "".join(
        f"M{x + quiet} {y + quiet}h1v1h-1z"
        for y in range(down)
        for x in range(across)
        if not image[y, x]
    )
    return Markup(
        '<svg class="symbol" viewBox="0 0 {0} {1}" role="img" aria-hidden="true" '
        'shape-rendering="crispEdges"><rect width="{0}" height="{1}" fill="#fff"/>'
        '<path d="{2}" fill="#000"/></svg>'
    ).format(across + 2 * quiet, down + 2 * quiet, path)
