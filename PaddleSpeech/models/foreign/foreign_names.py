"""Weights of speech recognizers of other programs, for `tools/convert.py --source` and the recipes of the hub."""

import re

import numpy as np

from common.errors import ConfigError
from common.suggest import did_you_mean

NETWORKS = {"ctranslate2": ("WhisperDecoder",)}
NORMS = {"gamma": "weight", "beta": "bias"}
PLACES = (  # names of CTranslate2 -> ours
    (r"(encoder|decoder)/layer_(\d+)/", r"\1.layers.\2."),
    (r"(encoder)/conv(\d)/", r"\1.conv\2."),
    (r"(encoder|decoder)/layer_norm/", r"\1.norm."),
    (r"decoder/embeddings/", "decoder.embedding."),
    (r"decoder/position_encodings/encodings", "decoder.positions.weight"),
    (r"self_attention/layer_norm/", "self_norm."),
    (r"attention/layer_norm/", "cross_norm."),
    (r"ffn/layer_norm/", "norm."),
    (r"ffn/linear_0/", "wide."),
    (r"ffn/linear_1/", "narrow."),
    (r"self_attention/linear_0/", "self_attention.query+key+value."),
    (r"self_attention/linear_1/", "self_attention.output."),
    (r"(?<!_)attention/linear_0/", "cross_attention.query."),
    (r"(?<!_)attention/linear_1/", "cross_attention.key+value."),
    (r"(?<!_)attention/linear_2/", "cross_attention.output."),
)


class WhisperNames:
    """The names of CTranslate2 for Whisper: projections that are joined are cut, and what is no weight is left out."""

    def count_classes(self, arrays):
        """0: the tokens are no classes."""
        return 0

    def rename(self, arrays, shapes):
        """The arrays under our names.

        Args:
            arrays (dict): their name -> array, float32.
            shapes (dict): our name -> shape.

        Raises:
            ConfigError: an array is missing, left over or of another shape; names the first.
        """
        found = {}
        for name, array in arrays.items():
            if array.ndim and name not in ("encoder/position_encodings/encodings", "decoder/projection/weight"):
                found |= dict(parts_of(name, array))
        lacking, left = sorted(set(shapes) - set(found)), sorted(set(found) - set(shapes))
        if lacking or left:
            what = f"lacks {lacking[0]}" if lacking else f"has {left[0]}, which the model lacks"
            raise ConfigError(f"the file {what}; {len(lacking)} arrays are missing, {len(left)} left over")
        for name, shape in shapes.items():
            if tuple(found[name].shape) != tuple(shape):
                raise ConfigError(f"{name} has the shape {list(found[name].shape)}, in the model {list(shape)}")
        if "decoder/projection/weight" in arrays:
            tied = arrays["decoder/projection/weight"], found["decoder.embedding.weight"]
            if not np.array_equal(*tied):
                raise ConfigError(
                    "decoder/projection/weight differs from the embeddings, and the model has one of them"
                )
        return {name: found[name] for name in shapes}


def parts_of(name, array):
    """(our name, array) of each part of an array of CTranslate2; keys have no bias."""
    if name.startswith("decoder/align"):
        return
    for pattern, replacement in PLACES:
        name = re.sub(pattern, replacement, name)
    place, _, last = name.rpartition(".")
    whole, _, joined = place.rpartition(".")
    parts = joined.split("+")
    for part, piece in zip(parts, np.split(array, len(parts))):
        if part == "key" and last == "bias" and len(parts) > 1:
            if np.any(piece):
                raise ConfigError(f"{name}: the keys have a bias, the model has none")
            continue
        linear = piece.ndim == 2 and joined not in ("embedding", "positions")
        yield f"{whole}.{part}.{NORMS.get(last, last)}", np.ascontiguousarray(piece.T) if linear else piece


class ForeignNames:
    """The renaming of a weight file that another program wrote for a network of this kit.

    Args:
        source (str): ctranslate2.
        network (str): the class of our decoder; see :meth:`network_of`.
        names (list[str]): of the arrays in the file.

    Raises:
        ConfigError: there is no such source, or it has no such network.
    """

    def __init__(self, source, network, names):
        self.check(source, network)
        self.order, self.note = WhisperNames(), ""

    @staticmethod
    def network_of(config):
        """The network of a configuration (str): the class of its decoder."""
        return config.get("model.decoder.type", None)

    @staticmethod
    def check(source, network):
        """Refuses a source that is not known, or not for this network."""
        if source not in NETWORKS:
            hint = did_you_mean(source, NETWORKS) or f"; there are {', '.join(NETWORKS)}"
            raise ConfigError(f"there is no source '{source}'{hint}")
        if network not in NETWORKS[source]:
            raise ConfigError(
                f"the names that {source} gives to a {network} are not known; known are {', '.join(NETWORKS[source])}"
            )
