"""What every way to a printer has in common: an open line that takes one label at a time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Handed:
    """A label that was handed over.

    Attributes:
        printed: the printer itself says that it came out; otherwise it only took it.
        remote: the number a print server gave to it, while it is not done with it.
        said: what it said of it.
    """

    printed: bool = False
    remote: int | None = None
    said: str | None = None


class Line(ABC):
    """An open line to a printer that can print now; nothing of a label has left yet.

    Attributes:
        answered: whether it answered when it was asked for its state.
    """

    answered: bool = True

    @abstractmethod
    def send(self, name: str, stream: bytes) -> Handed:
        """Hand one label over, once.

        Args:
            name: of the file, where the printer is a folder; of the job at a print server.

        Raises:
            Interrupted: something may have left; it must not be sent again by itself (H12).
            NotTaken: it refused the whole label, and says so.
        """
