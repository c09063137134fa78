"""The export of a small encoder for tests of the service, and what it is to answer."""

import threading

import numpy as np

from common.build.model import build_model
from common.config import load_config
from common.export.example import example_inputs
from common.export.write import export
from common.inference.predictor import Predictor, prepare_samples, stack
from common.inference.tasks.text_encoding import vectors_of

LAYERS = ["pooler", "mean:-2", "tokens", "scores"]
WORDS = ["the", "a", "was", "is", "very", "went", "to", "and", "saw", "in", "hotel", "book", "rome", "ann", "bob"]


def export_encoder(sets, folder, layers=LAYERS):
    """Exports the encoder of the tiny classifier of pairs, on its first weights, and the classifier beside it.

    Args:
        sets (MadeSets): the data.
        folder (Path): gets `encoder` and `classifier`.
        layers (list[str]): outputs.
    """
    config = load_config("PaddleNLP/configs/tiny/pairs.yml", [f"dataset={sets.folder('texts')}"])
    config.check()
    config.fix(labels=["0", "1"], num_classes=2)
    model = build_model(config, ["0", "1"])
    model.eval()
    export(model, config, ["0", "1"], example_inputs(model, config), folder / "classifier")
    outputs = config.namespace.resolve("EncoderOutputs")(model, layers)
    outputs.eval()
    export(outputs, config, ["0", "1"], example_inputs(outputs, config), folder / "encoder")


def random_texts(count, rng, longest=20):
    """Texts of 1 to `longest` words (list of str), one in eight with a second text after a tab."""
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, longest + 1))) for _ in range(count)]
    return [f"{text}\tann saw rome" if n % 8 == 7 else text for n, text in enumerate(texts)]


class InPlace:
    """The vectors of texts by the predictor in this process, one text at a time.

    Args:
        folder (Path): an export of the task TextEncoding.
    """

    def __init__(self, folder):
        self.model, self.known, self.lock = Predictor(folder), {}, threading.Lock()

    def __call__(self, text, layer):
        """The vector of a text at a layer, float32 [H], of tokens [T, H]."""
        with self.lock:
            if text not in self.known:
                sample = self.model.task.read_line(text) | {"path": "", "place": ""}
                (sample,) = prepare_samples(self.model, [self.model.decode(sample)])
                self.known[text] = vectors_of(self.model.run(stack(self.model, [sample])), 0, int(sample["length"]))
            return self.known[text][layer]

    def assert_equal(self, texts, vectors, layer):
        """Checks the vectors of texts at a layer."""
        assert len(texts) == len(vectors)
        for text, vector in zip(texts, vectors):
            np.testing.assert_allclose(vector, self(text, layer), rtol=1e-4, atol=1e-5, err_msg=text)
