"""COCO JSON: valid files, and problems that are repaired."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.data.issues import check_before_training, write_issues
from common.errors import ConfigError, DataError, DataIssue
from PaddleCV.data.coco import CocoDetection


def write_image(path, size=(100, 80), **keywords):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(path, **keywords)


def box(number, image, category, corners, **more):
    record = {"id": number, "image_id": image, "category_id": category, "bbox": corners, "iscrowd": 0}
    return {**record, "area": corners[2] * corners[3], **more}


@pytest.fixture
def clean(tmp_path):
    """The content of a valid file whose images exist: unsorted categories with gaps, one image without boxes."""
    for name in ("a.jpg", "b c.png", "深/图🙂.jpg"):
        write_image(tmp_path / "images" / name)
    return {
        "images": [
            {"id": 30, "file_name": "a.jpg", "width": 100, "height": 80},
            {"id": 4, "file_name": "b c.png", "width": 100, "height": 80},
            {"id": 5, "file_name": "深/图🙂.jpg", "width": 100, "height": 80},
        ],
        "annotations": [
            box(1, 5, 17, [10, 20, 30, 40]),
            box(2, 30, 3, [0, 0, 100, 80]),
            box(3, 5, 3, [1.5, 2.5, 3.25, 4]),
            box(4, 5, 3, [0, 0, 50, 50], iscrowd=1),
        ],
        "categories": [{"id": 17, "name": "cat"}, {"id": 3, "name": "dog"}],
    }


def read(tmp_path, content, **keywords):
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    return CocoDetection(root=str(tmp_path), annotations="a.json", images="images", **keywords)


def test_a_clean_file_gives_its_samples_without_an_issue(tmp_path, clean):
    dataset = read(tmp_path, clean)
    assert dataset.check(deep=True) == []
    assert (dataset.labels, dataset.num_classes, dataset.category_ids) == (["dog", "cat"], 2, [3, 17])
    assert dataset.ids == [30, 4, 5] and len(dataset) == 3
    sample = dataset[2]
    assert sample["image_id"] == 5 and sample["path"].endswith("图🙂.jpg")
    assert sample["boxes"].tolist() == [[10, 20, 40, 60], [1.5, 2.5, 4.75, 6.5]]
    assert sample["labels"].tolist() == [1, 0] and sample["scores"].tolist() == [1, 1]
    kinds = {key: sample[key].dtype.name for key in ("boxes", "labels", "scores", "difficult", "crowd")}
    assert kinds == {"boxes": "float32", "labels": "int64", "scores": "float32", "difficult": "bool", "crowd": "bool"}
    assert set(dataset.padding) == {*kinds, "masks"}


def test_images_without_boxes_are_background_or_left_out(tmp_path, clean):
    assert read(tmp_path, clean)[1]["boxes"].shape == (0, 4)
    assert read(tmp_path, clean, with_empty=False).ids == [30, 5]


def test_crowd_boxes_are_used_in_evaluation_only(tmp_path, clean):
    dataset = read(tmp_path, clean)
    assert not any(sample["crowd"].any() for sample in dataset)
    content = dataset.annotations()
    assert [item["iscrowd"] for item in content["annotations"]] == [0, 0, 0, 1]
    assert [item["category_id"] for item in content["annotations"]] == [3, 17, 3, 3]
    assert content["categories"] == [{"id": 3, "name": "dog"}, {"id": 17, "name": "cat"}]


def test_a_sample_is_a_private_copy(tmp_path, clean):
    dataset = read(tmp_path, clean)
    dataset[2]["boxes"][:] = 0
    assert dataset[2]["boxes"].any()


def test_labels_choose_and_order_the_classes(tmp_path, clean):
    dataset = read(tmp_path, clean, labels=["cat", "dog"])
    assert dataset.labels == ["cat", "dog"] and dataset[2]["labels"].tolist() == [0, 1]
    dataset = read(tmp_path, clean, labels=["cat"])
    assert [len(sample["boxes"]) for sample in dataset] == [0, 0, 1]
    assert [issue.code for issue in dataset.check()] == ["D109"] and "3 times" in dataset.check()[0].message
    (tmp_path / "names.txt").write_text("\ufeffcat\r\ndog\r\n\r\n", encoding="utf-8")
    assert read(tmp_path, clean, labels="names.txt").labels == ["cat", "dog"]


def test_missing_area_and_crowd_are_filled_in_with_one_counted_warning_each(tmp_path, clean):
    for item in clean["annotations"]:
        del item["area"], item["iscrowd"]
    dataset = read(tmp_path, clean)
    assert dataset.annotations()["annotations"][0]["area"] == 8000
    messages = [issue.message for issue in dataset.issues]
    assert messages == [
        "'area' is missing, computed from the box (4 times, first one shown)",
        "'iscrowd' is missing, assumed 0 (4 times, first one shown)",
    ]


def test_boxes_that_exceed_the_image_are_clipped_for_training_and_kept_for_evaluation(tmp_path, clean):
    clean["annotations"][0]["bbox"] = [80, -10, 40, 40]
    dataset = read(tmp_path, clean)
    assert dataset[2]["boxes"][0].tolist() == [80, 0, 100, 30]
    assert dataset.annotations()["annotations"][1]["bbox"] == [80, -10, 40, 40]
    assert [(issue.code, issue.severity) for issue in dataset.issues] == [("D107", "warning")]
    clean["annotations"][0]["bbox"] = [80, 10, 20.3, 40]  # a rounding error, not reported
    assert read(tmp_path, clean).issues == []


def test_missing_sizes_are_read_from_the_upright_image(tmp_path, clean):
    exif = Image.Exif()
    exif[0x0112] = 6
    write_image(tmp_path / "images/a.jpg", (100, 80), exif=exif)
    for image in clean["images"]:
        del image["width"], image["height"]
    clean["annotations"][1]["bbox"] = [0, 0, 80, 100]
    dataset = read(tmp_path, clean)
    assert (dataset.images[0]["width"], dataset.images[0]["height"]) == (80, 100)
    assert [issue.code for issue in dataset.check()] == ["D114"]


def test_ids_in_quotes_or_as_floats_are_read(tmp_path, clean):
    clean["images"][0]["id"], clean["annotations"][1]["image_id"] = "30", 30.0
    clean["annotations"][1]["category_id"] = "3"
    dataset = read(tmp_path, clean)
    assert dataset.ids[0] == 30 and dataset[0]["labels"].tolist() == [0]


def test_a_byte_order_mark_and_other_encodings_are_read(tmp_path, clean):
    clean["categories"][0]["name"] = "猫"
    text = json.dumps(clean, ensure_ascii=False)
    for name, data, encoding in (("bom", text.encode("utf-8-sig"), "utf-8"), ("u16", text.encode("utf-16"), "utf-16")):
        (tmp_path / name).write_bytes(data)
        assert CocoDetection(str(tmp_path), name, "images", encoding=encoding).labels == ["dog", "猫"]
    with pytest.raises(ValueError, match="encoding 'klingon' is unknown"):
        CocoDetection(str(tmp_path), "bom", "images", encoding="klingon")


def test_dropped_boxes_leave_a_warning_and_a_corrected_file_reads_without_issue(tmp_path, clean):
    clean["annotations"] += [
        box(8, 30, 3, [5, 5, 0, 9]),
        box(9, 30, 3, [500, 5, 9, 9]),
        box(10, 30, 17, [90, 5, 30, 9]),
    ]
    clean["annotations"][0]["segmentation"] = [[1, 2, 3, 4, 5, 6]]
    clean["licenses"] = ["kept"]
    with pytest.raises(DataError):
        read(tmp_path, clean)
    dataset = read(tmp_path, clean, bad_boxes="drop")
    assert sorted(issue.code for issue in dataset.issues) == ["D106", "D107", "D107"]
    assert len(dataset[0]["boxes"]) == 2
    with pytest.raises(ValueError, match="bad_boxes is 'skip'; it must be error or drop"):
        read(tmp_path, clean, bad_boxes="skip")
    dataset.write_fixed(tmp_path / "fixed.json")
    fixed = CocoDetection(str(tmp_path), "fixed.json", "images")
    assert fixed.check(deep=True) == []
    assert all(np.array_equal(a["boxes"], b["boxes"]) for a, b in zip(dataset, fixed))
    content = json.loads((tmp_path / "fixed.json").read_text())
    assert content["licenses"] == ["kept"] and content["annotations"][0]["segmentation"] == [[1, 2, 3, 4, 5, 6]]
    with pytest.raises(ConfigError, match="is the source file"):
        dataset.write_fixed(tmp_path / "a.json")


def test_a_few_bad_images_can_be_skipped_but_not_many(tmp_path, clean):
    (tmp_path / "images/a.jpg").unlink()
    dataset = read(tmp_path, clean, bad_samples="skip")
    assert dataset.ids == [4, 5]
    assert [(issue.code, issue.severity) for issue in dataset.check()] == [("D104", "warning")]
    check_before_training({"train": dataset, "eval": None})
    (tmp_path / "images/b c.png").unlink()
    with pytest.raises(DataError):
        read(tmp_path, clean, bad_samples="skip")


def test_the_check_is_cached_until_a_file_changes(tmp_path, clean, monkeypatch):
    dataset = read(tmp_path, clean)
    write_image(tmp_path / "images/a.jpg", (80, 100))
    cache = tmp_path / "cache"
    assert [issue.code for issue in dataset.check(cache=cache)] == ["D111"]
    monkeypatch.setattr("PaddleCV.data.detection.check_images", lambda *_: pytest.fail("checked again"))
    assert [issue.code for issue in dataset.check(cache=cache)] == ["D111"]
    monkeypatch.undo()
    write_image(tmp_path / "images/a.jpg", (100, 80))
    assert dataset.check(cache=cache) == []


def test_issues_are_written_as_json_lines(tmp_path, clean):
    del clean["annotations"][0]["area"]
    write_issues(tmp_path / "out/issues.jsonl", read(tmp_path, clean).check())
    (line,) = (tmp_path / "out/issues.jsonl").read_text().splitlines()
    assert json.loads(line)["code"] == "D114" and json.loads(line)["place"] == "annotations[0] (id=1, image_id=5)"


coordinate = st.floats(0, 90, width=32)
extent = st.floats(1.25, 10, width=32)  # a box of one pixel in the corner may look normalized
boxes = st.lists(
    st.tuples(coordinate, coordinate, extent, extent, st.sampled_from([2, 40, 41]), st.booleans()), max_size=6
)


@settings(max_examples=25, deadline=None)
@given(images=st.lists(boxes, min_size=1, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("coco")
    content = {"images": [], "annotations": [], "categories": [{"id": i, "name": f"c{i}"} for i in (41, 2, 40)]}
    write_image(folder / "images/0.jpg")
    (folder / "images/0.jpg").rename(folder / "images/x.jpg")
    for index, items in enumerate(images):
        (folder / f"images/{index}.jpg").hardlink_to(folder / "images/x.jpg")
        content["images"].append({"id": index * 2, "file_name": f"{index}.jpg", "width": 100, "height": 100})
        for x, y, w, h, category, crowd in items:
            record = box(len(content["annotations"]) + 1, index * 2, category, [x, y, w, h], iscrowd=int(crowd))
            content["annotations"].append(record)
    if all(record["iscrowd"] for record in content["annotations"]):
        with pytest.raises(DataError, match="D117"):
            read(folder, content)
        return
    dataset = read(folder, content)
    for index, items in enumerate(images):
        kept = [item for item in items if not item[5]]
        expected = np.array([[x, y, x + w, y + h] for x, y, w, h, *_ in kept]).reshape(-1, 4)
        assert np.allclose(dataset[index]["boxes"], expected)
        assert dataset[index]["labels"].tolist() == [[2, 40, 41].index(item[4]) for item in kept]
    again = read(folder, dataset.annotations())
    assert again.annotations() == dataset.annotations()


@pytest.mark.parametrize("spelling", [0, "0", "false", "No", False, 0.0])
def test_a_crowd_flag_is_read_as_it_is_meant(tmp_path, clean, spelling):
    clean["annotations"][0]["iscrowd"] = spelling
    assert read(tmp_path, clean)._for_training(np.arange(4)).sum() == 3
    clean["annotations"][0]["iscrowd"] = {"0": "1", "false": "true", "No": "yes"}.get(spelling, not spelling)
    assert read(tmp_path, clean)._for_training(np.arange(4)).sum() == 2


def test_boxes_that_are_all_crowds_cannot_be_trained_on(tmp_path, clean, caplog):
    for item in clean["annotations"][:2]:
        item["iscrowd"] = 1
    assert [issue.message for issue in read(tmp_path, clean).issues] == [
        "3 of 4 boxes are crowds or difficult, and are not trained on"
    ]
    assert "not trained on: 3 crowd boxes" in caplog.text
    clean["annotations"][2]["iscrowd"] = 1
    with pytest.raises(DataError, match=r"D117.*none of the 4 boxes can be trained on: 4 are crowds"):
        read(tmp_path, clean)


def test_boxes_written_as_corners_are_recognized(tmp_path, clean):
    corners = ([40, 30, 90, 70], [60, 10, 95, 40], [5, 60, 20, 79], [1, 2, 30, 40])
    for item, box_ in zip(clean["annotations"], corners, strict=True):
        item["bbox"] = box_
    found = [issue for issue in read(tmp_path, clean).issues if issue.code == "D108"]
    assert [issue.message.startswith("bbox looks like corners: 3 of 4 boxes") for issue in found] == [True]
    clean["annotations"][0]["bbox"] = [40, 30, 20, 10]  # no corners: a box that ends before it begins
    assert "D108" not in [issue.code for issue in read(tmp_path, clean).issues]


def test_a_key_that_is_written_twice_is_an_error_with_its_line(tmp_path, clean):
    text = json.dumps(clean, indent=1)
    (tmp_path / "a.json").write_text(text[:-1] + ',\n"annotations": []}', encoding="utf-8")
    with pytest.raises(DataError, match=rf"D112.*'annotations'[^:]*: line {text.count(chr(10)) + 2}") as error:
        CocoDetection(str(tmp_path), "a.json", "images")
    assert error.value.issues[0].place.startswith(f"line {text.count(chr(10)) + 2}, ")


def test_a_corrected_file_keeps_ids_in_quotes_and_recomputes_the_area_of_clipped_boxes(tmp_path, clean):
    for image in clean["images"]:
        image["id"] = str(image["id"])
    for item in clean["annotations"]:
        item["image_id"] = str(item["image_id"])
    clean["annotations"][0]["bbox"], clean["annotations"][0]["area"] = [80, 70, 40, 40], 1600
    clean["annotations"][2]["bbox"], clean["annotations"][2]["area"] = [90, 2.1, 40, 10], 30
    read(tmp_path, clean).write_fixed(tmp_path / "fixed.json")
    fixed = json.loads((tmp_path / "fixed.json").read_text())
    assert [image["id"] for image in fixed["images"]] == ["30", "4", "5"]
    assert [item["image_id"] for item in fixed["annotations"]] == ["5", "30", "5", "5"]
    assert [item["area"] for item in fixed["annotations"]] == [200, 8000, 30, 2500]  # 30 is the area of a mask
    assert fixed["annotations"][1]["bbox"] == [0, 0, 100, 80]


def test_class_names_lose_the_blanks_around_them_and_alike_ones_are_reported(tmp_path, clean):
    clean["categories"][0]["name"] = " Dog"
    dataset = read(tmp_path, clean)
    assert dataset.labels == ["dog", "Dog"]
    assert sorted((issue.code, issue.value) for issue in dataset.issues) == [
        ("D109", "' Dog'"),
        ("D109", "'Dog', 'dog'"),
    ]


def test_issues_of_files_whose_names_are_not_utf_8_are_written(tmp_path):
    issue = DataIssue("D102", "error", "/a/\udcd5\udcc5.jpg", "is damaged")
    write_issues(tmp_path / "issues.jsonl", [issue])
    assert json.loads((tmp_path / "issues.jsonl").read_text(encoding="utf-8"))["file"] == issue.file


@pytest.mark.parametrize(("orientation", "warned"), [(1, 0), (2, 1), (3, 1), (4, 1), (6, 0), (8, 0)])
def test_images_turned_by_their_orientation_are_counted(tmp_path, clean, caplog, orientation, warned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    write_image(tmp_path / "images/a.jpg", (100, 80) if orientation < 5 else (80, 100), exif=exif)
    issues = read(tmp_path, clean).check()
    assert [issue.code for issue in issues] == ["D111"] * warned
    assert ("1 of 3 images are turned upright" in caplog.text) == (orientation > 1)
