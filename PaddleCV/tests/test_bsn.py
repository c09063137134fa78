"""The boundary-sensitive network: the contract of both stages, features of proposals by hand, and the files between."""

import numpy as np
import paddle
import pytest

from common.build.data import build_dataset, build_transforms
from common.build.model import build_model
from common.config import load_config
from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.errors import BadSample
from common.testing import check_model
from PaddleCV.data.proposals import LoadProposals
from PaddleCV.models.localizers.bsn import BSN, interpolation
from PaddleCV.tools.bsn_proposals import propose
from PaddleCV.tools.make_segments import made_videos, make_segments


def small(stage):
    paddle.seed(0)
    return BSN(stage, features=4, length=8, durations=6, hidden=8, hidden_proposals=8)


def batch():
    rng = np.random.default_rng(0)
    found = {name: (rng.random((2, 8)) > 0.7).astype("float32") for name in ("action", "start", "end")}
    features = {"proposal_features": rng.random((2, 9, 32)).astype("float32")}
    overlaps = np.concatenate([rng.random((2, 7)), np.full((2, 2), -1)], 1).astype("float32")
    x = rng.normal(size=(2, 8, 4)).astype("float32")
    return {"features": x, **found, **features, "proposal_overlaps": overlaps}


@pytest.mark.parametrize("stage", ["boundaries", "proposals"])
def test_both_stages_keep_the_contract(stage, tmp_path):
    check_model(lambda: small(stage), batch(), tmp_path)


def test_the_second_stage_trains_the_pem_alone():
    model = small("proposals")
    trained = [name for name, parameter in model.named_parameters() if not parameter.stop_gradient]
    assert trained == ["pem.0.weight", "pem.0.bias", "pem.2.weight", "pem.2.bias"]
    assert set(small("boundaries").state_dict()) <= set(model.state_dict())  # what `pretrained` takes


def test_a_feature_is_the_mean_of_three_points_between_the_middles_of_steps():
    low, high = np.array([[0.5]]), np.array([[3.0]])
    weights = interpolation(low, high, 2, 4)  # points at 0.5, 1, 1.5, 2, 2.5, 3; the middles are 0.5, 1.5, 2.5, 3.5
    np.testing.assert_allclose(weights.T, np.array([[1.5, 1.5, 0, 0], [0, 0.5, 2, 0.5]]) / 3, rtol=1e-6)
    outside = interpolation(np.array([[-3.0]]), np.array([[-1.0]]), 1, 4)
    np.testing.assert_allclose(outside.T, [[1, 0, 0, 0]])


def test_proposals_of_a_file_are_cut_and_filled_and_bad_files_are_named(tmp_path):
    features = np.arange(3 * 32, dtype=np.float32).reshape(3, 32)
    np.savez(tmp_path / "v.npz", features=features, overlaps=np.array([0.9, 0.1, 0.0]))
    found = LoadProposals(str(tmp_path), most=2)({"path": "features/v.npz"}, random_for(0))
    assert np.array_equal(found["proposal_features"], features[:2])
    found = LoadProposals(str(tmp_path), most=4)({"path": "features/v.npz"}, random_for(0))
    np.testing.assert_allclose(found["proposal_overlaps"], [0.9, 0.1, 0, -1])
    np.savez(tmp_path / "w.npz", features=features)
    with pytest.raises(BadSample, match=r"expected \[proposals, 32\] and as many overlaps"):
        LoadProposals(str(tmp_path))({"path": "features/w.npz"}, random_for(0))


def test_the_second_stage_writes_a_file_for_each_video_and_the_third_learns_from_them(tmp_path):
    make_segments(tmp_path / "set", made_videos(5))
    given = [f"dataset={tmp_path / 'set'}", "train.batch_size=4"]
    config = load_config("PaddleCV/configs/tiny/bsn_tem.yml", given)
    dataset = build_dataset(config, "train")
    model = build_model(config, dataset.labels)
    assert 0 < propose(model, dataset, build_transforms(config, "eval"), tmp_path / "set/proposals", 20) <= 4 * 20
    name = dataset[0]["place"]
    with np.load(tmp_path / f"set/proposals/{name}.npz") as found:
        assert found["features"].shape == (len(found["segments"]), 32) and found["overlaps"].min() >= 0
        # the feature in the middle of the action's curve is what the network says there
        curve = model.predict(paddle.to_tensor(rescaled(config, dataset)))[0, 0].numpy()
        start, end = found["segments"][0] * model.length
        inside = found["features"][0, :16]
        low, high = (
            curve[max(0, int(start) - 1) : int(end) + 1].min(),
            curve[max(0, int(start) - 1) : int(end) + 1].max(),
        )
        assert low - 1e-5 <= inside.min() and inside.max() <= high + 1e-5
    config = load_config("PaddleCV/configs/tiny/bsn.yml", given)
    dataset = build_dataset(config, "train")
    whole = build_model(config, dataset.labels)
    samples = [Pipeline(build_transforms(config, "train")).sample(dataset, number, 0) for number in range(2)]
    keys = ("proposal_features", "proposal_overlaps")
    losses = whole.loss({key: paddle.to_tensor(np.stack([sample[key] for sample in samples])) for key in keys})
    assert np.isfinite(losses["loss_overlap"].item()) and losses["loss_overlap"].item() > 0


def rescaled(config, dataset):
    """The features of the first video as the network takes them, [1, T, I]."""
    return Pipeline(build_transforms(config, "eval")).sample(dataset, 0, 0)["features"][None]
