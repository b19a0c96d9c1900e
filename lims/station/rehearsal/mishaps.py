"""Which treated woman meets which stop: one participant of ten."""


class Mishaps:
    """Hands out the stops, in turn."""

    KINDS = ("window", "expired thaw", "wrong dose", "unreleased lot")

    def __init__(self, treated_share: int) -> None:
        self.every = 10 // treated_share
        self.treated = 0
        self.met = 0

    def next(self, kinds: tuple[str, ...] = KINDS) -> str | None:
        """The mishap of the next treated woman; mostly none."""
        turn = self.treated % self.every == min(2, self.every - 1)
        self.treated += 1
        if not turn:
            return None
        self.met += 1
        return kinds[(self.met - 1) % len(kinds)]
