from __future__ import annotations

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from voc_stream.published.yaml import to_yaml

TEXT = st.text(
    alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=8
) | st.sampled_from(
    ["Yes", "null", "1", "$ref", "a: b", "- a", "# a", "voc.repair-flow", "", "a\nb"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=12,
)


@given(VALUES)
@example({"a": [[], {}, [[1]], [{"b": [None]}]]})
def test_another_reader_reads_the_same_value(value: object) -> None:
    """The text is YAML, and says what was meant."""
    assert yaml.safe_load(to_yaml(value)) == value
