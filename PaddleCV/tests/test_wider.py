"""WIDER FACE: the text files, with their quirks and faults, and the score by the official protocol."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from common.errors import DataError
from PaddleCV.data.wider import WiderFaceDetection
from PaddleCV.metrics.wider_ap import WiderFaceAP
from tests.made.spellings import contents, is_read_or_reported, spellings

NAMES = ("0--Parade/a.jpg", "0--Parade/b.jpg", "1--Handshaking/c.jpg")
TEXT = f"""{NAMES[0]}
2
10 12 20 30 0 0 0 0 0 0
50 12 17 17 1 0 0 1 2 0
{NAMES[1]}
0
0 0 0 0 0 0 0 0 0 0
{NAMES[2]}
1
1 2 30 40 2 1 0 0 0 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("wider")
    for name in NAMES:
        (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (100, 80), (90, 120, 30)).save(root / "images" / name)
    return root


def read(root, text=TEXT, **options):
    (root / "faces.txt").write_text(text, encoding="utf-8")
    return WiderFaceDetection(str(root), "faces.txt", "images", **options)


def test_faces_are_read_and_invalid_ones_are_not_trained_on(folder):
    dataset = read(folder)
    assert (dataset.labels, len(dataset)) == (["face"], 3)
    assert [sample["boxes"].tolist() for sample in dataset] == [[[10, 12, 30, 42]], [], [[1, 2, 31, 42]]]
    assert dataset.boxes.difficult.tolist() == [False, True, False]
    assert len(read(folder, with_invalid=True)[0]["boxes"]) == 2
    assert contents(read(folder, TEXT.replace("\n", "\r\n").replace("0 0 0 0 0 0 0 0 0 0", ""))) == contents(dataset)


def test_a_part_of_a_file_keeps_its_faces_and_the_numbers_of_its_images(folder):
    part = read(folder, part=[1, 3])
    assert part.ids == [1, 2] and [len(sample["boxes"]) for sample in part] == [0, 1]
    assert part[1]["boxes"].tolist() == [[1, 2, 31, 42]] and part[1]["path"].endswith("c.jpg")
    assert [item["image_id"] for item in part.annotations()["annotations"]] == [2]
    for wrong, words in (
        ([0, 4], r"has 3 images: \[0, 3\]"),
        ([2, 2], "the second is larger"),
        ([1], "two whole numbers"),
    ):
        with pytest.raises(ValueError, match=words):
            read(folder, part=wrong)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("10 12 20 30 0", "10 12 20", "line 3"),
        ("10 12 20", "10 twelve 20", "line 3"),
        ("1 0 0 1 2 0", "1 0 0 3 2 0", "line 4"),
        (f"{NAMES[1]}\n0", f"{NAMES[1]}\nnone", "line 6"),
        ("2\n10", "1\n10", "line 4"),
        ("2\n10", "3\n10", "line 5"),
        (NAMES[2], NAMES[0], "line 8"),
        (f"{NAMES[2]}\n1", f"{NAMES[2]}\n2", "line 11"),
        ("1 2 30 40", "1 2 0 40", "line 10"),
    ],
)
def test_a_fault_is_named_by_its_line(folder, old, new, place):
    with pytest.raises(DataError) as refused:
        read(folder, TEXT.replace(old, new, 1))
    assert place in str(refused.value) and "faces.txt" in str(refused.value)


@pytest.mark.parametrize("field", range(10))
def test_another_spelling_of_a_field_is_read_or_reported(folder, field):
    expected, line = contents(read(folder)), "1 2 30 40 2 1 0 0 0 1"
    fields = line.split()
    for other in spellings(int(fields[field])):
        text = " ".join([*fields[:field], str(other), *fields[field + 1 :]])
        if 4 <= field != 7 and len(text.split()) == 10 and text.split()[field].replace("-", "").isdigit():
            continue  # another value of an attribute that is not used
        assert is_read_or_reported(lambda text=text: read(folder, TEXT.replace(line, text)), expected, "faces.txt"), (
            other
        )


def feed(metric, found):
    """Adds detections, {image_id: [(score, x1, y1, x2, y2)]}, as a batch for each image."""
    for image_id, rows in found.items():
        boxes = np.array([(0, *row) for row in rows], np.float32).reshape(-1, 6)
        metric.update({"boxes": boxes, "num_boxes": [len(rows)]}, {"image_id": [image_id]})
    return metric


