"""Text files in other encodings, and JSON whose keys are unique."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadSample
from common.files import DuplicateKey, parse_json, read_lines

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


def test_a_file_in_another_encoding_is_refused_with_the_command_that_converts_it(tmp_path):
    file = tmp_path / "words.txt"
    file.write_bytes("[UNK]\n中国\n".encode("gbk"))
    convert = f"iconv -f gb18030 -t utf-8 {file}"
    for encoding, also in ((None, ""), ("utf-8", ", or configure its encoding, such as encoding: gb18030")):
        with pytest.raises(BadSample) as caught:
            read_lines(file, encoding)
        assert caught.value.issue.place == "line 2, byte 1" and caught.value.issue.fix.endswith(convert + also)
    assert read_lines(file, "gbk") == ["[UNK]", "中国"]
