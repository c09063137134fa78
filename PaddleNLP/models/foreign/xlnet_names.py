"""The names of XLNet's weights in transformers' files, under the names of this kit."""

import re

ATTENTION = {"q": "query", "k": "key", "v": "value", "r": "position", "o": "output"}
BIASES = {"r_w_bias": "content_bias", "r_r_bias": "position_bias", "r_s_bias": "segment_bias"}
PARTS = {"ff.layer_1": "wide", "ff.layer_2": "narrow", "ff.layer_norm": "norm", "rel_attn.layer_norm": "attention_norm"}
LAYER = re.compile(r"layer\.(\d+)\.(.+)")


def xlnet_names(arrays):
    """Arrays of an XLNet of transformers under our names; arrays of any other file are returned unchanged.

    Args:
        arrays (dict): name -> array.
    """
    if not any(name.endswith("rel_attn.r_w_bias") for name in arrays):
        return arrays
    found = {}
    for name, array in arrays.items():
        name = name.removeprefix("transformer.")
        if match := LAYER.fullmatch(name):
            last, array = of_layer(match[2], array)
            found[f"encoder.layers.{match[1]}.{last}"] = array
        elif name == "word_embedding.weight":
            found["encoder.embedding.weight"] = array
        elif name == "mask_emb":
            found["mask"] = array.reshape(-1)
        elif name.startswith("sequence_summary.summary."):
            kind = name.rpartition(".")[2]
            found[f"encoder.pooler.{kind}"] = array.T if kind == "weight" else array
        elif name in ("lm_loss.bias", "lm_head.bias"):
            found["bias"] = array
        else:
            found[name] = array
    return found


def of_layer(name, array):
    """(our name, array) of a parameter of a layer: products as [inputs, outputs]."""
    if name.startswith("rel_attn."):
        part = name.removeprefix("rel_attn.")
        if part in ATTENTION:
            product = array.reshape(array.shape[0], -1)
            return f"{ATTENTION[part]}.weight", product.T if part == "o" else product
        if part in BIASES:
            return BIASES[part], array
        if part == "seg_embed":
            return "segment_embedding", array
    place, _, kind = name.rpartition(".")
    product = kind == "weight" and place in ("ff.layer_1", "ff.layer_2")
    return f"{PARTS.get(place, place)}.{kind}", array.T if product else array
