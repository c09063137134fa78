"""Annotations as real files hold them, through `tools/check.py` and `tools/train.py`."""

import json

import pytest

from tests.made.commands import command


def put(*path, value):
    """A fault that sets one value deep in the content."""

    def fault(content):
        at = content
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return fault


def take(*path):
    """A fault that removes one key deep in the content."""

    def fault(content):
        at = content
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]

    return fault


def box(*value):
    return put("annotations", 0, "bbox", value=list(value))


def twice(content):
    content["annotations"].append(dict(content["annotations"][0]))


def normalize(content):
    for item in content["annotations"]:
        item["bbox"] = [value / 96 for value in item["bbox"]]


# (what, fault, words of the message)
REFUSED = [
    ("no images", take("images"), ["D113", "'images'"]),
    ("no annotations", take("annotations"), ["D113", "'annotations'"]),
    ("no categories", take("categories"), ["D113", "'categories'"]),
    ("unknown category", put("annotations", 0, "category_id", value=77), ["D109", "annotations[0]", "77"]),
    ("category twice", put("categories", 0, "name", value="5"), ["D115", "categories[5]"]),
    ("image id twice", put("images", 1, "id", value=1), ["D115", "images[1]"]),
    ("file missing", put("images", 2, "file_name", value="train_0002.jpg"), ["D104", "images[2]", "did you mean"]),
    ("no file_name", take("images", 2, "file_name"), ["D113", "images[2]", "file_name"]),
    ("no width", box(5, 5, 0, 9), ["D106", "annotations[0]", "bad_boxes: drop"]),
    ("negative height", box(5, 5, 9, -1), ["D106", "annotations[0]"]),
    ("outside", box(500, 5, 9, 9), ["D107", "annotations[0]", "96x96"]),
    ("normalized", normalize, ["D108", "normalized"]),
    ("not finite", box(float("nan"), 5, 9, 9), ["D119", "annotations[0]"]),
    ("bbox of three", box(1, 2, 3), ["D113", "annotations[0]", "[1, 2, 3]"]),
    ("no bbox", take("annotations", 0, "bbox"), ["D113", "annotations[0]", "'bbox'"]),
    ("another size", put("images", 0, "width", value=640), ["D111", "images[0]", "640x96", "96x96"]),
    ("all empty", put("annotations", value=[]), ["D117", "24 images"]),
    ("no image at all", put("images", value=[]), ["D117", "lists no image"]),
    ("many faults", put("images", value=[{"id": n} for n in range(40)]), ["D113", "... and"]),
]


@pytest.mark.parametrize(("fault", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_fault_is_refused_with_its_place(dataset, fault, words):
    content = dataset.annotations()
    fault(content)
    dataset.annotate(content)
    answer = command("check", "--fast", *dataset.arguments())
    answer.refused(3, "annotations/train.json", *words)
    assert len(answer.out.splitlines()) <= 14


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [', ["D112", "line 1"]),
        ("", ["D112"]),
        ("[]", ["D113"]),
        ('{"images": [], "images": []}', ["D11"]),
        ("<html>404</html>", ["D112"]),
        ('{"images": [{"file_name": "中"}]}'.encode("gbk"), ["D112", "byte"]),
        ("[" * 100_000, ["D112"]),
    ],
    ids=["truncated", "empty", "a list", "a key twice", "html", "gbk", "deeply nested"],
)
def test_a_file_that_is_no_annotation_file_is_refused(dataset, text, words):
    dataset.annotate(text)
    command("check", "--fast", *dataset.arguments()).refused(3, "annotations/train.json", *words)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (take("annotations", 0, "area"), "D114"),
        (take("annotations", 0, "iscrowd"), "D114"),
        (box(90, 10, 30, 20), "D107"),
        (twice, "D115"),
        (put("annotations", 0, "image_id", value=999), "D116"),
    ],
    ids=["no area", "no iscrowd", "sticks out", "id twice", "of no image"],
)
def test_what_can_be_used_all_the_same_is_a_warning(dataset, fault, word):
    content = dataset.annotations()
    fault(content)
    dataset.annotate(content)
    answer = command("check", "--fast", *dataset.arguments())
    assert answer.code == 0 and f"warning[{word}]" in answer.out and "no errors, 1 warning\n" in answer.out


