"""Sequences of one object: the layouts of OTB, LaSOT and GOT-10k, and what is refused with its file and line."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import DataError
from common.vision.writers import encode_jpeg
from PaddleCV.data.choose_frames import ChooseFrames
from PaddleCV.data.object_sequences import ObjectSequences, SequenceMix


def write(folder, truth, count=3, images="img", name="groundtruth_rect.txt", first=1):
    frames = folder / images if images else folder
    frames.mkdir(parents=True)
    for number in range(first, first + count):
        (frames / f"{number:04d}.jpg").write_bytes(encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    (folder / name).write_text(truth, encoding="utf-8")


def test_the_three_layouts_are_read(tmp_path):
    write(tmp_path / "otb", "1\t2\t3\t4\n2,2,3,4\n3 2 3 4\n")
    write(tmp_path / "lasot/bird-1", "1,2,3,4\n" * 3, name="groundtruth.txt")
    (tmp_path / "lasot/bird-1/out_of_view.txt").write_text("0,1,0")
    write(tmp_path / "got/train/x", "1,2,3,4\n0,0,0,0\nnan,1,1,1\n", images="", name="groundtruth.txt")
    found = ObjectSequences(str(tmp_path))
    names = {one["name"]: one for one in found}
    assert sorted(names) == ["bird-1", "otb", "x"]
    assert names["otb"]["boxes"].tolist() == [[1, 2, 3, 4], [2, 2, 3, 4], [3, 2, 3, 4]]
    assert names["bird-1"]["present"].tolist() == [True, False, True]
    assert names["x"]["present"].tolist() == [True, False, False]
    assert [frame[-8:] for frame in names["x"]["frames"]] == ["0001.jpg", "0002.jpg", "0003.jpg"]


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    write(tmp_path / "a", "1,2,3,4\n" * 3)
    for old, new in (("0001", "frame9"), ("0002", "frame10"), ("0003", "frame11")):
        (tmp_path / f"a/img/{old}.jpg").rename(tmp_path / f"a/img/{new}.jpg")
    (found,) = ObjectSequences(str(tmp_path))
    assert [frame.split("/")[-1] for frame in found["frames"]] == ["frame9.jpg", "frame10.jpg", "frame11.jpg"]


def test_frames_without_a_ground_truth_are_left_out_with_a_warning(tmp_path):
    write(tmp_path / "a", "1,2,3,4\n" * 3)
    write(tmp_path / "b", "1,2,3,4\n" * 3)
    (tmp_path / "b/groundtruth_rect.txt").unlink()
    found = ObjectSequences(str(tmp_path))
    assert [one["name"] for one in found] == ["a"]
    assert [(issue.severity, issue.file) for issue in found.issues] == [("warning", str(tmp_path / "b"))]


@pytest.mark.parametrize(
    ("truth", "more", "text"),
    [
        ("1,2,3,4\n" * 2, None, "2 boxes, but .* has 3 frames"),
        ("1,2,3,4\n1,2,3\n1,2,3,4\n", None, "is not a box\n.*groundtruth_rect.txt: line 2\n"),
        ("1,2,three,4\n" * 3, None, "is not a box\n.*groundtruth_rect.txt: line 1\n"),
        ("1,2,3,4\n1,2,-3,4\n1,2,3,4\n", None, "has a negative size\n.*groundtruth_rect.txt: line 2\n"),
        ("1,2,3,4\n" * 2 + "1e30,2,3,4\n", None, "reaches beyond 100000 pixels\n.*groundtruth_rect.txt: line 3\n"),
        ("0,0,0,0\n" * 3, None, "the first box has no area"),
        ("1,2,3,4\n" * 3, "absence.label", "is not 0 or 1 for each of 3 frames"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, truth, more, text):
    write(tmp_path / "a", truth)
    if more:
        (tmp_path / "a" / more).write_text("0\n1\n")
    with pytest.raises(DataError, match=text):
        ObjectSequences(str(tmp_path))


def test_a_missing_frame_is_named(tmp_path):
    write(tmp_path / "a", "1,2,3,4\n" * 6, count=6)
    (tmp_path / "a/img/0004.jpg").unlink()
    with pytest.raises(DataError, match=r"a frame is missing: 0003.jpg is followed by 0005.jpg, in 1 places"):
        ObjectSequences(str(tmp_path))


def test_a_folder_without_sequences_and_none_at_all_are_refused(tmp_path):
    with pytest.raises(DataError, match="D117"):
        ObjectSequences(str(tmp_path))
    with pytest.raises(DataError, match="there is no such folder"):
        ObjectSequences(str(tmp_path / "none"))


@pytest.mark.parametrize("deep", [False, True])
def test_a_check_reads_every_frame_and_compares_the_boxes_with_it(tmp_path, deep):
    write(tmp_path / "a", "1,2,3,4\n1,2,3,4\n9,9,3,4\n")  # the frames have 8 x 8 pixels
    write(tmp_path / "b", "1,2,3,4\n0,0,0,0\n1,2,3,4\n")
    cut = tmp_path / "b/img/0003.jpg"
    cut.write_bytes(cut.read_bytes()[: -40 if deep else 10])
    found = ObjectSequences(str(tmp_path)).check(deep)
    assert [(issue.severity, issue.code, issue.file[-15:]) for issue in found] == [
        ("error", "D102", "/b/img/0003.jpg"),
        ("warning", "D113", "/a/img/0003.jpg"),
    ]
    assert "[9, 9, 3, 4] lies outside of its frame" in found[1].message


def test_pairs_are_of_seen_frames_within_the_gap_or_of_two_sequences(tmp_path):
    write(tmp_path / "a", "".join(f"{x},1,2,2\n" for x in range(12)), count=12)
    write(tmp_path / "b", "50,1,2,2\n0,0,0,0\n51,1,2,2\n", count=3)
    mix = SequenceMix([ObjectSequences(str(tmp_path))], length=5)
    assert len(mix) == 5 and {mix[i]["name"] for i in range(5)} <= {"a", "b"}
    first, second = ObjectSequences(str(tmp_path))
    choose, rng = ChooseFrames(gap=2), random_for(0)
    apart = [abs(np.diff(choose(first, rng, [second])["boxes"][:, 0])[0]) for _ in range(60)]
    assert max(apart) == 2 and min(apart) == 0
    other = [ChooseFrames(negatives=1.0)(first, rng, [second]) for _ in range(9)]
    assert {int(one["same"]) for one in other} == {0} and {one["boxes"][1, 0] for one in other} == {50, 51}
