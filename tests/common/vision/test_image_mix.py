"""MixUp, Mosaic and CutMix: weights, positions, boxes and labels."""

import numpy as np
import pytest

from common.data.collate import collate
from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.vision.affine import RandomExpand, RandomFlip
from common.vision.batch import CutMix, MixupLabels, PadBatch, ResizeBatch, soft_label
from common.vision.color import Normalize, RandomDistort
from common.vision.crop import RandomCrop
from common.vision.decode import Decode
from common.vision.mix import Mixup, Mosaic
from tests.common.vision.image_samples import assert_consistent, extent, sample_with


class FixedBeta:
    """A generator with a fixed blending weight."""

    def __init__(self, lam, seed=0):
        self.lam, self.rng = lam, random_for(seed)

    def beta(self, *_):
        return self.lam

    def __getattr__(self, name):
        return getattr(self.rng, name)


def flat(value, label=0, height=8, width=10):
    return {"image": np.full((height, width, 3), value, np.uint8), "label": np.int64(label)}


def test_mixup_blends_images_and_keeps_all_boxes_with_their_weights():
    one, other = sample_with((10, 10, 30, 30)), sample_with((5, 5, 9, 9), (50, 60, 90, 80), height=90, width=200)
    first, second = one["image"].astype(float), other["image"].astype(float)
    mixed = Mixup()(one, FixedBeta(0.7), [other])
    assert_consistent(mixed)
    assert mixed["image"].shape == (120, 200, 3)
    assert np.abs(mixed["image"][:90, :160] - (0.7 * first[:90] + 0.3 * second[:, :160])).max() <= 0.51
    assert np.abs(mixed["image"][90:, :160] - 0.7 * first[90:]).max() <= 0.51
    assert np.abs(mixed["image"][:90, 160:] - 0.3 * second[:, 160:]).max() <= 0.51
    assert not mixed["image"][90:, 160:].any()
    assert mixed["boxes"].tolist() == [[10, 10, 30, 30], [5, 5, 9, 9], [50, 60, 90, 80]]
    assert mixed["labels"].tolist() == [0, 0, 1] and np.allclose(mixed["scores"], [0.7, 0.3, 0.3])


def test_mixup_is_disabled_from_its_epoch_on_without_reading_another_image():
    class Unread:
        def __getitem__(self, index):
            raise AssertionError("the other sample was read")

    sample = sample_with((10, 10, 30, 30))
    image = sample["image"]
    del sample["scores"]
    out = Mixup(until_epoch=5)({**sample, "epoch": 5}, random_for(0), Unread())
    assert out["image"] is image and out["scores"].tolist() == [1]
    assert Mixup(prob=0)({**sample, "epoch": 0}, random_for(0), Unread())["image"] is image
    with pytest.raises(AssertionError):
        Mixup(until_epoch=5)({**sample, "epoch": 4}, random_for(0), Unread())


def test_mixup_takes_images_without_boxes():
    assert_consistent(Mixup()(sample_with(), random_for(0), [sample_with((10, 10, 30, 30))]))
    assert_consistent(Mixup()(sample_with(), random_for(0), [sample_with()]))


@pytest.mark.parametrize("seed", range(6))
def test_boxes_follow_the_images_in_a_mosaic(seed):
    parts = [sample_with((60, 40, 100, 85)) for _ in range(4)]
    for index, part in enumerate(parts):
        part["labels"] = np.array([index])
    mosaic = Mosaic([200, 300], scale=[0.5, 1])(parts[0], random_for(seed), parts[1:])
    assert_consistent(mosaic)
    assert mosaic["image"].shape == (200, 300, 3) and len(mosaic["boxes"])
    for label, box, mask in zip(mosaic["labels"], mosaic["boxes"], mosaic["masks"], strict=True):
        x1, y1, x2, y2 = np.rint(box).astype(int)
        bright = mosaic["image"].min(2) > 150
        bright[: max(y1 - 3, 0)] = bright[y2 + 3 :] = bright[:, : max(x1 - 3, 0)] = bright[:, x2 + 3 :] = False
        assert np.abs(extent(bright) - box).max() <= 1.01 and np.abs(extent(mask == 1) - box).max() <= 1.01
        assert bright[mask == 1].mean() > 0.9 and (box[0] > 0.3 * 300 - 1 or label % 2 == 0)
    lower = mosaic["boxes"][mosaic["labels"] >= 2]
    assert (lower[:, 1] >= 0.3 * 200 - 1).all()


