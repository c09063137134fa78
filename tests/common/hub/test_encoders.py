"""The network of an encoder is read from its arrays, by the names of any library; anything else is refused."""

import json

import numpy as np
import pytest

from common import hub
from common.errors import ConfigError, EnvironmentProblem
from common.hub.encoders import encoder_node, is_encoder_folder, read_settings
from common.hub.trainable import FILE, Trainable, write_part


def arrays(**shapes):
    return {name.replace("__", "."): np.zeros(shape, "float32") for name, shape in shapes.items()}


BERT = {"num_attention_heads": 3, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
THEIRS = {
    "transformers": arrays(
        bert__embeddings__word_embeddings__weight=(9, 192), bert__embeddings__position_embeddings__weight=(7, 192),
        bert__embeddings__token_type_embeddings__weight=(2, 192), bert__encoder__layer__1__output__dense__bias=(192,),
    ),
    "2019": arrays(
        word_embedding=(9, 192), pos_embedding=(7, 192), sent_embedding=(2, 192), encoder_layer_1_ffn_fc_0__b_0=(192,),
    ),
    "ours": arrays(
        encoder__embedding__weight=(9, 192), encoder__positions__weight=(7, 192),
        encoder__segment_embedding__weight=(2, 192), encoder__layers__1__query__bias=(192,),
        encoder__task_embedding__weight=(3, 192),
    ),
}  # fmt: skip
SIZES = {"vocab_size": 9, "hidden_size": 192, "layers": 2, "heads": 3, "max_positions": 7, "segments_known": 2}


def test_the_network_is_read_from_the_arrays():
    assert encoder_node(THEIRS["transformers"], BERT, "x/model.safetensors") == SIZES | {
        "type": "BERT", "activation": "gelu", "epsilon": 1e-12
    }  # fmt: skip
    assert encoder_node(THEIRS["2019"], {}, "ernie_1.0/params") == SIZES | {"type": "ERNIE", "activation": "relu"}
    assert encoder_node(THEIRS["ours"], {}, "ernie_2.0/x") == SIZES | {
        "type": "ERNIE2",
        "activation": "gelu",
        "tasks": 3,
    }


@pytest.mark.parametrize("given, words", [
    ({}, "no embedding for vocab_size"),
    (arrays(word_embedding=(9, 4), pos_embedding=(7, 4), sent_embedding=(2, 4)), "has no layers"),
    (THEIRS["2019"] | arrays(word_embedding=(9,)), "an embedding is no matrix"),
])  # fmt: skip
def test_other_arrays_are_refused(given, words):
    with pytest.raises(ConfigError, match=words):
        encoder_node(given, {}, "x")


def test_a_folder_with_slips_is_refused(tmp_path):
    assert not is_encoder_folder(tmp_path)
    (tmp_path / "vocab.txt").write_text("[UNK]\n")
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ConfigError, match="not a JSON object"):
        read_settings(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        read_settings(tmp_path)
    for name in ("a.safetensors", "b.pdparams"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match="several files of weights, a"):
        is_encoder_folder(tmp_path)


def test_a_folder_without_weights_or_with_a_wrong_name_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder"):
        hub.create_module(tmp_path / "none", "mine")
    with pytest.raises(ConfigError, match="no checkpoint here"):
        hub.create_module(tmp_path, "mine")
    with pytest.raises(ConfigError, match=r"version: the version '1'; write two or three numbers"):
        hub.create_module(tmp_path, "mine", version="1")
    with pytest.raises(ConfigError, match="name: the name 'My model'; use lower-case letters"):
        hub.create_module(tmp_path, "My model")
    with pytest.raises(ConfigError, match="there is no 'licence'; did you mean 'license'"):
        hub.create_module(tmp_path, "mine", licence="MIT")


@pytest.mark.parametrize("change, kind, words", [
    ({"kit": "Elsewhere"}, EnvironmentProblem, "its kit Elsewhere is not beside common"),
    ({"part": "head"}, ConfigError, "a key is not as it was written"),
    ({"node": 3}, ConfigError, "node is not as it was written"),
    ({"transforms": [3]}, ConfigError, "a transform is a mapping with a type"),
    ({"transforms": [{"type": "TokenIds", "vocab": "../vocab.txt"}]}, EnvironmentProblem, "is not beside it"),
    ({"transforms": [{"type": "TokenIds", "vocab": "none.txt"}]}, EnvironmentProblem, "the file 'none.txt'"),
    ({"more": 1}, ConfigError, "a key is not as it was written"),
])  # fmt: skip
def test_a_trainable_part_from_elsewhere_is_not_trusted(tmp_path, change, kind, words):
    (tmp_path / "vocab.txt").write_text("[UNK]\n")
    nodes = [{"type": "TokenIds", "vocab": str(tmp_path / "vocab.txt"), "replace": None}]
    write_part(tmp_path, "PaddleNLP", "encoder", {"type": "BOW", "vocab_size": 1}, nodes, {"encoder.x": np.ones(1)})
    file = tmp_path / "trainable" / FILE
    good = Trainable(file.parent)
    assert good.find("TokenIds") == {"type": "TokenIds", "vocab": str(file.parent / "0_vocab.txt")}
    about = {"kit": good.kit, "part": good.part, "node": good.node, "transforms": good.transforms, **change}
    file.write_text(json.dumps(about))
    with pytest.raises(kind, match=words):
        Trainable(file.parent)
