"""Random genealogies of thousands of items, written as rows, and their closure by hand."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

from sqlalchemy import insert

from lims import studies
from lims.core import clock, db
from lims.custody import Edge, Item, ItemKind, State
from lims.custody.rules import LETTER
from tests.makers import unlike

KINDS = (ItemKind.FLASK, ItemKind.HARVEST, ItemKind.LOT, ItemKind.DOSE, ItemKind.QC_SAMPLE)
STATES = {
    ItemKind.FLASK: (State.GROWING, State.STORED, State.EXHAUSTED),
    ItemKind.HARVEST: (State.STORED, State.EXHAUSTED),
    ItemKind.LOT: (State.QUARANTINE, State.RELEASED, State.TESTING),
    ItemKind.DOSE: (State.FILLED, State.AVAILABLE, State.ISSUED, State.ADMINISTERED),
    ItemKind.QC_SAMPLE: (State.STORED, State.EXHAUSTED, State.DESTROYED),
}
TAKEN: set[str] = set()


@dataclass
class Graph:
    """What was written, and who came from whom."""

    codes: dict[UUID, str] = field(default_factory=dict)
    states: dict[UUID, State] = field(default_factory=dict)
    parents: dict[UUID, set[UUID]] = field(default_factory=dict)
    children: dict[UUID, set[UUID]] = field(default_factory=dict)

    def closure(self, start: set[UUID], way: dict[UUID, set[UUID]]) -> set[UUID]:
        """All that is reached one way, the start as well; by brute force."""
        seen, todo = set(start), list(start)
        while todo:
            for each in way[todo.pop()]:
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
        return seen

    def reached(self, start: set[UUID], *, whole: bool) -> set[UUID]:
        """What a recall must reach."""
        above = self.closure(start, self.parents) if whole else start
        return self.closure(above, self.children)


def made(donor: studies.Subject, size: int, chance: Random, *, most: int = 3) -> Graph:
    """A random genealogy of one donor: each item has none to `most` parents among the earlier.

    Written as bare rows: what is tested walks them, and thousands of acts would take minutes.
    """
    graph, order, began = Graph(), [], clock.now()
    items, edges = [], []
    for number in range(size):
        kind = chance.choice(KINDS)
        here, code = uuid4(), unlike(LETTER[kind], TAKEN)
        state = chance.choice(STATES[kind])
        wanted = 0 if number == 0 or chance.random() < 0.02 else chance.randint(1, most)
        # Mostly young parents, so that the genealogy grows long and not flat.
        pool = order[-30:] if chance.random() < 0.8 else order
        above = set(chance.sample(pool, min(wanted, len(pool))))
        graph.codes[here], graph.states[here] = code, state
        graph.parents[here], graph.children[here] = above, set()
        items.append(
            {
                "id": here, "version": 1, "code": code, "kind": kind, "state": state,
                "study_id": donor.study_id, "donor_id": donor.id, "thaw_count": 0,
                "made_at": began + timedelta(milliseconds=number),
            }
        )  # fmt: skip
        for parent in above:
            graph.children[parent].add(here)
            edges.append(
                {"id": uuid4(), "version": 1, "parent_id": parent, "child_id": here,
                 "donor_id": donor.id, "step": "test"}
            )  # fmt: skip
        order.append(here)
    with db.current().turn(), db.current().engine.begin() as connection:
        connection.execute(insert(Item.__table__), items)
        if edges:
            connection.execute(insert(Edge.__table__), edges)
    return graph
