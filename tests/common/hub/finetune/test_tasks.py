"""The ten lines that people know run as they stand; every task is a configuration that the commands take."""

import importlib.util
import json

import numpy as np
import pytest

from common import hub
from common.config import load_config
from common.errors import ConfigError
from common.hub.context import Feature, Program
from common.hub.trainable import FOLDER, Trainable, write_part

TEN_LINES = """
dataset = hub.dataset.ChnSentiCorp()
module = hub.Module(name="ernie")
inputs, outputs, program = module.context(trainable=True)
reader = hub.reader.ClassifyReader(dataset=dataset, vocab_path=module.get_vocab_path(), max_seq_len=128)
feed_list = [inputs["input_ids"].name, inputs["position_ids"].name, inputs["segment_ids"].name, inputs["input_mask"].name]
strategy = hub.AdamWeightDecayStrategy(learning_rate=5e-5)
config = hub.RunConfig(num_epoch=3, strategy=strategy)
task = hub.TextClassifierTask(data_reader=reader, feature=outputs["pooled_output"], feed_list=feed_list, num_classes=dataset.num_labels, config=config)
task.finetune_and_eval()
"""  # noqa: E501
TAGS = ["B-PER", "I-PER", "B-LOC", "O"]


class Names(hub.dataset.MSRA_NER):
    labels = TAGS


@pytest.fixture(scope="module")
def tuned(place):
    """The names that the ten lines leave."""
    names = {"hub": hub}
    exec(compile(TEN_LINES, "ten lines", "exec"), names)
    return names


def test_the_ten_lines_run_as_they_stand(tuned):
    task, folder = tuned["task"], tuned["config"].checkpoint_dir
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    evaluated = [row["accuracy"] for row in rows if row["kind"] == "eval"]
    assert len(evaluated) == 3 and (folder / "best").exists()
    assert task.eval("dev")["accuracy"] == max(evaluated) == task.eval("test")["accuracy"]
    curves = list(folder.glob("vdl/*"))
    assert bool(curves) == (importlib.util.find_spec("visualdl") is not None)


def test_predictions_are_those_of_the_best_epoch_and_of_what_is_saved(tuned, tmp_path):
    from common import api

    task, texts = tuned["task"], ["the hotel was good", "the meal was awful"]
    found = task.predict(texts)
    assert task.predict([[text] for text in texts], return_result=True) == [records[0]["label"] for records in found]
    exported = task.save_inference_model(tmp_path / "saved")
    for records, again in zip(found, api.Predictor(exported)(texts), strict=True):
        assert again[0]["label"] == records[0]["label"] and again[0]["score"] == pytest.approx(
            records[0]["score"], abs=1e-3
        )


def test_a_fine_tuned_model_becomes_a_module_and_the_start_of_another(tuned, tmp_path):
    task, texts = tuned["task"], ["the hotel was good"]
    package = hub.create_module(task.folder, "opinions", tmp_path, trainable=True, authors="me", summary="Opinions.")
    assert package == tmp_path / "opinions-1.0.0.phm"
    from common.hub.home import Home

    Home().install(package)
    module = hub.Module(name="opinions")
    assert module.sentiment_classify(texts=texts)[0][0]["label"] == task.predict(texts)[0][0]["label"]
    assert (module.card.type, module.card.authors) == ("NLP/text_classification", ["me"])
    assert module.card.metrics[0]["name"] == "accuracy" and module.card.metrics[0]["data"].endswith("dev.tsv")
    trainable = module.trainable()
    assert trainable.node["type"] == "ERNIE" and all(n.startswith("encoder.") for n in trainable.parameter_names())
    assert module.get_vocab_path().endswith("_vocab.txt")
    module.context()


def make(place, task, reader, dataset, feature="sequence_output", run=None, **more):
    """A task on the module `ernie`."""
    module = hub.Module(name="ernie")
    _, outputs, _ = module.context(trainable=run is None or run.pop("trainable", True), max_seq_len=40)
    config = hub.RunConfig(batch_size=8, checkpoint_dir=place / "runs" / task.__name__, **(run or {}))
    return task(outputs[feature], reader(dataset, module.get_vocab_path()), config=config, **more)


