from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from backtester.recipe.toml import format_table

plain = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), plain, max_size=5))
def test_what_is_written_reads_back_unchanged(values):
    assert tomllib.loads(format_table("section", values=values)) == {"section": values}


def test_absent_values_are_left_out_and_tables_follow_their_keys():
    text = format_table("model", values={"parameters": {"a b": [1, {"c": 2.0}]}, "none": None, "kind": "x"})
    assert text == '[model]\nkind = "x"\n\n[model.parameters]\n"a b" = [1, { c = 2.0 }]\n'
