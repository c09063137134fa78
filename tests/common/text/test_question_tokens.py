"""A question and its paragraphs as token ids."""

from common.text.question_tokens import QuestionTokens


def test_a_row_is_the_question_and_a_paragraph(tmp_path):
    (tmp_path / "words.txt").write_text("<unk>\na\nb\nc\n")
    transform = QuestionTokens(str(tmp_path / "words.txt"), unknown="<unk>", max_length=3)
    sample = {"question": "a ?", "context": "b c a b c", "answer_start": 6, "answer_end": 9}
    found = transform(sample | {"paragraphs": [(0, 5), (6, 9)]}, None)
    assert found["input_ids"].tolist() == [[1, 0, 2, 3, 1], [1, 0, 2, 3, 0]] and found["length"].tolist() == [5, 4]
    assert found["start"].tolist() == [-1, 2] and found["end"].tolist() == [-1, 3]
    assert found["offsets"][1] == [None, None, (6, 7), (8, 9)] and found["token_type_ids"][1].tolist() == [
        0,
        0,
        1,
        1,
        0,
    ]
    whole = transform(sample, None)
    assert whole["length"].tolist() == [5] and whole["coverage"]["context"][-1] == 2  # cut to three words
    letters = QuestionTokens(str(tmp_path / "words.txt"), "characters", "<unk>", lowercase=True)
    assert letters({"question": "A", "context": "b c"}, None)["input_ids"].tolist() == [[1, 2, 3]]
