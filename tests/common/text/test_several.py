"""Several texts of a sample as token ids: pairs, and a reply with the turns before it."""

import pytest

from common.errors import BadSample
from common.text.several import PairIds, TurnIds


def test_texts_are_numbered_one_behind_the_other(tmp_path):
    (tmp_path / "words.txt").write_text("<unk>\na\nb\n")
    transform = PairIds(str(tmp_path / "words.txt"), unknown="<unk>", max_length=2)
    sample = transform({"text_a": "a  b a", "text_b": "b", "text_c": "a c"}, None)
    assert sample["input_ids"].tolist() == [1, 2, 2, 1, 0] and sample["token_type_ids"].tolist() == [0, 0, 1, 2, 2]
    assert sample["length"] == 5 and sample["coverage"]["text_a"][-1] == 1
    letters = PairIds(str(tmp_path / "words.txt"), "characters", "<unk>", lowercase=True)
    assert letters({"text_a": "A b", "text_b": "ba"}, None)["input_ids"].tolist() == [1, 2, 2, 1]
    with pytest.raises(BadSample, match="reads two"):
        transform({"text_a": "a"}, None)


def test_the_last_turns_are_in_the_last_rows(tmp_path):
    (tmp_path / "words.txt").write_text("<unk>\na\nb\n")
    transform = TurnIds(str(tmp_path / "words.txt"), turns=3, words=2, unknown="<unk>")
    sample = transform({"text_a": "a b a _EOS_ b", "text_b": "c"}, None)
    assert sample["input_ids"].tolist() == [[0, 0], [0, 0], [1, 2], [2, 0]] and sample["length"].tolist() == [
        1,
        0,
        2,
        1,
    ]
    short = transform({"text_a": "a_EOS_ _EOS_b _EOS_ a _EOS_ b", "text_b": "b"}, None)
    assert short["input_ids"].tolist() == [[2, 0], [2, 0], [1, 0], [2, 0]]
