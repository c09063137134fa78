"""Recordings through the commands: learning, training, evaluation, export, inference, by a kit made for this test."""

import json
import shutil

import pytest

from tests.commands import command

MODEL = '''"""Counts characters."""

import paddle
from paddle import nn


class Counter(nn.Layer):
    """Tells from the mean of the features which character a recording begins with.

    Args:
        labels (list[str]): the blank and the characters.
        num_features (int): F.
    """

    task = "speech_recognition"
    outputs = ["ids", "score"]

    def __init__(self, labels, num_features):
        super().__init__()
        self.labels, self.vocab_size = labels, len(labels)
        self.inputs = {"features": ([None, None, num_features], "float32"), "feature_length": ([None], "int64")}
        self.output = nn.Linear(num_features, len(labels))

    def predict(self, features, feature_length):
        """Logits [N, C]."""
        return self.output(features.sum(1) / feature_length.astype("float32").unsqueeze(1))

    def forward(self, features, feature_length):
        """The number of the character [N, 1], and its probability [N]."""
        scores = nn.functional.softmax(self.predict(features, feature_length))
        return scores.argmax(1, keepdim=True), scores.max(1)

    def loss(self, batch):
        """Cross entropy of the first character."""
        logits = self.predict(batch["features"], batch["feature_length"])
        return {"loss_first": nn.functional.cross_entropy(logits, batch["labels"][:, 0].astype("int64"))}
'''

CONFIG = """# For a test.
seed: 0
output_dir: output
log_every: 20
device: cpu
dataset: dataset/spoken_tones
features: {type: FilterBank, num_bins: 24}
normalize: {type: NormalizeFeatures, file: "${dataset}/learned.stats"}
ids: {type: CharacterIds, vocab: "${dataset}/vocab.txt"}
model: {type: Counter, num_features: 24}
data:
  train:
    type: AudioManifest
    file: "${dataset}/train.jsonl"
    vocab: "${dataset}/vocab.txt"
    transforms:
      - {type: DecodeAudio, rate: 8000}
      - {type: ChangeSpeed}
      - {type: AddWhiteNoise}
      - "${features}"
      - "${normalize}"
      - {type: SpecAugment, frequency_width: 4}
      - "${ids}"
      - {type: PadSpeech}
    sampler: {type: DurationSampler, seconds: 8, sorted_epochs: 1}
  eval:
    type: AudioManifest
    file: "${dataset}/eval.jsonl"
    vocab: "${dataset}/vocab.txt"
    transforms: [{type: DecodeAudio, rate: 8000}, "${features}", "${normalize}", "${ids}", {type: PadSpeech}]
optimizer: {type: Adam, lr: 1e-2}
train: {epochs: 2, batch_size: 16, workers: 0}
"""


@pytest.fixture(scope="module")
def trained(made_sets, tmp_path_factory):
    """The folder of a kit, with its data and a run of it, exported."""
    folder = tmp_path_factory.mktemp("speech") / "TinySpeech"
    (folder / "models").mkdir(parents=True)
    (folder / "configs").mkdir()
    (folder / "models/counter.py").write_text(MODEL)
    (folder / "configs/counter.yml").write_text(CONFIG)
    shutil.copytree(made_sets.folder("spoken_tones"), folder / "data_set")
    for tool, more in (("check", []), ("train", []), ("export", [f"weights={folder}/output/counter/last"])):
        done = command(tool, *arguments(folder), *more)
        assert done.code == 0, done.err
    return folder


def arguments(folder):
    return [
        *("-c", folder / "configs/counter.yml", "-o"),
        *(f"dataset={folder}/data_set", f"output_dir={folder}/output"),
    ]


def test_what_was_learned_travels_with_the_weights_and_the_export(trained):
    learned = (trained / "data_set/learned.stats").read_bytes()
    assert (trained / "output/counter/last/learned.stats").read_bytes() == learned
    assert (trained / "output/counter/export/learned.stats").read_bytes() == learned
    done = command("fit", *arguments(trained))
    assert done.code == 0 and "nothing to learn" in done.out


def test_a_checkpoint_and_its_export_answer_alike_from_a_recording(trained, tmp_path):
    exported = shutil.copytree(trained / "output/counter/export", tmp_path / "elsewhere")
    recording = trained / "data_set/wav/eval_0003.wav"
    by_export = command("infer", "--model", exported, recording, "--json")
    weights = f"weights={trained}/output/counter/last"
    by_checkpoint = command("infer", *arguments(trained), weights, "--input", recording, "--json")
    assert by_export.code == by_checkpoint.code == 0, by_export.err + by_checkpoint.err
    answers = [json.loads(done.out) for done in (by_export, by_checkpoint)]
    assert answers[0] == answers[1] and answers[0]["sound"] == str(recording)
    (record,) = answers[0]["predictions"]
    assert len(record["text"]) <= 1 and 0 < record["score"] <= 1
    piped = command("infer", "--model", exported, "-", "--json", stdin=recording.read_bytes())
    assert json.loads(piped.out)["predictions"] == [record]


def test_a_folder_is_answered_and_its_bad_files_are_named(trained, tmp_path):
    for name in ("eval_0000", "eval_0001"):
        shutil.copy(trained / f"data_set/wav/{name}.wav", tmp_path)
    (tmp_path / "empty.wav").write_bytes(b"")
    data = (tmp_path / "eval_0000.wav").read_bytes()
    (tmp_path / "click.wav").write_bytes(
        data[:4] + b"\xff\xff\xff\xff" + data[8:40] + (80).to_bytes(4, "little") + data[44:124]
    )
    done = command("infer", "--model", trained / "output/counter/export", tmp_path, "--batch", 3)
    lines = done.out.splitlines()
    assert done.code == 3 and len(lines) == 2 and lines[0].startswith(f"{tmp_path}/eval_0000.wav\t"), done.err
    assert "D140" in done.err and "D145" in done.err and "2 of 4 recordings could not be read" in done.err


@pytest.mark.parametrize(
    "given, code, words",
    [
        (["no.wav"], 3, ["D104", "no.wav"]),
        ([], 2, ["this model takes recordings"]),
        (["--text", "hello"], 2, ["this model takes sound"]),
    ],
)
def test_what_cannot_be_answered_is_refused(trained, given, code, words):
    command("infer", "--model", trained / "output/counter/export", *given).refused(code, *words)


def test_a_manifest_with_a_bad_file_ends_the_run_before_it_begins(trained, tmp_path):
    data = shutil.copytree(trained / "data_set", tmp_path / "data_set")
    (data / "wav/train_0001.wav").write_bytes(b"")
    given = [*arguments(trained)[:3], f"dataset={data}", f"output_dir={tmp_path}"]
    command("train", *given).refused(3, "D140", "line 2", "train_0001.wav")
    command("check", *given).refused(3, "D140", "line 2", "train_0001.wav")
