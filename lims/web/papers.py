"""Papers that a feature offers beside a thing: what can be taken out of the system about it."""

from dataclasses import dataclass
from urllib.parse import quote

from lims.core import permissions
from lims.core.permissions import Actor, Permission
from lims.core.words import Text

_papers: list["Paper"] = []


@dataclass(frozen=True)
class Paper:
    """Something to take out about things of one type letter.

    Attributes:
        path: of the page that answers with it; `<code>` stands for the thing's code.
    """

    letter: str
    title: Text
    path: str
    permission: Permission

    def url(self, code: str) -> str:
        """The address for one thing."""
        return self.path.replace("<code>", quote(code))


def add(letter: str, title: Text, path: str, permission: Permission) -> None:
    """Offer a paper on the page of every thing of this letter."""
    paper = Paper(letter, title, path, permission)
    if paper not in _papers:
        _papers.append(paper)


def of(letter: str, actor: Actor) -> list[Paper]:
    """What this person may take out about a thing of this letter."""
    return [
        each
        for each in _papers
        if each.letter == letter and permissions.allowed(actor, each.permission)
    ]
