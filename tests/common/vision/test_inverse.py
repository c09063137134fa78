"""Round trip of evaluation pipelines: what the model undoes is exact, and everything else is refused."""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import common.vision
from common.data.transform import Transform, random_for
from common.vision.color import Normalize
from common.vision.crop import CenterCrop
from common.vision.decode import Decode
from common.vision.inverse import WatchedRandom, apply, first_lasting, first_random, synthetic_sample
from common.vision.resize import LetterBox, Pad, Resize, ResizeLong, ResizeShort
from common.vision.samples import On, PerFrame

ARGUMENTS = {  # of constructors without defaults; several for transforms that move pixels in several ways
    "Resize": [{"size": 32}, {"size": [64, 32]}, {"size": 32, "keep_ratio": True}, {"size": 32, "interp": "random"}],
    "ResizeShort": [{"size": 32}, {"size": 32, "max_size": 40}, {"size": [32, 48]}],
    "ResizeLong": [{"size": 32}],
    "ResizeLimits": [{"short": 32, "long": 64}],
    "ResizeHeight": [{"height": 32, "max_width": 64}],
    "Pad": [{"size": 600}, {"divisor": 32}, {"size": 600, "center": True}, {"divisor": 32, "center": True}],
    "LetterBox": [{"size": 64}, {"size": 64, "fill": 255}, {"size": 64, "fill": 0}, {"size": 64, "center": True}],
    "CenterCrop": [{"size": 32}],
    "RandomPersonCrop": [{"labels": ["nose"]}],
    "RandomCropToSize": [{"size": 32}],
    "ResizeBatch": [{"sizes": [32]}, {"sizes": [32, 64]}],
    "Mosaic": [{"size": 64}],
    "DecodeChannels": [{"channels": 3}],
    "RandomFlip": [{"prob": 1.0}, {"prob": 0.0, "vertical_prob": 1.0}],
    "MixupLabels": [{"num_classes": 2}],
    "CutMix": [{"num_classes": 2}],
    "On": [{"key": "image", "transforms": [Resize(32)]}, {"key": "image", "transforms": [CenterCrop(32)]}],
    "MultiScaleCrop": [{"size": 32}],
    "PerFrame": [{"transforms": [Resize(32)]}],
}


def transforms_of(package):
    """All transform classes in the modules of a package."""
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        members = vars(importlib.import_module(f"{package.__name__}.{module.name}")).values()
        found |= {kind.__name__: kind for kind in members if inspect.isclass(kind) and issubclass(kind, Transform)}
    return [kind for kind in found.values() if kind is not Transform]


OF_OTHERS = (
    "common.vision.clips",
    "common.vision.area_crops",
    "common.vision.feature_files",
    "common.vision.moments",
    "common.vision.segments",
    "common.vision.point_files",
    "common.vision.point_clouds",
    "common.vision.image_frame",
    "common.vision.scene_changes",
    "common.vision.tracking",
)  # they take files of frames, of features or of points
IMAGES = [kind for kind in transforms_of(common.vision) if kind.__module__ not in OF_OTHERS]
CASES = [(kind, given) for kind in IMAGES for given in ARGUMENTS.get(kind.__name__, [{}])]


def undone(transform, height, width):
    """(boxes back in the original image, kept labels, boxes of the original) after a transform between the usual ones.

    The arithmetic is that of `PaddleCV.models.boxes.original_boxes`, written out here again.
    """
    sample = Decode()(synthetic_sample(height, width, 255), random_for(0))
    truth = sample["boxes"].copy()
    sample = apply(transform, sample, random_for(1))
    scale = np.tile(sample["scale_factor"][::-1], 2)
    limits = np.tile(np.round(sample["im_shape"] / sample["scale_factor"])[::-1], 2)
    return np.clip(sample["boxes"] / scale, 0, limits), sample["labels"], truth


def name_of(value):
    """The name of a case, the same in every process: without the addresses of objects."""
    return getattr(value, "__name__", None) or re.sub(r"<[\w.]+\.(\w+) object at \w+>", r"\1", str(value))


@pytest.mark.parametrize(("kind", "given"), CASES, ids=name_of)
def test_a_transform_is_undone_exactly_or_is_refused(kind, given):
    transform = kind(**given)
    pipeline = [transform] if kind is Decode else [Decode(), transform]
    if first_random(pipeline) is not None or first_lasting(pipeline) is not None or kind is PerFrame:
        return
    for height, width in ((24, 40), (77, 31), (120, 240), (333, 500)):
        boxes, left, truth = undone(transform, height, width)
        assert len(left) == 2
        np.testing.assert_allclose(boxes, truth[left], atol=0.02)


@pytest.mark.parametrize(("kind", "given"), CASES, ids=name_of)
def test_a_transform_that_draws_numbers_is_random(kind, given):
    transform, watched = kind(**given), WatchedRandom()
    sample = synthetic_sample(24, 40, 255) | {"label": 1}
    if not transform.extra and not hasattr(transform, "transforms"):
        apply(transform, sample, watched) if kind is Decode else apply(transform, Decode()(sample, None), watched)
    assert (first_random([Decode(), transform]) == 1) == (watched.drawn or transform.augments)


def flipped_pixels(sample, rng):
    """Flips the pixels and forgets the boxes, as a transform of a kit may do."""
    sample["image"] = np.ascontiguousarray(sample["image"][:, ::-1])
    return sample


@pytest.mark.parametrize(
    ("steps", "culprit"),
    [
        ([Resize([64, 96]), Normalize()], None),
        ([ResizeShort(48), Pad(divisor=32), Normalize()], None),
        ([LetterBox(64, fill=255), Normalize(mean=[0.5], std=[0.5])], None),
        ([LetterBox(64, center=True), Normalize()], 1),
        ([LetterBox(64, center=True, fill=255), Normalize()], 1),
        ([Resize(64, keep_ratio=True), Pad(64, center=True), Normalize()], 2),
        ([ResizeShort(48), CenterCrop(48), Normalize()], 2),
        ([CenterCrop(400), Resize(64)], 1),
        ([ResizeLong(64), Normalize()], None),
        ([On("image", [LetterBox(64, center=True)]), Normalize()], 1),
    ],
)
def test_the_transform_that_cannot_be_undone_is_found(steps, culprit):
    assert first_lasting([Decode(), *steps]) == culprit
    assert first_random([Decode(), *steps]) is None


def test_pixels_that_move_without_their_boxes_are_found():
    kind = type("Mirror", (Transform,), {"__call__": lambda self, sample, rng: flipped_pixels(sample, rng)})
    assert first_lasting([Decode(), Resize(64), kind(), Normalize()]) == 2


def test_random_transforms_are_found_inside_of_others():
    inner = next(kind for kind, _ in CASES if kind.__name__ == "RandomFlip")(prob=0.01)
    assert first_random([Decode(), Resize(8), On("image", [inner])]) == 2
    assert first_random([PerFrame([Decode(), Resize(8)]), Normalize()]) is None
