"""On and PerFrame: image transforms applied to several images of a sample, and to the frames of a clip."""

import cv2
import numpy as np
import pytest

from common.data.collate import collate
from common.data.pipeline import Pipeline
from common.data.transform import Transform, random_for
from common.errors import BadSample, ConfigError
from common.vision.affine import RandomFlip
from common.vision.batch import ResizeBatch
from common.vision.color import Normalize, RandomDistort
from common.vision.crop import RandomCropToSize
from common.vision.decode import Decode
from common.vision.mix import Mixup
from common.vision.resize import Resize
from common.vision.samples import On, PerFrame
from tests.common.vision.image_samples import sample_with

AUGMENT = (RandomCropToSize(16), RandomFlip(), RandomDistort())
CLIP = np.random.default_rng(0).integers(0, 256, (5, 24, 32, 3), np.uint8)


class Fail(Transform):
    """Refuses everything."""

    def __call__(self, sample, rng):
        raise IndexError("no such thing")


class Learn(Transform):
    """Learns from the data."""

    def fit(self, batches):
        """Learns."""


def image(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)


# On -------------------------------------------------------------------------------------------------------------------


def test_on_changes_the_image_of_its_name_and_nothing_else():
    sample = {"image": image(), "image_b": image(1), "label": 3}
    changed = On("image_b", [Resize([12, 16])])(dict(sample), random_for(0))
    np.testing.assert_array_equal(changed["image_b"], cv2.resize(image(1), (16, 12)))
    assert changed["image"] is sample["image"] and changed["label"] == 3
    assert changed["image_b_im_shape"].tolist() == [12, 16]


def test_what_is_known_of_an_image_has_its_name_in_front():
    whole = sample_with((10, 20, 40, 60))
    named = {"image_b" if name == "image" else f"image_b_{name}": value for name, value in whole.items()}
    expected = RandomFlip(prob=1.0)(dict(whole), random_for(0))
    found = On("image_b", [RandomFlip(prob=1.0)])(named, random_for(0))
    assert set(found) == set(named)
    np.testing.assert_array_equal(found["image_b_boxes"], expected["boxes"])
    np.testing.assert_array_equal(found["image_b_mask"], expected["mask"])
    np.testing.assert_array_equal(found["image_b"], expected["image"])


def test_on_image_is_what_the_transforms_do_by_themselves():
    found = On("image", [Resize(16), RandomFlip(prob=1.0)])(sample_with((10, 20, 40, 60)), random_for(0))
    expected = RandomFlip(prob=1.0)(Resize(16)(sample_with((10, 20, 40, 60)), random_for(0)), random_for(0))
    assert set(found) == set(expected)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_decode_reads_the_path_of_an_image(tmp_path):
    for name in "ab":
        cv2.imwrite(str(tmp_path / f"{name}.png"), image(ord(name))[..., ::-1])
    sample = {f"image_{name}_path": str(tmp_path / f"{name}.png") for name in "ab"}
    found = On(["image_a", "image_b"], [Decode()])(sample, random_for(0))
    for name in "ab":
        np.testing.assert_array_equal(found[f"image_{name}"], image(ord(name)))
        assert found[f"image_{name}_original_size"].tolist() == [24, 32]


def test_images_with_the_same_random_numbers_stay_aligned_and_others_do_not():
    def pairs(same):
        on = On(["a", "b"], AUGMENT, same_random=same)
        return [on({"a": image(), "b": image()}, random_for(i)) for i in range(20)]

    assert all((pair["a"] == pair["b"]).all() for pair in pairs(True))
    assert len({pair["a"].tobytes() for pair in pairs(True)}) == 20
    assert sum((pair["a"] == pair["b"]).all() for pair in pairs(False)) == 0


def test_a_sample_of_several_images_depends_on_seed_epoch_and_index_alone():
    data = [{"a": image(i), "b": image(i + 9)} for i in range(3)]
    pipeline = Pipeline([On(["a", "b"], AUGMENT)], seed=4)
    first = [pipeline.sample(data, i, 0)["b"].tobytes() for i in range(3)]
    assert [pipeline.sample(data, i, 0)["b"].tobytes() for i in (2, 1, 0)] == first[::-1]
    assert pipeline.sample(data, 0, 1)["b"].tobytes() != first[0]
    assert data[0]["a"].tobytes() == image(0).tobytes()


# PerFrame -------------------------------------------------------------------------------------------------------------


def test_all_frames_get_the_same_crop_flip_and_color():
    still = np.stack([image()] * 4)
    clips = [PerFrame(AUGMENT)({"clip": still.copy()}, random_for(i))["clip"] for i in range(20)]
    assert all(clip.shape == (4, 16, 16, 3) and (clip == clip[:1]).all() for clip in clips)
    assert len({clip.tobytes() for clip in clips}) == 20