def test_a_mosaic_fills_each_quarter_with_its_image():
    parts = [flat(50 * (index + 1), height=100, width=100) for index in range(4)]
    image = Mosaic(100, scale=[1, 1], center=[0.5, 0.5])(parts[0], random_for(0), parts[1:])["image"]
    assert [image[r, c, 0].tolist() for r in (0, 99) for c in (0, 99)] == [50, 100, 150, 200]
    assert (image[:50, :50] == 50).all() and (image[50:, 50:] == 200).all() and (image[:50, 50:] == 100).all()


def test_small_images_leave_fill_round_a_mosaic_and_touch_its_point():
    parts = [flat(0, height=100, width=100) for _ in range(4)]
    image = Mosaic(100, scale=[0.2, 0.2], center=[0.5, 0.5], fill=77)(parts[0], random_for(0), parts[1:])["image"]
    assert not image[30:70, 30:70].any() and (image == 77).sum() == (100 * 100 - 40 * 40) * 3


def test_mosaic_is_disabled_from_its_epoch_on():
    sample = {**sample_with((60, 40, 100, 85)), "epoch": 9}
    assert Mosaic(64, until_epoch=9)(sample, random_for(0), None)["image"].shape == (120, 160, 3)


@pytest.mark.parametrize("make", [lambda: Mixup(), lambda: Mosaic(96)])
def test_mixing_is_a_function_of_the_random_key(make):
    def mixed(*key):
        transform = make()
        others = [sample_with((5, 5, 40 + 10 * k, 50)) for k in range(transform.extra)]
        return transform(sample_with((60, 40, 100, 85)), random_for(*key), others)

    one, two, three = mixed(1, 2), mixed(1, 2), mixed(1, 3)
    assert all(np.array_equal(one[key], two[key]) for key in one)
    assert not np.array_equal(one["image"], three["image"])


def test_a_full_detection_pipeline_is_reproducible():
    class Drawn:
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return {**sample_with((10 * index, 40, 10 * index + 30, 85)), "path": str(index)}

    transforms = [Decode(), Mixup(), RandomDistort(), RandomExpand(2), RandomCrop(), RandomFlip()]
    pipeline = Pipeline([*transforms, ResizeBatch([64, 96]), Normalize()], seed=1)
    padding = {"boxes": 0, "labels": -1, "scores": 0, "difficult": 0, "crowd": 0, "masks": 0, "keypoints": 0}

    def batch(epoch):
        samples = [pipeline.sample(Drawn(), index, epoch) for index in range(4)]
        return collate(pipeline.batch(samples, epoch, 0), padding)

    one, two, later = batch(0), batch(0), batch(1)
    assert one["image"].shape[:2] == (4, 3) and one["image"].dtype == np.float32
    assert one["boxes"].shape == (*one["scores"].shape, 4) and one["labels"].max() == 0
    assert all(np.array_equal(one[key], two[key]) for key in one if isinstance(one[key], np.ndarray))
    assert one["image"].shape != later["image"].shape or not np.array_equal(one["image"], later["image"])


def test_a_batch_is_resized_to_one_of_the_sizes():
    seen = set()
    for seed in range(20):
        samples = [sample_with((60, 40, 100, 85)), sample_with((5, 5, 40, 50), height=90, width=200)]
        samples = ResizeBatch([64, [96, 128]], interp="random")(samples, random_for(seed))
        sizes = {sample["image"].shape[:2] for sample in samples}
        assert len(sizes) == 1
        seen |= sizes
        for sample in samples:
            assert_consistent(sample)
            assert np.abs(extent(sample["mask"] == 1) - sample["boxes"][0]).max() <= 1.01
    assert seen == {(64, 64), (96, 128)}


