"""SiamMask: the contract, cells and windows by hand, and the place of a mask in its frame."""

import numpy as np
import paddle
import pytest

from common.inference.tasks.mask_tracking import MaskTracking
from common.inference.tracks import Track
from common.testing import check_model
from common.vision.tracking import TrackingCrops
from PaddleCV.models.trackers.mask_refine import MaskRefine, windows_at
from PaddleCV.models.trackers.siam_mask import SiamMask, mask_windows
from PaddleCV.models.trackers.siam_rpn import SiamRPN
from PaddleCV.models.trackers.siamese_resnet import SiameseResNet


def small(refine):
    """A tracker of few cells: templates of 63 pixels have 5, regions of 79 have 7, so that 3x3 cells answer."""
    paddle.seed(0)
    backbone = SiameseResNet(0.0625, (1, 1, 1), 8, 10, 1)
    rpn = SiamRPN(backbone, 63, 79, hidden=4, positive=0.2, samples=16, ratios=(0.5, 1.0), anchor_scale=4.0)
    return SiamMask(rpn, hidden=4, size=7, refine=refine, freeze=refine)


def batch_for(model):
    rng = np.random.default_rng(0)
    crops = {
        name: rng.uniform(0, 255, (2, 3, side, side)).astype("float32")
        for name, side in (("template", model.exemplar), ("search", model.instance))
    }
    target = np.array([[2, -3, 30, 28], [-4, 1, 24, 40]], np.float32)
    known = {"same": np.array([1, 1]), "masked": np.array([1, 0])}
    mask = np.zeros((2, model.instance, model.instance), np.uint8)
    mask[:, 20:50, 25:55] = 1
    return crops | known | {"size": target[:, 2:] * np.float32(0.9), "target": target, "mask": mask}


def losses_of(model, **changes):
    return model.loss({name: paddle.to_tensor(value) for name, value in (batch_for(model) | changes).items()})


@pytest.mark.parametrize("refine", [False, True])
def test_siammask_keeps_the_contract(refine, tmp_path):
    # ReLUs of a few channels may all be off
    unused = ("refine.*",) if refine else ()
    model = check_model(lambda: small(refine), batch_for(small(refine)), tmp_path, unused=unused)
    assert ("loss_box" in losses_of(model)) is not refine