def test_a_frame_is_changed_as_an_image_is():
    found = PerFrame([Resize(16), Normalize()])({"clip": CLIP.copy()}, random_for(0))["clip"]
    assert found.shape == (5, 3, 16, 16) and found.dtype == np.float32
    for frame, changed in zip(CLIP, found, strict=True):
        expected = Normalize()(Resize(16)({"image": frame}, random_for(0)), random_for(0))["image"]
        np.testing.assert_array_equal(changed, expected)


def test_frames_are_read_from_their_paths_and_may_have_different_sizes(tmp_path):
    sizes = [(24, 32), (30, 20)]
    for i, (height, width) in enumerate(sizes):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((height, width, 3), i, np.uint8))
    paths = [str(tmp_path / f"{i}.png") for i in range(2)]
    found = PerFrame([Decode(), Resize(8)])({"clip_paths": paths}, random_for(0))["clip"]
    assert found.shape == (2, 8, 8, 3) and found[:, 0, 0, 0].tolist() == [0, 1]
    frames = [np.zeros((*size, 3), np.uint8) for size in sizes]
    assert PerFrame([Resize(8)])({"clip": frames}, random_for(0))["clip"].shape == (2, 8, 8, 3)


def test_a_clip_of_floats_stays_one():
    found = PerFrame([Resize(8), RandomFlip(prob=1.0)], key="video")({"video": CLIP / np.float32(255)}, random_for(0))
    assert found["video"].dtype == np.float32 and found["video"].shape == (5, 8, 8, 3)


def test_pairs_of_clips_stay_aligned():
    on = On(["clip_a", "clip_b"], [PerFrame(AUGMENT, key="image")], same_random=True)
    found = on({"clip_a": CLIP.copy(), "clip_b": CLIP.copy()}, random_for(1))
    np.testing.assert_array_equal(found["clip_a"], found["clip_b"])


def test_clips_of_one_length_are_stacked_and_others_padded_where_the_data_set_says_so():
    step = PerFrame([Normalize()])
    samples = [step({"clip": CLIP[:length].copy(), "path": str(length)}, random_for(0)) for length in (2, 2, 5)]
    assert collate(samples[:2])["clip"].shape == (2, 2, 3, 24, 32)
    padded = collate(samples, {"clip": 0})["clip"]
    assert padded.shape == (3, 5, 3, 24, 32) and not padded[0, 2:].any() and padded[2, 2:].any()


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "sample", "words"),
    [
        (On("b", [RandomFlip()]), {"image": image()}, "neither 'b' nor 'b_path', which On takes; it has path, image"),
        (On("b", [RandomFlip(), Fail()]), {"b": image()}, "On b: Fail failed: IndexError: no such thing"),
        (On("b", [Decode()]), {"b_path": "x.png"}, "no such file"),
        (
            PerFrame([RandomFlip()]),
            {"image": image()},
            "the sample has neither it nor 'clip_paths'; it has path, image",
        ),
        (PerFrame([RandomFlip()]), {"clip": image()}, r"it is uint8 \[24, 32, 3\]; expected \[T, H, W, 3\]"),
        (PerFrame([RandomFlip()]), {"clip": CLIP[:0]}, "it has no frame"),
        (
            PerFrame([RandomFlip()]),
            {"clip": [image(), image()[:9]]},
            r"\[24, 32, 3\] and frame 1 is uint8 \[9, 32, 3\]",
        ),
        (PerFrame([Fail()]), {"clip": CLIP}, "frame 0 of clip: Fail failed: IndexError"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused_with_what_is_wrong(step, sample, words):
    with pytest.raises(BadSample, match=words):
        step({"path": "some/file", **sample}, random_for(0))


@pytest.mark.parametrize(
    ("nested", "words"),
    [
        (ResizeBatch([8]), "ResizeBatch works on batches; use it outside of On"),
        (Mixup(), "Mixup mixes in other samples; use it outside of On"),
        (Learn(), "Learn has files that belong to the model"),
        (len, "builtin_function_or_method is not a transform"),
    ],
)
def test_a_transform_that_cannot_be_nested_is_refused(nested, words):
    for make in (lambda steps: On("b", steps), lambda steps: PerFrame(steps)):
        with pytest.raises(ConfigError, match=words.replace("On", "(On|PerFrame)")):
            make([RandomFlip(), nested])


@pytest.mark.parametrize(("key", "steps"), [("b", []), ([], [RandomFlip()]), (["b", "b"], [RandomFlip()])])
def test_on_takes_names_and_transforms(key, steps):
    with pytest.raises(ValueError, match="On got"):
        On(key, steps)
