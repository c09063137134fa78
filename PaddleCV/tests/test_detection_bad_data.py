"""Invalid annotations and images: each is reported with code, place and fix, in at most twelve lines."""

import copy
import json
import random
import struct
import zlib

import pytest
from PIL import Image

from common.errors import DataError, DataIssue
from PaddleCV.data.coco import CocoDetection


def png_header(width, height):
    """A 1-bit PNG with a header of a huge size and no data."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.fixture
def coco(tmp_path):
    """A folder with three images, and the content of a valid JSON file."""
    (tmp_path / "images").mkdir()
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        pixels = random.Random(name).randbytes(100 * 80 * 3)
        Image.frombytes("RGB", (100, 80), pixels).save(tmp_path / "images" / name)
    images = [{"id": i, "file_name": f"{n}.jpg", "width": 100, "height": 80} for i, n in ((11, "one"), (12, "two"))]
    boxes = [
        {"id": 71, "image_id": 11, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0},
        {"id": 72, "image_id": 12, "category_id": 5, "bbox": [0, 0, 99.5, 79.5], "area": 7910.25, "iscrowd": 0},
        {"id": 73, "image_id": 12, "category_id": 5, "bbox": [1, 1, 1, 1], "area": 1, "iscrowd": 0},
    ]
    return tmp_path, {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 5, "name": "a"}, {"id": 1, "name": "b"}],
    }


def read(folder, content, deep=False, **keywords):
    """All issues of a content, from the constructor or from the check."""
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "ann.json").write_text(text, encoding="utf-8")
    return issues_of(lambda: CocoDetection(str(folder), "ann.json", "images", **keywords), deep)


def issues_of(construct, deep=False):
    """The issues and the text of the error, if there was one."""
    try:
        return construct().check(deep), ""
    except DataError as error:
        assert error.exit_code == 3
        text = str(error)
        assert "Traceback" not in text and len(text.splitlines()) <= 12
        assert all(isinstance(issue, DataIssue) for issue in error.issues)
        return error.issues, text


def put(*path, value):
    """A fault that sets a nested value."""

    def fault(content):
        at = content
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return fault


def take(*path):
    """A fault that removes a nested key."""

    def fault(content):
        at = content
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]

    return fault


def box(value):
    return put("annotations", 0, "bbox", value=value)


def misspell(annotation):
    annotation["box"] = annotation.pop("bbox")


def normalize(content):
    content["annotations"][0]["bbox"] = [0.1, 0.2, 0.25, 0.125]


def swap_sizes(content):
    content["images"][0].update(width=80, height=100)


# (what, fault, code, severity, what the message names)
FAULTS = [
    ("no images", take("images"), "D113", "error", ["'images'"]),
    ("misspelled annotations", lambda c: c.update(annotation=c.pop("annotations")), "D113", "error", ["'annotation'?"]),
    ("no categories", take("categories"), "D113", "error", ["'categories'"]),
    ("categories no list", put("categories", value={}), "D113", "error", ["'categories'", "dict"]),
    ("empty categories", put("categories", value=[]), "D117", "error", ["'categories'"]),
    ("no file_name", take("images", 1, "file_name"), "D113", "error", ["images[1]", "'file_name'"]),
    ("no image id", take("images", 1, "id"), "D113", "error", ["images[1]", "'id'"]),
    ("image id of text", put("images", 1, "id", value="x"), "D113", "error", ["images[1]", "'id'"]),
    ("image no object", put("images", 0, value=3), "D113", "error", ["images[0]"]),
    ("no bbox", take("annotations", 1, "bbox"), "D113", "error", ["annotations[1] (id=72)", "'bbox'"]),
    (
        "misspelled bbox",
        lambda c: c["annotations"][1].update(box=c["annotations"][1].pop("bbox")),
        "D113",
        "error",
        ["'box'?"],
    ),
    ("bbox of three", box([1, 2, 3]), "D113", "error", ["annotations[0] (id=71)", "[1, 2, 3]"]),
    ("bbox of text", box("1,2,3,4"), "D113", "error", ["annotations[0]", "1,2,3,4"]),
    ("bbox null", box(None), "D113", "error", ["annotations[0]", "None"]),
    ("annotation no object", put("annotations", 0, value=[]), "D113", "error", ["annotations[0]"]),
    ("no category_id", take("annotations", 0, "category_id"), "D113", "error", ["'category_id'"]),
    ("no image_id", take("annotations", 0, "image_id"), "D113", "error", ["'image_id'"]),
    ("unknown category", put("annotations", 0, "category_id", value=7), "D109", "error", ["id=71", "7", "1, 5"]),
    ("category of a list", put("annotations", 0, "category_id", value=[1]), "D109", "error", ["id=71", "[1]"]),
    ("category without name", take("categories", 0, "name"), "D113", "error", ["categories[0]", "'name'"]),
    ("category id twice", put("categories", 0, "id", value=1), "D115", "error", ["categories[1]", "1"]),
    ("category name twice", put("categories", 0, "name", value="b"), "D115", "error", ["categories[1]", "b"]),
    ("image id twice", put("images", 1, "id", value=11), "D115", "error", ["images[1]", "11", "two.jpg"]),
    ("image listed twice", put("images", 1, "file_name", value="one.jpg"), "D115", "warning", ["images[1]", "one.jpg"]),
    ("annotation id twice", put("annotations", 1, "id", value=71), "D115", "warning", ["71"]),
    ("image unknown", put("annotations", 0, "image_id", value=99), "D116", "warning", ["id=71", "99"]),
    ("no width", box([10, 10, 0, 5]), "D106", "error", ["annotations[0] (id=71, image_id=11)", "one.jpg", "bad_boxes"]),
    ("negative height", box([10, 10, 5, -3]), "D106", "error", ["annotations[0] (id=71", "100x80"]),
    ("box outside", box([200, 10, 5, 5]), "D107", "error", ["annotations[0] (id=71", "(200, 10)", "100x80"]),
    ("box sticks out", box([90, 10, 30, 5]), "D107", "warning", ["annotations[0] (id=71", "120"]),
    ("normalized box", normalize, "D108", "error", ["annotations[0] (id=71", "normalized", "multiply"]),
    ("NaN in a box", box([float("nan"), 1, 2, 3]), "D119", "error", ["annotations[0] (id=71"]),
    ("infinite box", box([0, 1, float("inf"), 3]), "D119", "error", ["annotations[0] (id=71"]),
    ("no area", take("annotations", 0, "area"), "D114", "warning", ["'area'", "annotations[0]"]),
    ("no iscrowd", take("annotations", 0, "iscrowd"), "D114", "warning", ["'iscrowd'"]),
    ("no sizes", take("images", 0, "width"), "D114", "warning", ["images[0]"]),
    ("another size", put("images", 0, "width", value=640), "D111", "error", ["images[0] (id=11)", "640x80", "100x80"]),
    ("swapped size", swap_sizes, "D111", "error", ["80x100", "swapped"]),
    ("image missing", put("images", 0, "file_name", value="thre.jpg"), "D104", "error", ["images[0]", "'three.jpg'?"]),
    ("case of the name", put("images", 0, "file_name", value="One.JPG"), "D104", "error", ["'one.jpg'?"]),
    ("no box at all", put("annotations", value=[]), "D117", "error", ["none of the 2 images"]),
    ("no image at all", lambda c: c.update(images=[], annotations=[]), "D117", "error", ["no image"]),
]


def test_a_valid_dataset_has_no_issues(coco):
    assert read(*coco, deep=True) == ([], "")


@pytest.mark.parametrize(
    ("fault", "code", "severity", "named"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_an_error_in_the_json_file_is_reported(coco, fault, code, severity, named):
    folder, content = coco
    content = copy.deepcopy(content)
    fault(content)
    issues, text = read(folder, content)
    assert [(issue.code, issue.severity) for issue in issues] == [(code, severity)]
    message = str(issues[0])
    assert "ann.json" in message or "one.jpg" in message
    assert [what for what in named if what not in message] == []
    assert text in ("", message)


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("", "D112", "line 1, column 1"),
        ('{"images": [],\n "annotations": [}', "D112", "line 2, column 18"),
        ("[]", "D113", "a list (a file of results?)"),
        ("3", "D113", "a int"),
        ("[" * 100_000, "D112", "nested"),
        ("{}", "D113", "'images'"),
    ],
)
def test_a_file_that_is_not_coco_json_is_refused(coco, text, code, named):
    issues, message = read(coco[0], text)
    assert issues[0].code == code and named in message and "ann.json" in message


def test_a_file_that_is_not_utf_8_is_reported_with_line_and_byte(coco):
    folder, content = coco
    content["categories"][0]["name"] = "中文"
    (folder / "gbk.json").write_bytes(json.dumps(content, ensure_ascii=False, indent=1).encode("gbk"))
    issues, message = issues_of(lambda: CocoDetection(str(folder), "gbk.json", "images"))
    assert issues[0].code == "D112" and "line " in issues[0].place and "encoding: gbk" in message
    assert CocoDetection(str(folder), "gbk.json", "images", encoding="gbk").labels == ["b", "中文"]


def test_a_missing_annotation_file_and_a_missing_folder_are_reported(coco):
    folder, content = coco
    issues, message = issues_of(lambda: CocoDetection(str(folder), "none.json", "images"))
    assert issues[0].code == "D104" and "none.json" in message
    (folder / "a.json").write_text(json.dumps(content))
    issues, message = issues_of(lambda: CocoDetection(str(folder), "a.json", "imgs"))
    assert {issue.code for issue in issues} == {"D104"} and "imgs does not exist" in message
    issues, message = issues_of(lambda: CocoDetection(str(folder), "images", "images"))
    assert issues[0].code == "D104" and "Is a directory" in message


@pytest.mark.parametrize(
    ("what", "data", "deep", "code", "severity"),
    [
        ("empty", b"", False, "D101", "error"),
        ("html", b"<html><body>404</body></html>", False, "D101", "error"),
        ("zeros", b"\0" * 4000, False, "D101", "error"),
        ("huge", png_header(30_000, 30_000), False, "D103", "error"),
        ("truncated", None, True, "D102", "error"),
        ("zeroed middle", None, True, "D102", "warning"),
    ],
)
def test_a_bad_image_is_reported(coco, what, data, deep, code, severity):
    folder, content = coco
    path = folder / "images/one.jpg"
    whole = path.read_bytes()
    if what == "truncated":
        data = whole[: len(whole) // 2]
    if what == "zeroed middle":
        data = whole[: len(whole) // 2] + b"\0" * 1000 + whole[len(whole) // 2 + 1000 :]
    path.write_bytes(data)
    issues, _ = read(folder, content, deep=deep)
    assert [(issue.code, issue.severity) for issue in issues] == [(code, severity)]
    assert issues[0].file == str(path)


def test_a_folder_in_place_of_an_image_is_reported(coco):
    folder, content = coco
    (folder / "images/one.jpg").unlink()
    (folder / "images/one.jpg").mkdir()
    issues, _ = read(folder, content)
    assert [issue.code for issue in issues] == ["D104"] and issues[0].file.endswith("one.jpg")


def test_an_orientation_tag_that_the_annotation_ignores_is_reported(coco):
    folder, content = coco
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 80)).save(folder / "images/one.jpg", exif=exif)
    issues, _ = read(folder, content)
    assert [issue.code for issue in issues] == ["D111"] and "EXIF" in issues[0].message
    content["images"][0].update(width=80, height=100)
    assert read(folder, content, deep=True) == ([], "")


def test_a_png_named_jpg_is_valid_and_an_extreme_aspect_ratio_is_a_warning(coco):
    folder, content = coco
    Image.new("RGB", (100, 80)).save(folder / "images/one.jpg", format="PNG")
    assert read(folder, content, deep=True) == ([], "")
    Image.new("L", (20_000, 2)).save(folder / "images/one.jpg", format="PNG")
    content["images"][0].update(width=20_000, height=2)
    content["annotations"][0]["bbox"] = [10, 0, 20, 2]
    issues, _ = read(folder, content)
    assert [(issue.code, issue.severity) for issue in issues] == [("D120", "warning")]


def test_forty_errors_are_shown_as_ten_and_a_count(coco):
    folder, content = coco
    content["annotations"] = [
        {"id": k, "image_id": 11, "category_id": 1, "bbox": [1, 1, 0, 5], "area": 0, "iscrowd": 0} for k in range(41)
    ]
    issues, message = read(folder, content)
    assert len(issues) == 41
    assert len(message.splitlines()) == 11
    assert message.splitlines()[-1] == "... and 31 more"
    assert message.splitlines()[9].startswith("error[D106]") and "annotations[9] (id=9" in message
