"""Geometric transforms move image, boxes, masks and keypoints consistently."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample
from common.vision.affine import RandomAffine, RandomExpand, RandomFlip, RandomRotate, RandomScale, about_center
from common.vision.crop import CenterCrop, DropSmallBoxes, RandomCrop, RandomCropToSize, RandomResizedCrop
from common.vision.face_crop import DataAnchorSampling
from common.vision.geometry import clip_boxes, flip_sample, keep_boxes, resize_sample, warp_sample, window_sample
from common.vision.resize import LetterBox, Pad, Resize, ResizeLong, ResizeShort
from tests.common.vision.image_samples import assert_consistent, extent, sample_with

RANDOM_MOVES = [
    Resize([90, 150]),
    Resize([90, 150], keep_ratio=True),
    Resize([300, 200], interp="random"),
    ResizeShort([60, 200], max_size=220),
    ResizeLong(100),
    Pad(divisor=32),
    Pad(300, center=True),
    LetterBox(160),
    LetterBox([100, 300], center=True),
    CenterCrop([110, 150]),
    CenterCrop([250, 120]),
    RandomCrop(),
    DataAnchorSampling(120, [32, 64]),
    RandomResizedCrop(96),
    RandomCropToSize([100, 130]),
    RandomCropToSize([260, 90]),
    RandomFlip(),
    RandomFlip(1, 1),
    RandomExpand(3, prob=1),
    RandomScale([0.5, 2.0], step=0.25),
    RandomScale([0.5, 1.0, 4.0]),
    RandomRotate(30, prob=1),
    RandomAffine(20, 0.2, [0.7, 1.4], 8),
]


@pytest.mark.parametrize("transform", RANDOM_MOVES, ids=lambda transform: type(transform).__name__)
@pytest.mark.parametrize("seed", range(4))
def test_boxes_masks_and_keypoints_follow_the_image(transform, seed):
    sample = transform(sample_with((60, 40, 100, 85)), random_for(seed))
    assert_consistent(sample)
    if not len(sample["boxes"]):
        return
    box = sample["boxes"][0]
    shapes = 4.0 if isinstance(transform, RandomAffine) else 1.0  # blurred slanting corners are dimmer
    assert np.abs(extent(sample["image"].min(2) > 150) - box).max() <= shapes
    assert np.abs(extent(sample["mask"] == 1) - box).max() <= 1.01
    assert np.abs(extent(sample["masks"][0] == 1) - box).max() <= 1.01
    center, corner = sample["keypoints"][0]
    if center[2]:
        assert sample["image"][int(center[1]), int(center[0])].min() > 150
    if corner[2] and not isinstance(transform, RandomAffine):
        corners = np.stack([box[[0, 2, 0, 2]], box[[1, 1, 3, 3]]], axis=1)
        assert np.abs(corners - corner[:2]).max(1).min() < 1e-3


@pytest.mark.parametrize("transform", RANDOM_MOVES, ids=lambda transform: type(transform).__name__)
def test_images_without_boxes_pass(transform):
    assert_consistent(transform(sample_with(), random_for(3)))


@pytest.mark.parametrize("transform", RANDOM_MOVES, ids=lambda transform: type(transform).__name__)
def test_images_without_annotations_pass(transform):
    sample = transform({"image": sample_with()["image"]}, random_for(3))
    assert set(sample) <= {"image", "im_shape"}


@pytest.mark.parametrize("transform", RANDOM_MOVES, ids=lambda transform: type(transform).__name__)
def test_the_same_key_gives_the_same_bytes(transform):
    one, two = (transform(sample_with((60, 40, 100, 85)), random_for(5, 6)) for _ in range(2))
    assert all(np.array_equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("make", [RandomAffine, RandomResizedCrop, lambda: RandomExpand(prob=1), lambda: RandomScale()])
def test_different_keys_give_different_bytes(make):
    sums = {make()(sample_with((60, 40, 100, 85)), random_for(seed))["image"].sum(dtype=int) for seed in range(5)}
    assert len(sums) > 3


def test_resizing_scales_boxes_and_sets_the_scale_factor():
    sample = resize_sample(sample_with((40, 30, 80, 60)), 60, 320)
    assert sample["boxes"].tolist() == [[80, 15, 160, 30]]
    assert sample["scale_factor"].tolist() == [0.5, 2.0] and sample["im_shape"].tolist() == [60, 320]
    assert resize_sample(sample, 120, 160)["scale_factor"].tolist() == [1, 1]


def test_resizing_keeps_boxes_however_small():
    assert len(resize_sample(sample_with((40, 30, 42, 32)), 6, 8)["boxes"]) == 1


def test_nearest_resizing_takes_the_pixel_under_the_center():
    image = np.repeat(np.arange(6, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert resize_sample({"image": image}, 1, 3, "nearest")["image"][0, :, 0].tolist() == [1, 3, 5]
    assert resize_sample({"image": image, "mask": image[..., 0]}, 1, 3)["mask"].tolist() == [[1, 3, 5]]


def test_bilinear_resizing_has_its_corners_at_the_pixels_edges():
    image = np.repeat(np.array([[0, 100]], np.uint8)[..., None], 3, axis=2)
    assert resize_sample({"image": image}, 1, 4)["image"][0, :, 0].tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize(
    ("transform", "size"),
    [
        (Resize(64), (64, 64)),
        (Resize([60, 200], keep_ratio=True), (60, 80)),
        (Resize([600, 200], keep_ratio=True), (150, 200)),
        (ResizeShort(60), (60, 80)),
        (ResizeShort(800, max_size=1333), (800, 1067)),
        (ResizeShort(800, max_size=1000), (750, 1000)),
        (ResizeLong(80), (60, 80)),
        (Pad(divisor=32), (128, 160)),
        (Pad([100, 200]), (120, 200)),
        (LetterBox([100, 200]), (100, 200)),
        (CenterCrop([50, 300]), (50, 300)),
        (RandomResizedCrop([32, 48]), (32, 48)),
        (RandomCropToSize([130, 40]), (130, 40)),
        (RandomScale([0.5, 0.5]), (60, 80)),
    ],
)
def test_sizes_match_hand_calculations(transform, size):
    assert transform(sample_with((60, 40, 100, 85)), random_for(0))["image"].shape[:2] == size


def test_each_range_of_scales_is_as_probable_as_the_others():
    rng, transform = random_for(0), RandomScale([0.5, 1.0, 4.0])
    widths = [transform({"image": np.zeros((100, 100, 3), np.uint8)}, rng)["image"].shape[1] for _ in range(300)]
    small = np.array([width for width in widths if width < 100])
    assert 120 < len(small) < 180 and min(widths) >= 50 and 350 < max(widths) <= 400
    assert 70 < small.mean() < 80  # uniform within its range


def test_padding_at_the_bottom_leaves_boxes_and_im_shape():
    sample = Pad(divisor=50, fill=[1, 2, 3], ignore=250)(sample_with((60, 40, 100, 85)), None)
    assert sample["image"].shape == (150, 200, 3) and sample["im_shape"].tolist() == [120, 160]
    assert (sample["image"][120:] == [1, 2, 3]).all() and (sample["image"][:, 160:] == [1, 2, 3]).all()
    assert (sample["mask"][120:] == 250).all() and (sample["masks"][:, 120:] == 0).all()
    assert sample["boxes"].tolist() == [[60, 40, 100, 85]]


def test_padding_all_around_moves_boxes():
    sample = Pad(200, center=True)(sample_with((60, 40, 100, 85)), None)
    assert sample["boxes"].tolist() == [[80, 80, 120, 125]]


def test_letterbox_fits_and_pads():
    sample = LetterBox(80, fill=7)(sample_with((40, 40, 80, 80)), None)
    assert sample["boxes"].tolist() == [[20, 20, 40, 40]] and sample["scale_factor"].tolist() == [0.5, 0.5]
    assert (sample["image"][60:] == 7).all() and sample["im_shape"].tolist() == [60, 80]


def test_a_window_clips_boxes_and_drops_small_remainders():
    sample = sample_with((10, 10, 50, 50), (90, 90, 120, 110), (0, 0, 41, 41))
    window_sample(sample, 40, 40, 60, 60, min_size=4)
    assert sample["boxes"].tolist() == [[0, 0, 10, 10], [50, 50, 60, 60]] and sample["labels"].tolist() == [0, 1]


def test_a_window_beside_the_image_shows_only_fill():
    sample = window_sample(sample_with((10, 10, 50, 50)), 500, -500, 30, 40, fill=[9.6, 8, 7], ignore=3)
    assert (sample["image"] == [10, 8, 7]).all() and (sample["mask"] == 3).all() and not len(sample["boxes"])


def test_keypoints_outside_are_no_longer_labeled():
    sample = window_sample(sample_with((10, 10, 50, 50)), 0, 0, 40, 40)
    assert sample["keypoints"].tolist() == [[[30, 30, 2], [0, 0, 0]]]


@pytest.mark.parametrize("horizontal", [True, False])
def test_flipping_twice_changes_nothing(horizontal):
    before = sample_with((60, 40, 100, 85), (0, 0, 7, 9))
    after = flip_sample(flip_sample(sample_with((60, 40, 100, 85), (0, 0, 7, 9)), horizontal), horizontal)
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_flipped_boxes_match_hand_calculations():
    assert flip_sample(sample_with((10, 20, 50, 30)), True)["boxes"].tolist() == [[110, 20, 150, 30]]
    assert flip_sample(sample_with((10, 20, 50, 30)), False)["boxes"].tolist() == [[10, 90, 50, 100]]


def test_a_flip_swaps_paired_keypoints():
    sample = RandomFlip(1, pairs=[[0, 1]])(sample_with((10, 20, 50, 30)), random_for(0))
    assert sample["keypoints"].tolist() == [[[110, 30, 2], [130, 25, 2]]]


def test_a_flip_leaves_unlabeled_keypoints_at_zero():
    sample = sample_with((10, 20, 50, 30))
    sample["keypoints"][0, 0] = 0
    assert flip_sample(sample, True)["keypoints"][0, 0].tolist() == [0, 0, 0]


def test_boxes_rotated_by_90_degrees_match_hand_calculations():
    matrix = about_center(np.array([[0, -1], [1, 0]]), 100, 100)  # clockwise, y down
    sample = warp_sample(sample_with((10, 20, 50, 30), height=100, width=100), matrix, 100, 100)
    assert sample["boxes"].tolist() == [[70, 10, 80, 50]]
    assert np.array_equal(sample["image"], np.rot90(sample_with((10, 20, 50, 30), height=100, width=100)["image"], -1))
    assert np.array_equal(extent(sample["mask"] == 1), [70, 10, 80, 50])


def test_an_identity_map_changes_nothing():
    before, after = sample_with((60, 40, 100, 85)), sample_with((60, 40, 100, 85))
    warp_sample(after, np.eye(2, 3), 120, 160)
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_expanding_keeps_the_image_whole_on_the_fill():
    sample = RandomExpand(3, prob=1, fill=[200, 100, 50])(sample_with((60, 40, 100, 85)), random_for(1))
    size, box = sample["boxes"][0, 2:] - sample["boxes"][0, :2], sample["boxes"][0]
    top, left = int(box[1]) - 40, int(box[0]) - 60
    assert size.tolist() == [40, 45] and sample["image"].shape[0] > 121
    assert np.array_equal(sample["image"][top : top + 120, left : left + 160], sample_with((60, 40, 100, 85))["image"])
    outside = np.ones(sample["image"].shape[:2], bool)
    outside[top : top + 120, left : left + 160] = False
    assert (sample["image"][outside] == [200, 100, 50]).all() and (sample["mask"][outside] == 255).all()


def test_expanding_a_large_image_stays_below_the_pixel_limit():
    for seed in range(10):
        sample = RandomExpand(4, prob=1, max_pixels=2 * 120 * 160)(sample_with(), random_for(seed))
        assert sample["image"].shape[0] * sample["image"].shape[1] <= 2 * 120 * 160 * 1.02


def test_small_boxes_are_dropped_with_their_labels_on_request():
    sample = sample_with((10, 10, 50, 50), (60, 60, 63, 90), (60, 60, 90, 70))
    assert DropSmallBoxes(4)(sample, None)["labels"].tolist() == [0, 2]


def test_clipping_drops_boxes_outside_and_keeps_untouched_ones():
    sample = sample_with((10, 10, 50, 50), (20, 20, 21, 21))
    sample["boxes"] = np.array([[200, 10, 240, 50], [20, 20, 20.5, 20.5]], np.float32)
    assert clip_boxes(sample)["labels"].tolist() == [1]


def test_selecting_boxes_selects_all_per_box_arrays():
    sample = keep_boxes(sample_with((10, 10, 50, 50), (20, 20, 60, 70), (1, 2, 3, 4)), np.array([True, False, True]))
    assert_consistent(sample)
    assert sample["labels"].tolist() == [0, 2] and sample["boxes"][1].tolist() == [1, 2, 3, 4]


def test_invalid_values_are_refused():
    for make in (
        lambda: Resize(10, interp="bicubic"),
        lambda: RandomExpand(0.5),
        lambda: RandomCrop(scaling=[0.3, 1.2]),
        lambda: DataAnchorSampling(anchors=[64, 32]),
        lambda: RandomScale([2, 1]),
        lambda: RandomScale([1, 2, 3], step=0.5),
        lambda: Resize(0),
        lambda: Pad([32, 32, 3]),
        lambda: ResizeShort([256, 0]),
        lambda: ResizeLong(-1),
    ):
        with pytest.raises(ValueError):
            make()


def test_resizing_a_thin_image_beyond_the_pixel_limit_is_refused():
    """The short side of 1 x 900,000 pixels becomes 200, the long one 180 million."""
    sample = {"path": "thin.png", "image": np.zeros((1, 900_000, 3), np.uint8)}
    with pytest.raises(BadSample, match=r"D103.*900000x1 would be resized to 180000000x200(.|\n)*thin.png"):
        ResizeShort(200)(sample, random_for(0))
