"""A design has a name in words, in every language."""

import pytest

from lims.core.words import Exact, speaking
from lims.labels import design_named
from lims.labels.layout import names


@pytest.mark.parametrize("template", names())
def test_every_design_that_ships_is_called_in_words(template):
    called = {}
    for language in ("en", "fa", "zh"):
        with speaking(language):
            called[language] = str(design_named(template)).replace("\u00a0", " ")
    assert len(set(called.values())) == 3
    width, height = template.rpartition("_")[2].split("x")
    for said in called.values():
        assert f"{width} × {height} mm" in said
        assert "_" not in said


@pytest.mark.parametrize("template", ["our_own_40x20", "place", "place_50", ""])
def test_a_design_of_another_name_keeps_it(template):
    called = design_named(template)
    assert isinstance(called, Exact)
    assert str(called) == template
