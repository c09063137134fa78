"""JSON whose keys are unique."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.files import DuplicateKey, parse_json

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(TREES)
def test_it_reads_what_json_reads(tree):
    text = json.dumps(tree)
    assert parse_json(text) == json.loads(text)


@given(TREES, st.text(), TREES)
def test_a_key_that_is_written_twice_is_found_at_its_line(before, key, value):
    name = json.dumps(key)
    text = f'[{json.dumps(before)}, {{"k\\"ey": {{{name}: 1}},\n{name}: {json.dumps(value)},\n\n {name} : 2}}]'
    if key == 'k"ey':
        return
    with pytest.raises(DuplicateKey) as error:
        parse_json(text)
    if "{" not in json.dumps([before, value, key]):
        assert (error.value.key, error.value.lineno, error.value.colno) == (key, 4, 2)
    assert "first on line" in error.value.msg