def test_a_clean_set_in_any_usual_form_raises_no_alarm(dataset):
    content = dataset.annotations()
    for item in content["categories"]:
        item["id"] = item["id"] * 10 + 7  # gaps
    for item in content["annotations"]:
        item["category_id"] = item["category_id"] * 10 + 7
    content["categories"].reverse()  # and no order
    content["annotations"] = [item for item in content["annotations"] if item["image_id"] != 1]  # background
    dataset.annotate(b"\xef\xbb\xbf" + json.dumps(content, indent=2).replace("\n", "\r\n").encode())
    answer = command("check", "--fast", *dataset.arguments("data.eval=null"))
    assert answer.code == 0 and "no problems found" in answer.out and "(1 without boxes)" in answer.err


def test_training_refuses_what_the_check_refuses_and_leaves_nothing_behind(dataset):
    content = dataset.annotations()
    box(500, 5, 9, 9)(content)
    dataset.annotate(content)
    command("train", *dataset.arguments()).refused(3, "D107", "annotations[0]", "annotations/train.json")
    assert not (dataset.place / "output").exists()


def test_boxes_to_be_dropped_are_dropped_and_a_corrected_copy_is_clean(dataset):
    content = dataset.annotations()
    box(500, 5, 9, 9)(content)
    dataset.annotate(content)
    fixed = dataset.digits / "annotations/fixed.json"
    drop = dataset.arguments("data.train.bad_boxes=drop")
    assert command("check", "--fast", "--fix", fixed, *drop).code == 0
    answer = command("check", "--fast", *dataset.arguments("data.train.annotations=annotations/fixed.json"))
    assert answer.code == 0 and "no problems found" in answer.out
    answer = command("check", "--fast", "--fix", dataset.digits / "annotations/train.json", *drop)
    answer.refused(2, "train.json", "another name")


def test_every_issue_is_written_as_a_line_of_json(dataset):
    content = dataset.annotations()
    for item in content["annotations"][:20]:
        item["bbox"] = [5, 5, 0, 0]
    dataset.annotate(content)
    issues = dataset.place / "reports/issues.jsonl"
    drop = dataset.arguments("data.train.bad_boxes=drop")
    assert command("check", "--fast", "--issues", issues, *drop).code == 0
    assert [json.loads(line)["code"] for line in issues.read_text().splitlines()] == ["D106"] * 20
    issues.unlink()
    command("check", "--fast", "--issues", issues, *dataset.arguments()).refused(3, "and 10 more")
    assert [json.loads(line)["severity"] for line in issues.read_text().splitlines()] == ["error"] * 20


VOC = "data.train={{type: VocDetection, root: {root}, list_file: {list}, labels: label_list.txt}}"


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("Annotations/train_00003.xml", "<annotation><object>", ["D112", "train_00003.xml", "line 1"]),
        ("Annotations/train_00003.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', ["D112"]),
        ("Annotations/train_00003.xml", "<html/>", ["D113", "<html>"]),
        ("label_list.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\nnine\n", ["D109", "object["]),
        ("label_list.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n3\n", ["D115", "3"]),
        ("ImageSets/Main/train.txt", "train_00000\na b c\n", ["D118", "line 2", "a b c"]),
        ("ImageSets/Main/train.txt", "train_00000\ntrain_0001\n", ["D104", "line 2", "did you mean"]),
        ("ImageSets/Main/train.txt", "\n\n", ["D117", "no image"]),
    ],
)
def test_faults_of_voc_files_are_refused_with_their_place(dataset, file, text, words):
    (dataset.digits / file).write_text(text)
    train = VOC.format(root=dataset.digits, list="ImageSets/Main/train.txt")
    command("check", "--fast", *dataset.arguments(train, "data.eval=null")).refused(3, *words)


def test_a_voc_list_with_a_mark_windows_lines_and_blank_ones_is_fine(dataset):
    text = "train_00000\r\ntrain_00001  \r\n\r\n".encode("utf-8-sig")
    (dataset.digits / "windows.txt").write_bytes(text)
    train = VOC.format(root=dataset.digits, list="windows.txt")
    answer = command("check", "--fast", *dataset.arguments(train, "data.eval=null"))
    assert answer.code == 0 and "data.train: 2 samples, 10 classes" in answer.out
