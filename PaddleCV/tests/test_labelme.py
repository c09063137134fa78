"""JSON files of labelme: shapes, folders and lists, and problems that are reported."""

import json

import pytest
from PIL import Image

from common.errors import DataError
from PaddleCV.data.labelme import LabelmeDetection
from tests.made.spellings import contents, is_read_or_reported, replaced, scalars, spellings


def shape(label, points, kind="rectangle", **more):
    """One annotated object."""
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


CONTENT = {
    "version": "5.4.1",
    "flags": {},
    "shapes": [
        shape("dog", [[60, 50], [20.5, 10]]),
        shape("cat", [[1, 2], [17, 4], [9, 30]], "polygon", difficult=False),
        shape("cat", [[50, 40], [53, 44]], "circle", group_id=3),
    ],
    "imagePath": "17.png",
    "imageData": None,
    "imageHeight": 80,
    "imageWidth": 100,
}
BOXES = [[20.5, 10, 60, 50], [1, 2, 17, 30], [45, 35, 55, 45]]


def write(root, content=CONTENT, name="17", size=(100, 80)):
    """An image and its JSON file."""
    Image.new("RGB", size, (90, 120, 30)).save(root / f"{name}.png")
    (root / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return root


def with_shapes(*shapes):
    """The content of a file with these shapes."""
    return {**CONTENT, "shapes": list(shapes)}


def test_shapes_become_their_bounding_boxes(tmp_path):
    dataset = LabelmeDetection(str(write(tmp_path)))
    assert dataset.labels == ["cat", "dog"] and dataset.category_ids == [1, 2]
    assert dataset[0]["boxes"].tolist() == BOXES and dataset[0]["labels"].tolist() == [1, 0, 0]
    assert dataset.check(deep=True) == []


def test_shapes_of_one_group_are_one_object(tmp_path):
    parts = [shape("cat", [[x, 5], [x + 9, 9]], group_id=1) for x in (10, 30)]
    dataset = LabelmeDetection(str(write(tmp_path, with_shapes(*parts, shape("dog", [[1, 1], [4, 4]], group_id=1)))))
    assert dataset[0]["boxes"].tolist() == [[10, 5, 39, 9], [1, 1, 4, 4]]


def test_points_and_lines_are_left_out_with_their_number(tmp_path):
    shapes = [shape("cat", [[1, 1]], "point"), shape("cat", [[1, 1], [9, 9]], "line"), shape("cat", [[3, 3]], "point")]
    dataset = LabelmeDetection(str(write(tmp_path, with_shapes(*CONTENT["shapes"], *shapes))))
    assert [issue.message for issue in dataset.issues] == [
        "shape of type 'point' has no extent; left out (2 times, first one shown)",
        "shape of type 'line' has no extent; left out",
    ]


def test_images_without_a_file_are_counted_and_a_list_selects(tmp_path):
    write(tmp_path)
    write(tmp_path, {**CONTENT, "imagePath": "..\\images\\18.png"}, "18")
    Image.new("RGB", (9, 9)).save(tmp_path / "19.png")
    dataset = LabelmeDetection(str(tmp_path))
    assert len(dataset) == 2 and [issue.code for issue in dataset.issues] == ["D116"]
    for line in ("18", "18.json", "18.png"):
        (tmp_path / "list.txt").write_text(line + "\n")
        dataset = LabelmeDetection(str(tmp_path), list_file="list.txt", labels=["dog", "cat"])
        assert [path.rsplit("/", 1)[1] for path in dataset.paths()] == ["18.png"] and dataset.issues == []
        assert dataset[0]["labels"].tolist() == [0, 1, 1]
    (tmp_path / "list.txt").write_text("81\n")
    with pytest.raises(DataError, match=r"D104[\s\S]*list.txt: line 1"):
        LabelmeDetection(str(tmp_path), list_file="list.txt")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (with_shapes(shape(None, [[1, 1], [2, 2]])), "D113", "needs a text 'label'"),
        (with_shapes(shape("cat", [[1, 1]])), "D113", "'points' of a rectangle"),
        (with_shapes(shape("cat", [[1, "a"], [2, 2]])), "D113", "'points' of a rectangle"),
        (with_shapes(shape("cat", [[1, 1], [1, 2]])), "D106", "no area"),
        (with_shapes(shape("cat", [[201, 1], [210, 20]])), "D107", "outside"),
        (with_shapes(), "D117", "has a box"),
        ({"images": []}, "D113", "has no list 'shapes'"),
        ([1], "D113", "has no list 'shapes'"),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(tmp_path, content, code, words):
    with pytest.raises(DataError) as error:
        LabelmeDetection(str(write(tmp_path, content)))
    assert error.value.issues[0].code == code and words in str(error.value)


def test_a_key_that_is_written_twice_is_an_error(tmp_path):
    write(tmp_path)
    text = json.dumps(CONTENT)
    (tmp_path / "17.json").write_text(text[:-1] + ', "shapes": []}')
    with pytest.raises(DataError, match=r"D112.*'shapes' is there twice"):
        LabelmeDetection(str(tmp_path))


def test_chinese_files_are_read_in_their_encoding(tmp_path):
    write(tmp_path)
    text = json.dumps(with_shapes(shape("张三", [[1, 1], [9, 9]])), ensure_ascii=False)
    (tmp_path / "17.json").write_bytes(text.encode("gbk"))
    assert LabelmeDetection(str(tmp_path), encoding="gbk").labels == ["张三"]
    with pytest.raises(DataError, match=r"D112[\s\S]*encoding: gbk"):
        LabelmeDetection(str(tmp_path))


@pytest.mark.parametrize("path", scalars(CONTENT), ids=lambda path: ".".join(map(str, path)))
def test_each_scalar_is_read_or_reported(tmp_path, path):
    expected, value = contents(LabelmeDetection(str(write(tmp_path)))), CONTENT
    for key in path:
        value = value[key]
    for other in spellings(value) if value is not None else ["", [], "x", -1, 1.5]:
        if path[-1] == "label" and isinstance(other, str) and other.strip() not in ("", value):
            continue  # another name is another class
        if path[-1] == "difficult" and other is True:
            continue
        write(tmp_path, replaced(CONTENT, path, other))
        assert is_read_or_reported(lambda: LabelmeDetection(str(tmp_path)), expected, "17.json"), other
