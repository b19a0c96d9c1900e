"""The bytes of an entry: RFC 8785, whoever writes them."""

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from lims.ledger import rules

TEXT = st.text(max_size=12) | st.text('aZ\x00\x1f\x7f"\\/é\ue000😀', max_size=6)
INSIDE = 2**53 - 1
CONTENT = st.recursive(
    TEXT | st.integers(-INSIDE, INSIDE) | st.booleans() | st.none(),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXT, each, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, CONTENT, max_size=6))
@example({"\ue000": 1, "😀": 2})  # UTF-16 sorts them the other way round than code points do
@example({"a": '\x7f\x00\b\t\n\f\r\x1f"\\/'})
def test_the_fast_writer_and_the_reference_agree_to_the_byte(content):
    assert rules.canonical(content) == rfc8785.dumps(content)


@pytest.mark.parametrize("content", [{"n": 2**53}, {"n": -(2**53)}, {"t": "\ud800"}, {1: "x"}])
def test_what_has_no_canonical_form_is_refused_as_the_reference_does(content):
    with pytest.raises(rfc8785.CanonicalizationError):
        rules.canonical(content)