@pytest.mark.parametrize("normalize", [False, True])
def test_a_batch_is_padded_to_its_largest(normalize):
    samples = [sample_with((60, 40, 100, 85)), sample_with(height=90, width=200)]
    if normalize:
        samples = [Normalize()(sample, None) for sample in samples]
    before = [sample["image"] for sample in samples]
    after = [sample["image"] for sample in PadBatch(32)(samples, random_for(0))]
    assert {image.shape for image in after} == {(3, 128, 224) if normalize else (128, 224, 3)}
    planes = [image if normalize else image.transpose(2, 0, 1) for image in after]
    assert not planes[0][:, 120:].any() and not planes[1][:, :, 200:].any() and after[0].dtype == before[0].dtype
    assert np.array_equal(planes[0][:, :120, :160], before[0] if normalize else before[0].transpose(2, 0, 1))
    assert [sample["im_shape"].tolist() for sample in samples] == [[120, 160], [90, 200]]
    assert (samples[0]["mask"][120:] == 255).all() and samples[0]["masks"].shape == (1, 128, 224)
    assert samples[1]["masks"].shape == (0, 128, 224)


@pytest.mark.parametrize("normalize", [False, True])
def test_labels_are_mixed_as_their_images_are(normalize):
    samples = [flat(0, 0), flat(100, 1), flat(200, 2)]
    if normalize:
        samples = [Normalize([0, 0, 0], [1, 1, 1], scale=1)(sample, None) for sample in samples]
    out = MixupLabels(4)(samples, FixedBeta(0.75))
    assert [sample["label"] for sample in out] == [0, 1, 2]
    moved = 0
    for index, sample in enumerate(out):
        partner = int((sample["soft_label"] - 0.75 * np.eye(4)[index]).argmax())
        assert np.allclose(sample["soft_label"], 0.75 * np.eye(4)[index] + 0.25 * np.eye(4)[partner])
        assert np.allclose(sample["image"], 75 * index + 25 * partner) and sample["soft_label"].dtype == np.float32
        moved += partner != index
    assert moved


def test_unmixed_batches_have_soft_labels_too():
    out = MixupLabels(4, prob=0, label_smoothing=0.2)([flat(3, 2)], random_for(0))
    assert np.allclose(out[0]["soft_label"], [0.05, 0.05, 0.85, 0.05]) and (out[0]["image"] == 3).all()
    assert np.isclose(soft_label(1, 10, 0.1).sum(), 1)


@pytest.mark.parametrize("normalize", [False, True])
def test_cutmix_weights_labels_by_visible_area(normalize):
    moved = 0
    for seed in range(10):
        samples = [flat(10, 0, 40, 50), flat(20, 1, 40, 50), flat(30, 2, 40, 50)]
        if normalize:
            samples = [Normalize([0, 0, 0], [1, 1, 1], scale=1)(sample, None) for sample in samples]
        for index, sample in enumerate(CutMix(3)(samples, random_for(seed))):
            plane = sample["image"][0] if normalize else sample["image"][..., 0]
            share = [(plane == 10 * (k + 1)).mean() for k in range(3)]
            assert np.allclose(sample["soft_label"], share, atol=1e-6) and np.isclose(sum(share), 1)
            moved += share[index] < 1
    assert moved > 5


def test_labels_sum_to_one_after_mixup_and_cutmix():
    samples = [flat(10, 0), flat(20, 1), flat(30, 2)]
    rng = random_for(4)
    samples = CutMix(3)(MixupLabels(3, alpha=1)(samples, rng), rng)
    assert np.allclose([sample["soft_label"].sum() for sample in samples], 1)


def test_label_smoothing_of_one_or_more_is_refused():
    with pytest.raises(ValueError, match=r"CutMix got label_smoothing 1\.0"):
        CutMix(3, label_smoothing=1.0)


def test_mixup_without_boxes_suggests_mixup_labels():
    with pytest.raises(ValueError, match="MixupLabels"):
        Mixup()(flat(10, 0), random_for(0), [flat(20, 1)])


def test_blending_images_of_different_sizes_is_refused():
    with pytest.raises(ValueError, match="resize them first"):
        MixupLabels(2)([flat(1, 0), flat(2, 1, 20, 20)], FixedBeta(0.5, seed=1))


def test_images_without_labels_are_refused():
    with pytest.raises(ValueError, match="MixupLabels needs class labels"):
        MixupLabels(2)([{"image": np.zeros([4, 4, 3], np.float32)}] * 2, random_for(0))
