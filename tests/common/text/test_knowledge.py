"""Token ids of dialogues and of the facts that are known."""

import pytest

from common.errors import BadSample
from common.text.knowledge import KnowledgeIds


@pytest.fixture
def vocab(tmp_path):
    (tmp_path / "words.txt").write_text("<unk>\n<s>\n</s>\na\nb\nc\n")
    return str(tmp_path / "words.txt")


def test_a_dialogue_keeps_its_end_and_facts_are_rows(vocab):
    transform = KnowledgeIds(vocab, facts=2, words=2, max_length=3)
    found = transform({"text_a": "a b c", "text_b": "a b c _EOS_ x _EOS_ b", "target": "c"}, None)
    assert found["input_ids"].tolist() == [4, 5, 2] and found["length"] == 3
    assert found["fact_ids"].tolist() == [[3, 4], [0, 0]] and found["fact_length"].tolist() == [2, 1]
    assert found["target_ids"].tolist() == [5, 2] and found["target_length"] == 2
    assert found["coverage"]["text_a"] == (2, 0, 1) or list(found["coverage"]["text_a"]) == [3, 0, 1]


def test_what_cannot_be_read_is_refused(vocab):
    with pytest.raises(BadSample, match="KnowledgeIds reads two"):
        KnowledgeIds(vocab)({"text_a": "a"}, None)
    with pytest.raises(ValueError, match="facts is 0"):
        KnowledgeIds(vocab, facts=0)