def test_a_fine_tuning_that_was_cut_off_goes_on_bit_for_bit(place):
    def start(name):
        strategy = hub.ULMFiTStrategy(1e-2, frz_blocks=2)
        run = {"num_epoch": 2, "save_ckpt_interval": 2, "strategy": strategy}
        task = make(
            place, hub.TextClassifierTask, hub.reader.ClassifyReader, hub.dataset.ChnSentiCorp(), "pooled_output", run
        )
        task.config.checkpoint_dir = place / name
        return task

    def stop(task, states):
        if states[0].run_step == 9:
            raise KeyboardInterrupt

    whole, cut, again = start("whole"), start("cut"), start("cut")
    whole.finetune()
    cut.add_hook("run_step", "stop", stop)
    with pytest.raises(KeyboardInterrupt):
        cut.finetune()
    assert (place / "cut" / "last").resolve().name == "step_8" and again.finetune().steps == 12
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (place / "cut/last" / name).read_bytes() == (place / "whole/last" / name).read_bytes()
    assert (place / "cut/metrics.jsonl").read_bytes() == (place / "whole/metrics.jsonl").read_bytes()


TASKS = {
    "tags": (hub.SequenceLabelTask, hub.reader.SequenceLabelReader, Names, {"add_crf": True}),
    "spans": (
        hub.ReadingComprehensionTask,
        hub.reader.ReadingComprehensionReader,
        hub.dataset.DRCD,
        {"sub_task": "drcd"},
    ),
    "pairs": (hub.TextClassifierTask, hub.reader.ClassifyReader, hub.dataset.LCQMC, {"metrics_choices": ["f1", "acc"]}),
}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_a_configuration_that_the_commands_take(place, name):
    kind, reader, dataset, more = TASKS[name]
    feature = "pooled_output" if kind is hub.TextClassifierTask else "sequence_output"
    strategy = hub.CombinedStrategy(scheduler={"gradual_unfreeze": 2}, regularization={"L2SP": 0.1})
    task = make(place, kind, reader, dataset(), feature, {"strategy": strategy}, **more)
    task.reader.max_seq_len, task.reader.max_query_length = 40, 10
    run = task.run()  # checks every key
    assert run.folder == task.folder and run.config.get("pretrained").endswith("trainable/model.safetensors")
    groups = run.config.get("optimizer.groups")
    assert ("encoder.pooler.*" in [group["match"] for group in groups]) == (feature == "sequence_output")
    assert run.config.get("data.metric.type") == {"tags": "ChunkF1", "spans": "AnswerF1", "pairs": "TextAccuracy"}[name]


def test_a_module_that_is_not_trained_is_frozen_and_a_random_one_not_loaded(place):
    args = (place, hub.TextClassifierTask, hub.reader.ClassifyReader, hub.dataset.ChnSentiCorp(), "pooled_output")
    frozen = make(*args, {"trainable": False}).configuration
    assert frozen["optimizer"]["groups"] == [{"match": "encoder.*", "freeze": True}] and "pretrained" in frozen
    feature = hub.Module(name="ernie").context(pretrained=False)[1]["pooled_output"]
    reader = hub.reader.ClassifyReader(hub.dataset.ChnSentiCorp())
    assert "pretrained" not in hub.TextClassifierTask(feature, reader).configuration


