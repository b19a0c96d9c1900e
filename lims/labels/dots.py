"""Millimetres and modules as whole dots of a printer."""

from decimal import Decimal

from lims.labels.places import REFERENCE_DPI

DPI = (203, 300, 600)
LEAST_DOTS = 3
MM_PER_INCH = Decimal("25.4")
PT_PER_INCH = 72

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in dots; right and bottom excluded."""


def whole_dots(mm: Decimal, dpi: int) -> int:
    """The nearest number of dots."""
    return round(mm * dpi / MM_PER_INCH)


def module_dots(at_reference: int, dpi: int) -> int:
    """Whole dots of one module: nearest to the size at 300 dpi, never under three."""
    return max(LEAST_DOTS, round(Decimal(at_reference) * dpi / REFERENCE_DPI))


def module_mm(dots: int, dpi: int) -> Decimal:
    """How wide a module of so many dots is."""
    return dots * MM_PER_INCH / dpi


def runs(rows: tuple[str, ...], x: int, y: int, wide: int, tall: int) -> list[Box]:
    """Black rectangles of rows of ones and zeros, with neighbours merged along the row.

    Args:
        wide, tall: dots of one module across and down.
    """
    found = []
    for at, row in enumerate(rows):
        start = row.find("1")
        while start >= 0:
            end = row.find("0", start)
            end = len(row) if end < 0 else end
            found.append((x + start * wide, y + at * tall, x + end * wide, y + (at + 1) * tall))
            start = row.find("1", end)
    return found
