"""Rows of a table that are cards on a phone say of which column each cell is."""

import re

from lims.web.tables import cards

HEAD = "<table><thead><tr><th>Code</th><th>A &amp; <b>B</b></th><th>C</th></tr></thead><tbody>"


def labels(row: str) -> list[str]:
    return re.findall(r'data-label="([^"]*)"', cards(HEAD + row + "</tbody></table>"))


def test_each_cell_but_the_first_says_its_column():
    assert labels("<tr><th>1</th><td>2</td><td>3</td></tr>") == ["A &amp; B", "C"]
    assert labels("<tr><td>1</td><td>2</td><td>3</td></tr>" * 2) == ["A &amp; B", "C"] * 2


def test_a_cell_over_two_columns_counts_for_both():
    row = '<tr><th>1</th><td colspan="2">2</td><td>beyond</td></tr>'

    assert labels(row) == ["A &amp; B"]


def test_a_table_without_a_head_stays_as_it_is():
    assert cards("<table><tr><td>1</td></tr></table>") == "<table><tr><td>1</td></tr></table>"
