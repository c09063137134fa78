"""Readers of pairs, of images without pairs and of attributes, noise, and label maps as inputs."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample, DataError
from PaddleCV.data.attribute_images import AttributeImages
from PaddleCV.data.image_pairs import ImagePairs
from PaddleCV.data.label_map_image import DecodeLabelMap
from PaddleCV.data.noise import FixedNoise, RandomNoise, SeededNoise
from PaddleCV.data.unpaired_images import RandomPartner, UnpairedImages
from PaddleCV.tools.make_translations import make_translations


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "set"
    make_translations(folder, train=6, evaluation=3)
    return folder


def test_pairs_are_read_in_both_directions(made):
    there, back = (ImagePairs(made, "pairs_train.txt", direction) for direction in ("AtoB", "BtoA"))
    assert len(there) == 6 and "outlines" in there[2]["path"] and "images" in there[2]["target_path"]
    assert there[2]["path"] == back[2]["target_path"] and there[2]["target_path"] == back[2]["path"]
    assert there.check(deep=True) == []


@pytest.mark.parametrize(
    ("line", "says"), [("outlines/a.png", "has 1 fields, not 2"), ("images/train_0000.png images/x.png", "missing")]
)
def test_a_bad_pair_is_named_with_its_line(made, tmp_path, line, says):
    (made / "bad.txt").write_text(f"outlines/train_0000.png images/train_0000.png\n\n{line}\n")
    with pytest.raises(DataError, match=says) as caught:
        ImagePairs(made, "bad.txt")
    assert "line 3" in str(caught.value)
    assert len(ImagePairs(made, "bad.txt", bad_samples="skip") if "fields" in says else "x") == 1


def test_images_without_pairs_get_another_partner(made):
    (made / "two.txt").write_text("images/train_0000.png\nimages/train_0001.png\n")
    data = UnpairedImages(made, "train_a.txt", "two.txt")
    assert len(data) == 6 and data[3]["image_b_path"] == data[1]["image_b_path"] != data[0]["image_b_path"]
    assert RandomPartner()(data[0], random_for(0), [data[1]]) == {
        "path": data[0]["path"],
        "image_b_path": data[1]["image_b_path"],
    }
    (made / "empty.txt").write_text("\n")
    with pytest.raises(DataError, match="lists no image"):
        UnpairedImages(made, "train_a.txt", "empty.txt")


def celeba(made, rows, names="Child Young Male", count=None):
    text = f"{len(rows)}\n{names}\n" + "".join(f"{row}\n" for row in rows)
    (made / "attr.txt").write_text(text)
    return {"root": made, "list_file": "attr.txt", "images": "images", "count": count}


def test_attributes_are_read_by_name_and_a_change_is_asked_for(made):
    given = celeba(made, ["train_0000.png -1 1 1", "train_0001.png 1 -1 -1", "train_0002.png -1 1 -1"])
    data = AttributeImages(**given, attributes=["Male", "Child", "Young"], exclusive=[["Child", "Young"]])
    assert data.labels == ["Male", "Child", "Young"] and data.targets.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert data[0]["target"].tolist() == [0, -1, -1]  # Male is taken away
    assert data[1]["target"].tolist() == [-1, 0, 1]  # Child already: the next one of the group
    assert data[2]["target"].tolist() == [-1, 1, 0]  # Young already: Child
    assert AttributeImages(**{**given, "count": 1}, first=1).targets.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("row", ["train_0000.png 1 1", "train_0000.png 1 0 1"])
def test_a_bad_line_of_attributes_is_named(made, row):
    with pytest.raises(DataError, match="is no image with its attributes") as caught:
        AttributeImages(**celeba(made, ["train_0001.png 1 1 1", row]))
    assert "line 4" in str(caught.value)


def test_an_unknown_attribute_is_refused_with_the_nearest(made):
    with pytest.raises(ValueError, match="no attribute 'Mael'; did you mean 'Male'"):
        AttributeImages(**celeba(made, ["train_0001.png 1 1 1"]), attributes=["Mael"])


def test_noise_is_new_fixed_or_of_a_seed():
    first, second = (RandomNoise(50)({}, random_for(k))["noise"] for k in (1, 2))
    assert first.dtype == np.float32 and np.abs(first).max() <= 1 and not np.array_equal(first, second)
    fixed = [FixedNoise(5)({"path": path}, random_for(k))["noise"] for k, path in ((1, "a/x"), (2, "b/x"), (1, "a/y"))]
    assert np.array_equal(fixed[0], fixed[1]) and not np.array_equal(fixed[0], fixed[2])
    seeded = SeededNoise(5, ["T-shirt", "a, b"])
    boot = seeded({"text_a": "T-shirt, 7"}, None)
    assert boot["label"] == 0 and np.array_equal(
        boot["noise"], SeededNoise(5, classes=False)({"text_a": "7"}, 0)["noise"]
    )
    assert seeded({"text_a": "a, b, 7"}, None)["label"] == 1
    assert np.array_equal(seeded({"text_a": "T-shirt"}, None)["noise"], seeded({"text_a": "T-shirt,0"}, None)["noise"])


@pytest.mark.parametrize(
    ("text", "says"), [("shoe, 7", "'shoe' is no class"), ("T-shirt, x", "does not end in a seed")]
)
def test_a_text_that_asks_for_no_image_is_refused(text, says):
    with pytest.raises(BadSample, match=says):
        SeededNoise(5, ["T-shirt"])({"text_a": text}, None)


def test_a_label_map_is_read_from_gray_and_colors_are_refused():
    ids = np.array([[0, 3], [11, 3]], np.uint8)
    sample = DecodeLabelMap()({"image": ids[..., None].repeat(3, 2)}, None)
    assert sample["mask"].tolist() == ids.tolist() and sample["image"].shape == (2, 2, 3)
    assert len({tuple(color) for color in sample["image"].reshape(4, 3).tolist()}) == 3
    with pytest.raises(BadSample, match="colors instead of class ids"):
        DecodeLabelMap()({"image": np.arange(12, dtype=np.uint8).reshape(2, 2, 3)}, None)
