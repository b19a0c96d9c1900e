"""Signs on labels, drawn from their geometry at any size; every format shows the same dots."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import cos, pi, sin

from PIL import Image, ImageChops, ImageDraw

_FINE = 8
"""Drawn this many times larger, then brought down: a dot is black where most of it would be."""


@lru_cache(maxsize=64)
def rows(icon: str, dots: int) -> tuple[str, ...]:
    """The sign as `dots` rows of as many ones and zeros."""
    fine = dots * _FINE
    image = ICONS[icon](fine).resize((dots, dots), Image.Resampling.BOX)
    black = image.load()
    return tuple(
        "".join("1" if black[across, down] >= 128 else "0" for across in range(dots))  # type: ignore[index, operator]
        for down in range(dots)
    )


def _disc(fine: int, x: float, y: float, radius: float) -> Image.Image:
    image = Image.new("L", (fine, fine), 0)
    pen = ImageDraw.Draw(image)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return image


def _biohazard(fine: int) -> Image.Image:
    """The biological hazard sign, in its own units: 30 across each of three circles.

    Source: 29 CFR 1910.145(f)(8)(ii), dimensions A 1, B 3.5, C 4, D 6, E 11, F 15, G 21, H 30.
    """
    unit = fine / 52
    middle_x, middle_y = fine / 2, fine * 0.55
    spokes = [
        (cos(-pi / 2 + turn * 2 * pi / 3), sin(-pi / 2 + turn * 2 * pi / 3)) for turn in (0, 1, 2)
    ]

    def three(away: float, radius: float) -> Image.Image:
        made = Image.new("L", (fine, fine), 0)
        for across, down in spokes:
            disc = _disc(
                fine,
                middle_x + across * away * unit,
                middle_y + down * away * unit,
                radius * unit,
            )
            made = ImageChops.lighter(made, disc)
        return made

    sign = ImageChops.subtract(three(11, 15), three(15, 10.5))
    sign = ImageChops.subtract(sign, _disc(fine, middle_x, middle_y, 3 * unit))
    pen = ImageDraw.Draw(sign)
    for across, down in spokes:
        pen.line(
            (middle_x, middle_y, middle_x + across * 7 * unit, middle_y + down * 7 * unit),
            fill=0,
            width=max(1, round(unit)),
        )
    ring = ImageChops.subtract(
        _disc(fine, middle_x, middle_y, 13.5 * unit), _disc(fine, middle_x, middle_y, 10 * unit)
    )
    return ImageChops.lighter(sign, ImageChops.multiply(ring, three(15, 9.5)))


def _upright(fine: int) -> Image.Image:
    """This way up: two arrows on a bar (ISO 780, 0623)."""
    image = Image.new("L", (fine, fine), 0)
    pen = ImageDraw.Draw(image)
    for middle in (0.28, 0.72):
        pen.polygon(
            [
                (fine * (middle + across), fine * down)
                for across, down in (
                    (0, 0.04),
                    (0.2, 0.34),
                    (0.075, 0.34),
                    (0.075, 0.8),
                    (-0.075, 0.8),
                    (-0.075, 0.34),
                    (-0.2, 0.34),
                )
            ],
            fill=255,
        )
    pen.rectangle((fine * 0.04, fine * 0.87, fine * 0.96, fine * 0.96), fill=255)
    return image


def _cold(fine: int) -> Image.Image:
    """A snowflake: keep frozen."""
    image = Image.new("L", (fine, fine), 0)
    pen = ImageDraw.Draw(image)
    middle, width = fine / 2, max(1, round(fine * 0.07))

    def stroke(x: float, y: float, turn: float, length: float) -> tuple[float, float]:
        end = x + cos(turn) * length * fine, y + sin(turn) * length * fine
        pen.line((x, y, *end), fill=255, width=width)
        return end

    for arm in range(6):
        turn = arm * pi / 3 + pi / 6
        stroke(middle, middle, turn, 0.46)
        for away in (0.2, 0.32):
            fork = middle + cos(turn) * away * fine, middle + sin(turn) * away * fine
            for side in (-pi / 4, pi / 4):
                stroke(*fork, turn + side, 0.14)
    return image


ICONS: Mapping[str, Callable[[int], Image.Image]] = {
    "biohazard": _biohazard,
    "upright": _upright,
    "cold": _cold,
}
