"""A small kit for tests of audio: a model that classifies the first letter of spoken tones, trained and exported."""

import shutil

from common.config.kits import ROOT
from tests.made.commands import command

MODEL = '''"""Counts characters."""

import paddle
from paddle import nn


class Counter(nn.Layer):
    """Classifies the first character of a recording by the mean of its features.

    Args:
        labels (list[str]): the blank and the characters.
        num_features (int): F.
    """

    task = "SpeechRecognition"
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
        """The id of the character [N, 1], and its probability [N]."""
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


def make_speech_kit(folder, tones):
    """Writes a kit with the readers of PaddleSpeech, trains its model and exports it.

    Args:
        folder (Path): of the kit.
        tones (Path): the synthetic dataset `spoken_tones`.

    Returns:
        Path: the folder; `output/counter/` holds `last` and `export`.
    """
    (folder / "models").mkdir(parents=True)
    (folder / "configs").mkdir()
    shutil.copytree(ROOT / "PaddleSpeech/data", folder / "data", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "models/counter.py").write_text(MODEL)
    (folder / "configs/counter.yml").write_text(CONFIG)
    shutil.copytree(tones, folder / "data_set")
    for tool, more in (("check", []), ("train", []), ("export", [f"weights={folder}/output/counter/last"])):
        done = command(tool, *arguments(folder), *more)
        assert done.code == 0, done.err
    return folder


def arguments(folder):
    """`-c` and `-o` of the kit's configuration; more `key=value` may follow."""
    return [
        *("-c", folder / "configs/counter.yml", "-o"),
        *(f"dataset={folder}/data_set", f"output_dir={folder}/output"),
    ]
