"""Where the boxes of a lineage stand: nothing overlaps, whatever was made."""

from random import Random

from lims.station.layers import MOST, ROWS, SMALL, WIDE, depths, draw


def _rows(picture) -> list:
    return [box for layer in picture.layers for box in layer]


def _apart(boxes) -> bool:
    return all(
        a.x + a.width <= b.x
        or b.x + b.width <= a.x
        or a.y + a.height <= b.y
        or b.y + b.height <= a.y
        for n, a in enumerate(boxes)
        for b in boxes[n + 1 :]
    )


def test_a_generation_is_as_deep_as_its_longest_way():
    edges = [("kit", "tube"), ("tube", "flask"), ("flask", "pool"), ("tube", "pool")]
    found = depths(["pool", "tube", "flask", "kit"], edges)
    assert found == {"kit": 0, "tube": 1, "flask": 2, "pool": 3}


def test_a_wide_generation_is_folded_and_the_thing_itself_never_is():
    doses = [f"dose {n}" for n in range(190)]
    items, edges = ["lot", *doses], [("lot", each) for each in doses]
    picture = draw(items, edges, kind=lambda each: each.split()[0], here="dose 77")
    alone = [box.members for box in _rows(picture) if not box.id]
    (group,) = [box for box in _rows(picture) if box.id]
    assert alone == [["lot"], ["dose 77"]]
    assert len(group.members) == 189
    opened = draw(items, edges, kind=lambda each: each.split()[0], here="dose 77", opened=group.id)
    (group,) = [box for box in _rows(opened) if box.opened]
    assert [each for each, _x, _y in group.spots] == group.members
    assert len({(x, y) for _each, x, y in group.spots}) == 189
    assert max(y for _each, _x, y in group.spots) + SMALL[1] <= group.y + group.height
    assert group.left_out == 0
    assert opened.height < (ROWS + 3) * (SMALL[1] + 10)


def test_an_opened_group_of_thousands_says_how_many_are_left_out():
    items = ["lot", *(f"dose {n}" for n in range(3000))]
    edges = [("lot", each) for each in items[1:]]
    how = {"kind": lambda each: each.split()[0], "here": "lot"}
    picture = draw(items, edges, **how, opened="1-0-dose")
    (group,) = [box for box in _rows(picture) if box.opened]
    assert (len(group.spots), group.left_out) == (MOST, 3000 - MOST)


def test_boxes_never_overlap_and_mirrored_is_the_same_from_the_right():
    random = Random(20261127)
    for _round in range(60):
        items = [f"k{random.randrange(3)} {n}" for n in range(random.randrange(1, 60))]
        edges = [
            (items[parent], each)
            for at, each in enumerate(items[1:], 1)
            for parent in {random.randrange(at) for _each in range(random.randrange(3))}
        ]
        here = random.choice(items)
        how = {"kind": lambda each: each.split()[0], "here": here}
        left, right = draw(items, edges, **how), draw(items, edges, **how, mirrored=True)
        boxes = _rows(left)
        assert sorted(each for box in boxes for each in box.members) == sorted(items)
        assert _apart(boxes)
        assert all(box.x >= 0 and box.x + box.width <= left.width for box in boxes)
        assert all(box.y >= 0 and box.y + box.height <= left.height for box in boxes)
        assert max(len(layer) for layer in left.layers) <= WIDE + 1 + 2 * 3
        assert [(left.width - box.x - box.width, box.y) for box in boxes] == [
            (box.x, box.y) for box in _rows(right)
        ]
        deep = depths(items, edges)
        at = {each: box.x for box in boxes for each in box.members}
        assert all(at[parent] < at[child] for parent, child in edges)
        assert all((at[a] < at[b]) is (deep[a] < deep[b]) for a in items[:6] for b in items[:6])


def test_a_line_that_passes_a_generation_runs_beside_its_boxes():
    picture = draw(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")], kind=str, here="a")
    (b,) = [box for box in _rows(picture) if box.members == ["b"]]
    passing = [line for line in picture.lines if "H" in line]
    assert len(passing) == 1
    y = int(passing[0].rpartition(" ")[2].partition("H")[0])
    assert not b.y <= y <= b.y + b.height
