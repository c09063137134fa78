"""The detector of keypoints: the model contract, heat maps and back, mirrored predictions, weights by visibility."""

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.testing import check_model
from PaddleCV.models.backbones.resnet import ResNet
from PaddleCV.models.heads.deconv_head import DeconvHead
from PaddleCV.models.keypoints.heatmaps import draw_heatmaps, find_peaks, mirror_heatmaps
from PaddleCV.models.keypoints.keypoint_detector import KeypointDetector
from PaddleCV.models.losses.heatmap_loss import HeatmapMSE

ORIGINAL = 0.125


def make():
    paddle.seed(0)
    backbone = ResNet(14, width=0.0625, out_indices=[3])
    model = KeypointDetector(backbone, DeconvHead(backbone.out_channels, 3, [8, 8, 8]), HeatmapMSE(2.0))
    model.head.classifier.weight.set_value(model.head.classifier.weight * 1000)  # peaks of different heights
    return model


def people_batch():
    """Two crops of 32 x 64 pixels, each with two labeled keypoints of three."""
    rng = np.random.default_rng(0)
    points = np.array([[[[20, 8, 2], [40, 20, 1], [0, 0, 0]]], [[[50, 30, 2], [3, 3, 2], [0, 0, 0]]]], "float32")
    image = rng.normal(size=(2, 3, 32, 64)).astype("float32")
    return {"image": image, "crop": np.array([[0, 0, 64, 32], [10, 20, 138, 84]], "float32"), "keypoints": points}


def tensors(batch):
    return {name: paddle.to_tensor(value) for name, value in batch.items()}


def test_a_detector_of_keypoints_keeps_the_contract(tmp_path):
    check_model(make, people_batch(), tmp_path)


def test_the_head_doubles_the_size_with_each_deconvolution_and_begins_near_zero():
    for size in (2, 3, 4):
        head = DeconvHead([5, 6], 4, [3, 3], kernel_size=size, final_kernel_size=3)
        assert head([None, paddle.rand([1, 6, 3, 5])]).shape == [1, 4, 12, 20]
        assert abs(float(head.classifier.weight.std()) - 0.001) < 3e-4
    with pytest.raises(ValueError, match="kernel_size 5"):
        DeconvHead([6], 4, kernel_size=5)


def test_a_target_is_a_gaussian_around_the_nearest_cell_and_zero_beyond_three_deviations():
    maps = draw_heatmaps(paddle.to_tensor([[[5.4, 2.3]]]), 8, 12, 1.0, 0.0).numpy()[0, 0]
    assert np.unravel_index(maps.argmax(), maps.shape) == (2, 5) and maps[2, 5] == 1
    np.testing.assert_allclose(maps[4, 6], np.exp(-(4 + 1) / 2), rtol=1e-6)
    assert maps[5, 8] > 0 and maps[2, 9] == 0 and maps[6, 5] == 0


@pytest.mark.parametrize("center", [0.5, ORIGINAL])
def test_peaks_of_targets_are_their_keypoints_within_half_a_cell(center):
    places = np.random.default_rng(1).uniform(1, 7, (1, 20, 2)).astype("float32")
    maps = draw_heatmaps(paddle.to_tensor(places), 9, 10, 1.5, center)
    found, score = find_peaks(maps, center)
    assert np.abs(found.numpy() - places).max() <= 0.5 + 1e-5 and (score.numpy() == 1).all()


def test_a_peak_is_a_quarter_of_a_cell_toward_the_higher_neighbor_but_not_at_an_edge():
    maps = np.zeros((1, 2, 4, 5), "float32")
    maps[0, 0, 1, 2:4] = 1.0, 0.5
    maps[0, 0, 0, 2] = 0.2
    maps[0, 1, 0, 0], maps[0, 1, 1, 0], maps[0, 1, 0, 1] = 1, 0.5, 0.5
    found, _ = find_peaks(paddle.to_tensor(maps), 0.5)
    assert found.tolist() == [[[2.75, 1.25], [0.5, 0.5]]]


def test_keypoints_are_in_pixels_of_the_original_image():
    model, maps = make(), np.zeros((1, 1, 8, 16), "float32")
    maps[0, 0, 6, 4] = 0.7
    crop = paddle.to_tensor([[10.0, 20.0, 138.0, 84.0]])  # 8 pixels a cell
    x, y, score = model.locate(paddle.to_tensor(maps), crop)[0, 0].tolist()
    assert (x, y, score) == pytest.approx((10 + (4 + ORIGINAL) * 8, 20 + (6 + ORIGINAL) * 8, 0.7))


@pytest.mark.parametrize("center", [0.5, ORIGINAL])
def test_heat_maps_of_a_mirrored_image_are_laid_over_those_of_the_image(center):
    places = np.array([[[3.3, 2.0], [7.6, 4.0]]], "float32")
    mirrored = places[:, ::-1] * [-1, 1] + np.float32([12, 0])
    maps, other = (draw_heatmaps(paddle.to_tensor(p.astype("float32")), 6, 12, 1.0, center) for p in (places, mirrored))
    found = mirror_heatmaps(other, [1, 0], center)
    assert (find_peaks(found, center)[0] - find_peaks(maps, center)[0]).abs().max().item() <= 1
    if center == 0.5:
        np.testing.assert_allclose(found.numpy(), maps.numpy(), atol=1e-6)


def test_a_symmetric_prediction_is_its_own_mirror_image():
    model = make()
    model.cell_center = 0.5
    image = paddle.to_tensor(people_batch()["image"])
    once, mirrored = (model.predict_mirrored(x, [1, 0, 2]) for x in (image, image.flip(3)))
    np.testing.assert_allclose(mirrored.flip(3).numpy(), once.numpy()[:, [1, 0, 2]], atol=1e-4)


def test_only_labeled_keypoints_count_in_the_loss():
    loss, maps = HeatmapMSE(1.0), paddle.zeros([1, 2, 4, 4])
    places = paddle.to_tensor([[[1.0, 1.0], [2.0, 2.0]]])
    target = draw_heatmaps(places, 4, 4, 1.0, 0.0).numpy()
    both = loss(maps, places, paddle.to_tensor([[2, 1]]), 0.0).item()
    one = loss(maps, places, paddle.to_tensor([[2, 0]]), 0.0).item()
    assert both == pytest.approx(0.5 * (target**2).mean(), rel=1e-6)
    assert one == pytest.approx(0.5 * (target[:, 0] ** 2).sum() / 32, rel=1e-6)
    with pytest.raises(ValueError, match="sigma"):
        HeatmapMSE(0)
    with pytest.raises(ConfigError, match="no keypoints"):
        make().loss({"image": maps})


def test_the_loss_falls_when_one_batch_is_learned():
    model, batch = make(), tensors(people_batch())
    optimizer = paddle.optimizer.Adam(1e-2, parameters=model.parameters())
    losses = []
    for _ in range(25):
        loss = sum(model.loss(batch).values())
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
