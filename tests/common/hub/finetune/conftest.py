"""A tiny encoder as an installed module, and the small made texts as a dataset that is known by name."""

import json

import numpy as np
import pytest

from common import hub
from PaddleNLP.tools.make_texts import make_texts

HIDDEN, LAYERS, HEADS, LENGTH = 16, 2, 2, 128
FILES = {"labeled.{}.tsv": "chnsenticorp", "pairs.{}.tsv": "lcqmc", "conll.{}.txt": "msra_ner", "squad.{}.json": "drcd"}


def encoder_arrays(tokens):
    """The arrays of a narrow ERNIE under our names, random but for the same seed."""
    rng = np.random.default_rng(0)
    shapes = {"embedding.weight": [tokens, HIDDEN], "positions.weight": [LENGTH, HIDDEN]}
    shapes |= {"segment_embedding.weight": [2, HIDDEN], "norm.weight": [HIDDEN], "norm.bias": [HIDDEN]}
    for layer in range(LAYERS):
        sizes = {name: [HIDDEN, HIDDEN] for name in ("query", "key", "value", "output")}
        sizes |= {
            "wide": [HIDDEN, 4 * HIDDEN],
            "narrow": [4 * HIDDEN, HIDDEN],
            "norm": [HIDDEN],
            "attention_norm": [HIDDEN],
        }
        for name, size in sizes.items():
            shapes |= {f"layers.{layer}.{name}.weight": size, f"layers.{layer}.{name}.bias": size[-1:]}
    shapes |= {"pooler.weight": [HIDDEN, HIDDEN], "pooler.bias": [HIDDEN]}
    arrays = {f"encoder.{name}": rng.normal(0, 0.1, shape).astype("float32") for name, shape in shapes.items()}
    return arrays | {name: np.ones_like(value) for name, value in arrays.items() if name.endswith("norm.weight")}


def write_encoder(folder, arrays, vocabulary, **settings):
    """Writes the folder of an encoder as other libraries give it."""
    from common.weights.safetensors import encode_arrays

    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"".join(encode_arrays(arrays)))
    (folder / "vocab.txt").write_text(vocabulary)
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": HEADS, "hidden_act": "relu", **settings}))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The current folder, with datasets that are known by name and the installed module `ernie`."""
    folder = tmp_path_factory.mktemp("tune")
    make_texts(folder / "texts")
    for pattern, name in FILES.items():
        for split, phases in (("train", ["train"]), ("eval", ["dev", "test"])):
            for phase in phases:
                source = folder / "texts" / pattern.format(split)
                target = folder / "dataset" / name / f"{phase}{source.suffix}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    vocabulary = (folder / "texts" / "pieces.txt").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HUB_HOME", str(folder / "home"))
        source = write_encoder(folder / "ernie_narrow", encoder_arrays(len(vocabulary.splitlines())), vocabulary)
        assert hub.create_module(source, "ernie", install=True).is_dir()
        yield folder
