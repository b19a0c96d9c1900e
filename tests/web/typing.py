"""Keys as scanners send them, and as four layouts turn them into characters."""

from typing import Any

# What each layout types on the keys of a US one: unshifted and shifted.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PERSIAN = dict(zip(_LETTERS, "شذزیثبلاهتنمئدخحضقسفعرصطغظ", strict=True))
_AZERTY = {**{each: each for each in _LETTERS}, "A": "Q", "Q": "A", "Z": "W", "W": "Z", "M": ","}
_AZERTY_DIGITS = dict(zip("0123456789", "à&é\"'(-è_ç", strict=True))
_US_SYMBOLS = {
    "-": ("Minus", False),
    "_": ("Minus", True),
    "(": ("Digit9", True),
    ")": ("Digit0", True),
    "/": ("Slash", False),
    ".": ("Period", False),
    " ": ("Space", False),
    "]": ("BracketRight", False),
    "*": ("Digit8", True),
}
LAYOUTS = ("us", "persian", "azerty", "capslock")
KEYBOARDS = (*LAYOUTS, "ime")  # an input method names no character: key code 229


def keys_of(text: str, layout: str = "us") -> list[dict[str, Any]]:
    """The key events of a text: physical key, typed character, Shift."""
    found = []
    for each in text:
        if each == "\x1d":
            found.append({"code": "BracketRight", "key": "]", "modifiers": 2, "text": None})
            continue
        if each in _US_SYMBOLS:
            code, shift = _US_SYMBOLS[each]
            key = each
        else:
            code = f"Digit{each}" if each.isdigit() else f"Key{each.upper()}"
            shift = each.isupper()
            key = _typed(each, layout)
        if layout == "ime":
            unnamed = {"key": "Process", "windowsVirtualKeyCode": 229, "text": None}
            found.append({"code": code, "modifiers": 8 if shift else 0, **unnamed})
            continue
        found.append({"code": code, "key": key, "modifiers": 8 if shift else 0, "text": key})
    return found


def _typed(each: str, layout: str) -> str:
    if layout == "persian":
        return _PERSIAN.get(each.upper(), chr(ord(each) + 0x6C0) if each.isdigit() else each)
    if layout == "azerty":
        digit = _AZERTY_DIGITS.get(each)
        return digit or (_AZERTY[each.upper()] if each.isupper() else _AZERTY[each.upper()].lower())
    if layout == "capslock":
        return each.swapcase()
    return each


class Scanner:
    """A keyboard-type scanner at a page, in any layout.

    Key times are given to the browser, so that a busy machine does not look like slow hands.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.cdp = page.context.new_cdp_session(page)
        self.at = 0.0

    def key(self, *, gap_ms: float = 3, **key: Any) -> None:
        """One key, down and up, so long after the one before."""
        self.at += gap_ms / 1000
        text = key.pop("text", None)
        for kind in ("keyDown", "keyUp"):
            self.cdp.send(
                "Input.dispatchKeyEvent",
                {
                    "type": kind,
                    "timestamp": self.at,
                    **key,
                    **({"text": text} if kind == "keyDown" and text else {}),
                },
            )

    def begin(self) -> None:
        """A moment in which nobody pressed anything."""
        if not self.at:
            self.at = self.page.evaluate("(performance.timeOrigin + performance.now()) / 1000")
        self.at += 1

    def scan(
        self, text: str, layout: str = "us", end: str | None = "Enter", gap_ms: float = 3
    ) -> None:
        """Read a label."""
        self.begin()
        for key in keys_of(text, layout):
            self.key(gap_ms=gap_ms, **key)
        if end:
            self.key(gap_ms=gap_ms, code=end, key=end, **({"text": "\r"} if end == "Enter" else {}))

    def type(self, text: str, gap_ms: float = 120) -> None:
        """Write as a person does."""
        self.begin()
        for each in text:
            code = f"Key{each.upper()}" if each.isalpha() else "Space"
            self.key(gap_ms=gap_ms, code=code, key=each, text=each)