FOUND = {
    0: [(0.9, 10, 12, 30, 42), (0.8, 11, 12, 30, 42), (0.7, 50, 12, 67, 29)],  # found, found again, invalid
    1: [(0.95, 5, 5, 9, 9)],  # not counted: the image has no face
    2: [(0.5, 1, 2, 31, 42), (0.1, 60, 60, 90, 79)],
}


def test_the_score_of_all_valid_faces_by_hand(folder):
    metric = feed(WiderFaceAP(read(folder)), FOUND)
    # recall 1/2 at precision 1; the second face is the third counted detection: recall 1 at precision 2/3
    assert metric.compute() == {"AP": pytest.approx(0.5 * 1 + 0.5 * 2 / 3)}
    assert feed(WiderFaceAP(read(folder)), {0: [], 1: [], 2: []}).compute() == {"AP": 0.0}


def test_detections_of_valid_faces_have_scores_for_a_threshold(folder):
    (part,) = feed(WiderFaceAP(read(folder)), FOUND).scored().values()
    # one in an image without faces counts as wrong; of 4 detections down to 0.5 two are right: F1 is 2 * 2 / (4 + 2)
    assert part.positives == 2 and part.right.tolist() == [0, 1, 0, 1, 0]
    assert part.best()["F1"] == pytest.approx(2 / 3) and part.best()["threshold"] == pytest.approx(0.3)


def test_sides_count_one_pixel_more(folder):
    metric = WiderFaceAP(read(folder, f"{NAMES[0]}\n1\n10 10 9 9\n"), iou=0.5)
    half = {0: [(1.0, 10, 10, 19, 14)]}  # 10 x 5 of 10 x 10 pixels, where 9 x 4 of 9 x 9 would be less than a half
    assert feed(metric, half).compute() == {"AP": 1.0}


def column(values):
    """A MATLAB cell array of one column."""
    cells = np.empty((len(values), 1), object)
    for k, value in enumerate(values):
        cells[k, 0] = value
    return cells


def write_levels(folder):
    """The official files: the second face of a.jpg is hard alone, that of c.jpg belongs to every level."""
    folder.mkdir(exist_ok=True)
    files = column([column(["a", "b"]), column(["c"])])
    lists = {"event_list": column(["0--Parade", "1--Handshaking"]), "file_list": files}
    faces = [np.array([[10, 12, 20, 30], [50, 12, 17, 17]]), np.zeros((0, 4)), np.array([[1, 2, 30, 40]])]
    savemat(folder / "wider_face_val.mat", {**lists, "face_bbx_list": column([column(faces[:2]), column(faces[2:])])})
    for level, first in (("easy", [1]), ("medium", [1]), ("hard", [1, 2])):
        kept = [np.array(first)[:, None], np.zeros((0, 0)), np.array([[1]])]
        savemat(folder / f"wider_{level}_val.mat", {**lists, "gt_list": column([column(kept[:2]), column(kept[2:])])})
    return str(folder)


def test_levels_of_the_official_files(folder, tmp_path):
    levels = write_levels(tmp_path / "ground_truth")
    scores = feed(WiderFaceAP(read(folder), levels), FOUND).compute()
    easy = 0.5 * 1 + 0.5 * 2 / 3
    # hard: found, again, found, found: recall 1/3, 2/3, 1 at precision 1, 2/3, 3/4; the envelope is 1, 3/4, 3/4
    hard = 1 / 3 + 2 / 3 * 3 / 4
    assert scores == {"AP_easy": pytest.approx(easy), "AP_medium": pytest.approx(easy), "AP_hard": pytest.approx(hard)}
    with pytest.raises(DataError, match=r"D116.*1 of 1 images"):
        (folder / "images/d.jpg").write_bytes((folder / "images" / NAMES[0]).read_bytes())
        WiderFaceAP(read(folder, "d.jpg\n1\n10 10 9 9\n"), levels)
    (tmp_path / "ground_truth/wider_easy_val.mat").write_bytes(b"nothing")
    with pytest.raises(DataError, match="D112"):
        WiderFaceAP(read(folder), levels)
    with pytest.raises(DataError, match="D104"):
        WiderFaceAP(read(folder), str(tmp_path))
