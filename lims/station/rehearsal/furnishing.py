"""One site of the demonstration: its rooms, its freezers, their racks, boxes with slots."""

from lims import custody
from lims.station.rehearsal.stage import Stage

ROWS = COLUMNS = 6


def furnish(stage: Stage, town: str, *, freezer: str, boxes: int) -> None:
    """One set of places for a site; the last box stays empty, for whoever practises.

    Args:
        freezer: what its large freezer is called; no two of the demonstration are called alike.
        boxes: how many boxes of 36 slots stand in its rack.
    """
    places, make = stage.places, stage.make_place
    site = make(f"Site {town}", "site", "room")
    laboratory = places["laboratory"] = make(f"Laboratory {town}", "room", "room", site)
    clinic = make(f"Clinic {town}", "room", "room", site)
    places["bench"] = make(f"Bench 2, {town}", "bench", "room", laboratory)
    places["incubator"] = make(f"Incubator I1, {town}", "incubator", "37C", laboratory)
    cold = places["cold"] = make(f"Freezer {freezer}", "freezer", "-80C", laboratory)
    rack = make(f"Rack {freezer}-R3", "rack", "-80C", cold)
    places["freezer"] = make(f"Shelf {freezer}-S1", "shelf", "-80C", cold)
    places["theatre"] = make(f"Dry ice, clinic {town}", "ward", "-80C", clinic)
    places["bedside"] = make(f"Transfer room {town}", "ward", "room", clinic)
    places["shipper"] = make(f"Shipper {town}", "transport", "-80C", laboratory)
    stage.boxes = [
        str(
            stage.do(
                "adel",
                custody.make_box,
                name=f"Box {freezer}-R3-B{number:02d}",
                parent=rack,
                rows=ROWS,
                columns=COLUMNS,
            )["code"]
        )
        for number in range(1, boxes + 1)
    ]
    places["empty"] = stage.boxes.pop()


def furnish_more(stage: Stage, town: str) -> None:
    """A refrigerator, and a spare freezer in which nothing stands yet."""
    places, make = stage.places, stage.make_place
    laboratory = places["laboratory"]
    places["fridge"] = make(f"Refrigerator K1, {town}", "fridge", "2-8C", laboratory)
    places["spare"] = make(f"Freezer F3, {town}", "freezer", "-80C", laboratory)