def test_gradients_reach_the_refinement_and_nothing_that_is_frozen():
    model = small(True)
    model.train()
    before = {name: value.numpy().copy() for name, value in model.rpn.state_dict().items()}
    sum(losses_of(model).values()).backward()
    trained = {name.partition(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"mask", "refine"}
    assert model.refine.grow.weight.grad.abs().sum().item() > 0
    for name, value in model.rpn.state_dict().items():  # statistics too
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_the_cells_are_those_of_the_paper():
    backbone = SiameseResNet(0.0625, (1, 1, 1))
    assert [backbone.cells(side) for side in (127, 143, 255)] == [7, 9, 31]
    assert backbone.sizes(127) == [61, 31, 15] and backbone.sizes(255) == [125, 63, 31]
    levels, features = backbone.levels(paddle.zeros([1, 3, 127, 127]))
    assert [level.shape[2] for level in levels] == [61, 31, 15] and features.shape == [1, 256, 7, 7]
    with pytest.raises(ValueError, match="three stages"):
        SiameseResNet(blocks=(3, 4))


def test_a_window_of_a_level_is_cut_out_with_zeros_around():
    level = np.random.default_rng(0).normal(size=(2, 3, 7, 6)).astype("float32")
    down, across = np.array([-2, 4]), np.array([1, 3])
    found = windows_at(*(paddle.to_tensor(value) for value in (level, down, across)), 4).numpy()
    padded = np.pad(level, ((0, 0), (0, 0), (5, 5), (5, 5)))
    for n in range(2):
        y, x = down[n] + 5, across[n] + 5
        np.testing.assert_allclose(found[n], padded[n, :, y : y + 4, x : x + 4])


def test_cells_see_windows_of_the_mask_one_stride_apart():
    masks = np.zeros((1, 20, 20), np.uint8)
    masks[0, 8:12, 8:12] = 1  # the middle
    found = mask_windows(masks, np.array([0, 0, 0]), np.array([4, 0, 8]), 3, 8, 8)  # 3x3 cells, 8 pixels apart
    assert found.shape == (3, 8, 8)
    np.testing.assert_array_equal(found[0], np.pad(np.ones((4, 4)), 2))
    # the first cell lies 8 pixels up and left: its window is -2 to 6 and does not see the object
    assert not found[1].any() and not found[2].any()
    found = mask_windows(masks, np.array([0]), np.array([0]), 3, 8, 4)  # 2 to 10
    np.testing.assert_array_equal(np.argwhere(found[0]), [[6, 6], [6, 7], [7, 6], [7, 7]])


def test_a_pair_without_a_mask_has_no_loss_of_masks():
    model = small(False)
    model.train()
    assert losses_of(model)["loss_mask"].item() > 0
    assert losses_of(model, masked=np.zeros(2, np.int64))["loss_mask"].item() == 0
    assert losses_of(model, same=np.zeros(2, np.int64))["loss_mask"].item() == 0


def test_the_loss_of_a_mask_is_the_logistic_loss_of_its_pixels():
    model = small(False)
    model.eval()
    model.mask_weight = 2.0
    model.mask.head[1].weight.set_value(paddle.zeros_like(model.mask.head[1].weight))
    model.mask.head[1].bias.set_value(paddle.full_like(model.mask.head[1].bias, 1.5))
    found = losses_of(model, mask=np.zeros((2, 79, 79), np.uint8))["loss_mask"]
    assert found.item() == pytest.approx(2 * np.log1p(np.exp(1.5)), rel=1e-5)


def test_the_mask_of_the_best_cell_is_the_one_that_comes_out():
    for refine in (False, True):
        model = small(refine)
        model.eval()
        batch = {name: paddle.to_tensor(batch_for(model)[name]) for name in model.inputs}
        _, _, mask, place = model(*batch.values())
        _, _, shared, levels = model.predict(batch["template"], batch["search"])
        cell = (place.numpy() / 8 + 1).astype(int)
        number = paddle.to_tensor(cell[:, 1] * 3 + cell[:, 0])
        expected = model.masks_of(shared, levels, paddle.arange(2), number, 3)
        np.testing.assert_allclose(mask.numpy(), paddle.nn.functional.sigmoid(expected).numpy(), atol=1e-5)


def test_the_refinement_has_the_parameters_of_the_original():
    refine = MaskRefine(256, (64, 256, 512), (61, 31, 15), 127)
    assert sum(int(np.prod(p.shape)) for p in refine.parameters()) == 2665317


def run(inputs):
    """A mask of 8x4 pixels at the top left of a window of 20, which lies (6, -2) from the center."""
    mask = np.zeros((1, 20, 20), np.float32)
    mask[0, 2:6, 3:11] = 0.9
    return {
        "box": np.array([[6.0, -2.0, 20.0, 10.0]]),
        "score": np.array([0.5]),
        "mask": mask,
        "place": np.array([[6.0, -2.0]]),
    }


def test_the_rectangle_of_a_mask_is_in_pixels_of_the_frame():
    frame = np.zeros((60, 80, 3), np.uint8)
    task = MaskTracking()
    track = Track(run, TrackingCrops(20, 40), frame, [10, 10, 20, 20])  # 20 pixels show a square of 40: 2 for each
    np.testing.assert_allclose(task.shape_of(track), [[10, 10], [30, 10], [30, 30], [10, 30]])
    track.follow(frame)
    # the window begins at 6 - 10 = -4 and -2 - 10 = -12 from the center (20, 20); pixels 3 to 11 and 2 to 6
    left, top = 20 + 2 * (-4 + 3), 20 + 2 * (-12 + 2)
    expected = [[left, top], [left + 16, top], [left + 16, top + 8], [left, top + 8]]
    np.testing.assert_allclose(task.shape_of(track), expected, atol=1e-3)
    outputs = {"boxes": np.array([[track.box]]), "scores": np.array([[0.5]]), "shapes": [[task.shape_of(track)]]}
    ((record,),) = task.records(outputs, [], None, 0.0)
    assert record["polygon"] == pytest.approx(np.ravel(expected).tolist()) and record["frame"] == 0
    drawn = task.draw(frame, [record | {"polygon": [10, 10, 30, 10, 30, 30, 10, 30]}])
    assert drawn[10, 20].tolist() == [255, 0, 0] and not drawn[20, 20].any()


def test_a_mask_below_the_threshold_leaves_the_box():
    frame = np.zeros((60, 80, 3), np.uint8)
    track = Track(run, TrackingCrops(20, 40), frame, [10, 10, 20, 20])
    track.follow(frame)
    x, y, width, height = track.box
    found = MaskTracking(mask_threshold=0.95).shape_of(track)
    np.testing.assert_allclose(found, [[x, y], [x + width, y], [x + width, y + height], [x, y + height]])


def test_an_upright_rectangle_lies_around_the_rotated_one():
    rotated, upright = MaskTracking(), MaskTracking(rotated=False)
    frame, mask = np.zeros((60, 80, 3), np.uint8), np.zeros((1, 20, 20), np.float32)
    rows, columns = np.mgrid[:20, :20]
    mask[0] = np.abs(rows - 10) + np.abs(columns - 10) <= 5  # a diamond
    track = Track(lambda inputs: run(inputs) | {"mask": mask}, TrackingCrops(20, 40), frame, [10, 10, 20, 20])
    track.follow(frame)
    corners = rotated.shape_of(track)
    sides = np.linalg.norm(np.roll(corners, -1, 0) - corners, axis=1)
    np.testing.assert_allclose(sides, 2 * np.sqrt(2) * 6, rtol=1e-3)  # 5 cells and a pixel, twice as large
    np.testing.assert_allclose(np.ptp(upright.shape_of(track), 0), np.ptp(corners, 0), rtol=1e-5)
