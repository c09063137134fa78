"""The embedding network: the model contract, the normalization, what becomes of the weights of classes."""

import numpy as np
import paddle
import pytest

from common.api import train
from common.build.data import build_dataset
from common.build.model import build_model
from common.config import load_config
from common.errors import ConfigError
from common.export.write import export
from common.inference.predictor import Predictor
from common.testing import check_model
from common.weights.checkpoint import read_weights
from PaddleCV.models.backbones.small_resnet import SmallResNet
from PaddleCV.models.embedders.embedder import Embedder
from PaddleCV.models.heads.embedding_head import EmbeddingHead
from PaddleCV.models.losses.metric_losses import ArcMargin, NPairsLoss
from PaddleCV.tools.make_digit_classes import make_digit_classes

TWINS = "PaddleCV/configs/tiny/metric_learning"


def tiny(loss=None, size=6, **given):
    paddle.seed(0)
    backbone = SmallResNet(8, width=0.25)
    head = EmbeddingHead(backbone.out_channels, size)
    return Embedder(backbone, head, loss or ArcMargin(head.out_channels, 3, scale=8.0), **given)


def batch():
    image = np.random.default_rng(1).normal(size=(6, 3, 16, 16)).astype("float32")
    return {"image": image, "label": np.array([0, 0, 1, 1, 2, 2])}


@pytest.mark.parametrize("loss", [None, NPairsLoss()], ids=["classes", "pairs"])
def test_an_embedder_keeps_the_contract(loss, tmp_path):
    check_model(lambda: tiny(loss), batch(), tmp_path)


def test_embeddings_have_length_1_unless_the_model_says_otherwise():
    image = paddle.to_tensor(batch()["image"])
    for normalize in (True, False):
        model = tiny(normalize=normalize)
        model.eval()
        raw, found = model.predict(image).numpy(), model(image).numpy()
        expected = raw / np.linalg.norm(raw, axis=1, keepdims=True) if normalize else raw
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_head_of_size_0_gives_the_pooled_feature():
    head = EmbeddingHead([4, 8], 0)
    feature = paddle.rand([2, 8, 3, 5])
    np.testing.assert_allclose(head([None, feature]).numpy(), feature.numpy().mean((2, 3)), rtol=1e-5)
    assert head.out_channels == 8 and not list(head.parameters())
    quarters = EmbeddingHead([8], 0, grid=2)([paddle.arange(8.0).reshape([1, 1, 2, 4])]).numpy()
    assert quarters.tolist() == [[0.5, 2.5, 4.5, 6.5]]
    with pytest.raises(ValueError, match="size -1"):
        EmbeddingHead([8], -1)


def test_images_without_one_class_each_cannot_be_trained_on():
    given = {"image": paddle.to_tensor(batch()["image"])}
    with pytest.raises(ConfigError, match="one class per image"):
        tiny().loss(given)
    with pytest.raises(ConfigError, match="ArcMargin needs one class"):
        tiny().loss({**given, "label": paddle.zeros([6, 3])})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the digits, and the tiny first stage after two steps."""
    folder = tmp_path_factory.mktemp("embedder")
    make_digit_classes(folder / "digit_classes", train=6, evaluation=3)
    places = {"dataset": f"{folder}/digit_classes", "output_dir": f"{folder}/out"}
    return folder, places, train(f"{TWINS}/arcmargin.yml", evaluate=True, **places, train={"max_steps": 2})


def test_the_weights_of_classes_are_in_neither_the_checkpoint_nor_the_export(trained):
    folder, places, run = trained
    arrays = read_weights(run.weights)
    assert not [name for name in arrays if "loss" in name] and "head.fc.weight" in arrays
    config = load_config(f"{TWINS}/arcmargin.yml", [f"dataset={places['dataset']}"])
    config.check()
    model = build_model(config, None)  # as for an evaluation, whose classes are others
    assert model.loss_terms.weight is None
    missing, unexpected = model.set_state_dict({name: paddle.to_tensor(value) for name, value in arrays.items()})
    assert not missing and not unexpected
    with_classes = build_model(config, [str(digit) for digit in range(10)])
    image = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype("float32")
    export(with_classes, config, None, {"image": image}, folder / "export")
    size = sum(p.size for p in with_classes.parameters()) - with_classes.loss_terms.weight.size
    size += sum(b.size for b in with_classes.buffers())
    assert (folder / "export/model.pdiparams").stat().st_size == pytest.approx(4 * size, rel=0.1)
    found = Predictor(folder / "export").run({"image": image})["embedding"]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_the_second_stage_begins_with_the_weights_of_the_first(trained):
    _, places, first = trained
    changes = {"train": {"max_steps": 1}, "optimizer": {"lr": {"base": 1e-9}}, "pretrained": str(first.weights)}
    second = train(f"{TWINS}/npairs.yml", evaluate=True, **places, **changes)
    before, after = read_weights(first.weights), read_weights(second.weights)
    assert before.keys() == after.keys()
    np.testing.assert_allclose(after["head.fc.weight"], before["head.fc.weight"], atol=1e-6)
    assert second.scores.keys() == {"recall1", "recall2", "recall4"}


def test_the_completed_configuration_reads_its_data_again_though_it_names_the_classes(trained):
    config = load_config(trained[2].weights / "config.yml")
    assert config.get("num_classes") == 10
    config.set("labels", [f"digit {number}" for number in range(10)])  # as if those to search in had other names
    found = build_dataset(config, "eval", config.get("labels"))
    assert found.names == [str(digit) for digit in range(10)] and len(found) == 90