def test_images_are_classified_on_the_backbone_of_a_module(tmp_path):
    from PIL import Image

    normalize = {"type": "Normalize", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    transforms = [
        {"type": "Decode"},
        {"type": "ResizeShort", "size": 40},
        {"type": "CenterCrop", "size": 32},
        normalize,
    ]
    node = {"type": "SmallResNet", "depth": 8, "width": 0.5}
    write_part(tmp_path, "PaddleCV", "backbone", node, transforms, {"backbone.x": np.zeros(1, "float32")})
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    (tmp_path / "list.txt").write_text("a.png 0\na.png 1\n")
    dataset = hub.dataset.BaseCVDataset(tmp_path, "list.txt", "list.txt", label_list=["x", "y"])
    feature = Feature("feature_map", Program("small==1.0.0", Trainable(tmp_path / FOLDER)))
    reader = hub.reader.ImageClassificationReader(dataset=dataset, data_augmentation=True)
    task = hub.ImageClassifierTask(feature, reader, 2, ["image"])
    config = task.run().config
    types = {split: [t["type"] for t in config.get(f"data.{split}.transforms")] for split in ("train", "eval")}
    assert types["train"] == ["Decode", "RandomResizedCrop", "RandomFlip", "Normalize"]
    assert types["eval"] == ["Decode", "ResizeShort", "CenterCrop", "Normalize"]
    assert config.get("data.train.transforms.1.size") == 32 and config.get("model.backbone.type") == "SmallResNet"
    reader.image_width, reader.image_height, reader.data_augmentation = 24, 20, False
    assert task.transforms(False)[1] == {"type": "Resize", "size": [20, 24], "keep_ratio": False}
    with pytest.raises(ConfigError, match="the head is a linear layer"):
        hub.ImageClassifierTask(feature, reader, hidden_units=[3])


def test_slips_are_named(place):
    module, dataset = hub.Module(name="ernie"), hub.dataset.ChnSentiCorp()
    inputs, outputs, _ = module.context()
    reader, pooled = hub.reader.ClassifyReader(dataset), outputs["pooled_output"]
    other = place / "other.txt"
    other.write_text("[UNK]\n")
    slips = [
        (lambda: outputs["poled_output"], "no 'poled_output'; did you mean 'pooled_output'"),
        (lambda: inputs["ids"], "there are input_ids"),
        (lambda: module.context(sign="x"), "context has no argument 'sign'"),
        (lambda: hub.TextClassifierTask(outputs["sequence_output"], reader), "takes the pooled_output of a module"),
        (lambda: hub.TextClassifierTask("pooled_output", reader), "it is an output of module.context"),
        (lambda: hub.TextClassifierTask(pooled, "reader"), "it is a reader of hub.reader"),
        (lambda: hub.TextClassifierTask(pooled, reader, 3), "num_classes is 3, but ChnSentiCorp has 2 labels: 0, 1"),
        (lambda: hub.TextClassifierTask(pooled, reader, 2, ["inputs_ids"]), "no input 'inputs_ids'; did you mean"),
        (lambda: hub.TextClassifierTask(pooled, reader, metrics_choices="recall"), "there are acc, f1, matthews"),
        (lambda: hub.TextClassifierTask(pooled, hub.reader.ClassifyReader(dataset, other)).run(), "vocab_path is"),
        (lambda: hub.TextClassifierTask(pooled, hub.reader.ClassifyReader()).run(), "has no training data"),
        (lambda: hub.TextClassifierTask(pooled, reader).predict(["a"]), "call finetune"),
        (lambda: hub.TextClassifierTask(pooled, reader).eval("tset"), "did you mean 'test'"),
        (lambda: hub.reader.ClassifyReader(max_seq_len=2), "max_seq_len is 2; it is 3 or more"),
        (lambda: hub.RunConfig(num_epoch=0), "num_epoch is 0; it is a whole number from 1"),
        (lambda: hub.RunConfig(strategy="adam"), "it is such as hub.AdamWeightDecayStrategy"),
        (lambda: module.predict(["a"]), "is to be fine-tuned and predicts nothing by itself"),
        (lambda: hub.Module(name="ernie_tiny"), "no registry of packages carries its weights"),
    ]
    for slip, words in slips:
        with pytest.raises(ConfigError, match=words):
            slip()


def test_batches_may_count_tokens(place):
    dataset = hub.dataset.ChnSentiCorp()
    reader = hub.reader.ClassifyReader(dataset, in_tokens=True, do_lower_case=False)
    feature = hub.Module(name="ernie").context(max_seq_len=50)[1]["pooled_output"]
    found = hub.TextClassifierTask(feature, reader, config=hub.RunConfig(batch_size=400)).configuration
    assert found["data"]["train"]["sampler"] == {"type": "LengthSampler", "tokens": 400}
    assert found["data"]["train"]["transforms"][0] | {"vocab": ""} == {
        "type": "WordPiece", "vocab": "", "lowercase": False, "max_length": 50
    }  # fmt: skip
    load_config(found).check()


def test_numbers_and_several_classes_are_tasks_too(place):
    class Ratings(hub.dataset.BaseNLPDataset):
        def get_train_examples(self):
            return [hub.dataset.InputExample(k, f"text {k}", label=str(k / 2)) for k in range(8)]

    task = make(place, hub.RegressionTask, hub.reader.RegressionReader, Ratings(place), "pooled_output", num_classes=1)
    config = task.run().config
    assert config.get("model.type") == "TextRegressor" and config.get("data.train.type") == "ScoredTexts"
    (place / "toxic.tsv").write_text("text_a\ttoxic\trude\na\t1\t0\nb\t0\t1\n")
    flags = hub.dataset.BaseNLPDataset(place, "toxic.tsv", label_list=["toxic", "rude"], train_file_with_header=True)
    reader = hub.reader.MultiLabelClassifyReader
    config = make(place, hub.MultiLabelClassifierTask, reader, flags, "pooled_output").run().config
    assert config.get("model.head.type") == "MultiLabelTextHead" and config.get("data.train.file") == "toxic.tsv"
