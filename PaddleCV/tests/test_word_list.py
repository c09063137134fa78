"""Lists of words: the original form, sizes with texts, ICDAR's forms, and every error by its line."""

import cv2
import numpy as np
import pytest

from common.data.length_sampler import LengthSampler
from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.text.characters import CharacterIds
from common.vision.decode import Decode
from PaddleCV.data.word_list import WordList

ALPHABET = ["a", "b", "c", "é", "<space>", "\u4f60"]


def words(folder, lines, encoding="utf-8", **keys):
    """A dataset of a list with these lines; images of 60 x 24 pixels a.png, b.png and `two words.png`."""
    (folder / "alphabet.txt").write_text("\n".join(ALPHABET) + "\n", encoding="utf-8")
    for name in ("a.png", "b.png", "two words.png"):
        cv2.imwrite(str(folder / name), np.zeros((24, 60, 3), np.uint8))
    (folder / "list.txt").write_bytes("\n".join(lines).encode(encoding))
    return WordList(str(folder), "list.txt", str(folder / "alphabet.txt"), **keys)


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("text", "a.png\tab c"),
        ("text", "a.png ab c"),
        ("text", 'a.png, "ab c"'),
        ("text", "two words.png\tab c"),
        ("sized", "60 24 a.png ab c"),
        ("ids", "60 24 a.png 0,1,4,2"),
    ],
)
def test_every_form_gives_the_same_text(tmp_path, form, line):
    dataset = words(tmp_path, [line, ""], form=form)
    sample = dataset[0]
    assert len(dataset) == 1 and sample["text"] == "ab c" and sample["place"] == "line 1"
    assert dataset.labels == ["<blank>", *ALPHABET] and dataset.num_classes == 7
    assert dataset.lengths() == [120] and not dataset.check(deep=True)


def test_other_scripts_case_and_a_byte_order_mark(tmp_path):
    dataset = words(tmp_path, ["a.png\tÉB\u4f60"], encoding="utf-8-sig", lowercase=True)
    assert dataset[0]["text"] == "éb\u4f60"
    sample = CharacterIds(str(tmp_path / "alphabet.txt"), stride=8)(Decode()(dataset[0], None), random_for(0))
    assert sample["labels"].tolist() == [4, 2, 6] and sample["label_length"] == 3


def test_every_error_names_its_line(tmp_path):
    lines = ["a.png\tab", "b.png\txyz", "a.png\t", "c.png\tab", "b.png"]
    with pytest.raises(DataError) as caught:
        words(tmp_path, lines)
    text = str(caught.value)
    assert "list.txt: line 2: 'x', 'y', 'z': not in the vocabulary" in text
    assert "line 3: the text is empty" in text and "line 5: the text is empty" in text
    assert "line 4: image file is missing" in text and "'b.png'" not in text.split("line 4")[0]
    assert len(words(tmp_path, ["a.png\tab"] * 1 + ["b.png\tba"] * 1)) == 2


@pytest.mark.parametrize(
    ("form", "line", "message"),
    [
        ("sized", "a.png ab", "does not have the form 'sized'"),
        ("sized", "60 x a.png ab", "does not have the form 'sized'"),
        ("ids", "0 24 a.png 1", "does not have the form 'ids'"),
        ("ids", "60 24 a.png 1,6", "has the character number 6, which is unknown"),
        ("ids", "60 24 a.png 1,-1", "has the character number -1, which is unknown"),
        ("ids", "60 24 a.png 1,,2", "has '', which is no number of a character"),
        ("ids", "60 24 a.png", "the text is empty"),
    ],
)
def test_lines_without_their_form_are_refused(tmp_path, form, line, message):
    with pytest.raises(DataError, match="line 1") as caught:
        words(tmp_path, [line], form=form)
    assert message in str(caught.value)


def test_a_few_bad_lines_can_be_left_out(tmp_path):
    dataset = words(tmp_path, ["a.png\tab", "b.png\tzz"], bad_samples="skip")
    assert len(dataset) == 1 and [issue.code for issue in dataset.check()] == ["D147"]


def test_an_annotated_size_that_differs_from_the_file_is_found(tmp_path):
    (issue,) = words(tmp_path, ["61 24 a.png ab"], form="sized").check()
    assert issue.code == "D111" and issue.place == "line 1"


def test_a_text_with_too_few_columns_is_refused_with_its_line(tmp_path):
    """60 columns are 8 steps of 8; `aaaaa` needs 9, a blank between each two."""
    dataset = words(tmp_path, ["a.png\taaaaa", "b.png\tabcab"])
    ids = CharacterIds(str(tmp_path / "alphabet.txt"), stride=8)
    with pytest.raises(BadSample, match="5 characters need 9 output steps, but the image has only 8") as caught:
        ids(Decode()(dataset[0], None), random_for(0))
    assert caught.value.issue.place.endswith("list.txt: line 1")
    assert ids(Decode()(dataset[1], None), random_for(0))["label_length"] == 5


def test_batches_are_of_similar_width(tmp_path):
    (tmp_path / "w").mkdir()
    lines = []
    for index, width in enumerate(np.random.default_rng(0).permutation(np.arange(20, 84)).tolist()):
        lines.append(f"{width} 24 w/{index}.png a")
        (tmp_path / f"w/{index}.png").touch()
    lengths = np.array(words(tmp_path, lines, form="sized").lengths())
    sampler = LengthSampler(64, 8, words(tmp_path, lines, form="sized"), seed=0)
    spread = [np.ptp(lengths[batch]) for batch in sampler.batches(0)]
    assert len(spread) == 8 and max(spread) <= 16
    assert np.ptp(lengths) == 126


def test_settings_out_of_range_are_refused(tmp_path):
    with pytest.raises(ValueError, match="form is 'icdar'; it must be one of text, sized, ids"):
        words(tmp_path, ["a.png a"], form="icdar")
    with pytest.raises(ValueError, match="bad_samples is 'drop'"):
        words(tmp_path, ["a.png a"], bad_samples="drop")
    with pytest.raises(DataError, match="lists no image"):
        words(tmp_path, [""])
