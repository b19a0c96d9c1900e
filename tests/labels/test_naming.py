"""A design has a name in words, in every language."""

import pytest

from lims.core.words import Exact, speaking
from lims.labels import design_named
from lims.labels.layout import names


@pytest.mark.parametrize("template", names())
def test_every_design_that_ships_is_called_in_words(template):
    called = {}
    width, height = template.rpartition("_")[2].split("x")
    for language, space in (("en", " "), ("fa", "\u00a0"), ("zh", " ")):
        with speaking(language):
            said = called[language] = str(design_named(template))
        assert f"{width} × {height}{space}mm" in said
        assert "_" not in said
    assert len(set(called.values())) == 3


@pytest.mark.parametrize("template", ["our_own_40x20", "place", "place_50", ""])
def test_a_design_of_another_name_keeps_it(template):
    called = design_named(template)
    assert isinstance(called, Exact)
    assert str(called) == template
