"""Records and drawings of semantic segmentation, in the pixels of the original images."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from common.build.inputs import check_transforms
from common.data.transform import random_for
from common.errors import ConfigError
from common.inference.drawing import color_of
from common.inference.run import log_threshold
from common.inference.tasks.semantic_segmentation import SemanticSegmentation
from common.vision.crop import CenterCrop
from common.vision.decode import Decode
from common.vision.instance_masks import decode_masks
from common.vision.resize import LetterBox, Pad, Resize, ResizeShort
from PaddleCV.models.segmentors.segmentor import Segmentor

MASK = np.zeros((40, 60), np.uint8)
MASK[10:30, 20:40], MASK[30:] = 1, 2  # borders that every transform below keeps between two pixels


def prepared(transform, mask=MASK):
    """A sample of an image with this mask after a transform; its mask is what a perfect model says."""
    sample = {"image": np.zeros((*mask.shape, 3), np.uint8), "mask": mask, "path": "x"}
    sample = Decode()(sample, random_for(0))
    return sample if transform is None else transform(sample, random_for(0))


def records_of(sample, threshold=0.0, labels=("sky", "cat", "dog")):
    (found,) = SemanticSegmentation().records({"label_map": sample["mask"][None]}, [sample], labels, threshold)
    return found


@pytest.mark.parametrize(
    "transform",
    [None, Resize([80, 30]), ResizeShort(80), LetterBox(120, ignore=0), Pad(divisor=64, ignore=1)],
    ids=lambda transform: type(transform).__name__,
)
def test_masks_are_those_of_the_original_image(transform):
    found = records_of(prepared(transform))
    assert [(item["label"], item["category_id"]) for item in found] == [("sky", 0), ("dog", 2), ("cat", 1)]
    masks = decode_masks([item["mask"] for item in found], *MASK.shape)
    assert all((mask == (item["category_id"] == MASK)).all() for mask, item in zip(masks, found))
    assert [item["share"] for item in found] == [0.5833, 0.25, 0.1667]
    assert json.loads(json.dumps(found)) == found


def test_small_shares_are_left_out_and_numbers_beyond_the_names_name_themselves():
    assert [item["category_id"] for item in records_of(prepared(None), 0.2)] == [0, 2]
    assert [item["label"] for item in records_of(prepared(None), labels=["sky"])] == ["sky", "2", "1"]


def test_the_log_says_that_the_threshold_is_one_of_shares(caplog):
    with caplog.at_level("INFO"):
        log_threshold(SimpleNamespace(task=SemanticSegmentation(), threshold_from=None), 0.25)
    assert "pixel share threshold 0.25: --threshold" in caplog.text


def test_a_crop_cannot_be_mapped_back():
    with pytest.raises(ConfigError, match="cannot be mapped back"):
        records_of(prepared(CenterCrop(20)))


@pytest.mark.parametrize("transform", [CenterCrop(20), Pad(64, center=True)])
def test_preprocessing_that_moves_the_image_is_refused_before_a_training(transform):
    class Model:
        inputs, original_pixels = {"image": ()}, Segmentor.original_pixels

    with pytest.raises(ConfigError, match="moves the image within the input"):
        check_transforms([Decode(), transform], Model(), ["a", "b"], "data.eval", "Segmentor")
    check_transforms([Decode(), Pad(64)], Model(), ["a", "b"], "data.eval", "Segmentor")


def test_overlays_are_drawn_where_the_classes_are_with_a_legend():
    sample = prepared(None, np.kron(MASK, np.ones((8, 8), np.uint8)))
    found = records_of(sample)
    drawn = SemanticSegmentation().draw(sample["image"], found)
    assert not sample["image"].any() and drawn.shape == sample["image"].shape
    places = {0: (200, 470), 1: (160, 240), 2: (300, 300)}
    for number, place in places.items():
        np.testing.assert_allclose(drawn[place], np.array(color_of(number)) / 2, atol=1)
    assert (drawn[2:12, 4:60] == color_of(0)).all(-1).any()  # the ground of the first name
    small = prepared(None)
    assert SemanticSegmentation().draw(small["image"], records_of(small)).shape == (160, 240, 3)  # beside the legend
    lines = SemanticSegmentation().line({"name": "a.png"}, found).splitlines()
    assert lines == ["a.png: 3 classes", "  sky 0.583", "  dog 0.250", "  cat 0.167"]
