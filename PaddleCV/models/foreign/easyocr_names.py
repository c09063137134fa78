"""The names of the weights of EasyOCR's recognizers of the second generation, such as `english_g2.pth`."""

import dataclasses
import re

import numpy as np

from common.errors import ConfigError
from common.weights.name_order import NameOrder

CONVOLUTIONS = (0, 3, 6, 8, 11, 14)  # their numbers in `FeatureExtraction.ConvNet`; a normalization is the next layer
FEATURES, SEQUENCE = "FeatureExtraction.ConvNet.", "SequenceModeling."
DIRECTIONS = ("", "_reverse")
STATISTICS = {"_mean": "running_mean", "_variance": "running_var"}


@dataclasses.dataclass(frozen=True)
class EasyOCROrder(NameOrder):
    """The names of EasyOCR: ours with other words."""

    words: str = ""

    def sort_names(self, arrays):
        """The names that have a counterpart in our model."""
        return [name for name in arrays if not name.endswith(".num_batches_tracked")]

    def count_classes(self, arrays):
        """The classes of the file, with the blank."""
        if "Prediction.bias" not in arrays:
            raise ConfigError("the file has no Prediction.bias, as those of EasyOCR have")
        return len(arrays["Prediction.bias"])

    def rename(self, arrays, shapes):
        """See :meth:`NameOrder.rename`."""
        found = {}
        for ours, shape in shapes.items():
            theirs = name_at_easyocr(ours)
            if theirs not in arrays:
                raise ConfigError(f"the file has no {theirs}, which {ours} takes")
            array = arrays[theirs]
            if array.ndim == 2 and ".cells." not in ours:
                array = np.ascontiguousarray(array.T)
            if tuple(array.shape) != tuple(shape):
                raise ConfigError(f"{theirs} has shape {list(array.shape)}, but {ours} has {list(shape)}")
            found[ours] = array
        rest = set(self.sort_names(arrays)) - {name_at_easyocr(ours) for ours in shapes}
        if rest:
            raise ConfigError(f"the file has arrays that the model lacks: {min(rest)}")
        return found


def name_at_easyocr(ours):
    """The name that EasyOCR gives to one of our arrays."""
    part, _, leaf = ours.rpartition(".")
    if match := re.match(r"encoder\.(convs|norms)\.(\d)$", part):
        number = CONVOLUTIONS[int(match[2])] + (match[1] == "norms")
        return f"{FEATURES}{number}.{STATISTICS.get(leaf, leaf)}"
    if part == "encoder.last":
        return f"{FEATURES}18.{leaf}"
    if match := re.match(r"encoder\.recurrent\.(\d+)\.(linear|cells\.([01]))$", part):
        if match[2] == "linear":
            return f"{SEQUENCE}{match[1]}.linear.{leaf}"
        return f"{SEQUENCE}{match[1]}.rnn.{leaf}_l0{DIRECTIONS[int(match[3])]}"
    return f"Prediction.{leaf}"


EASYOCR = EasyOCROrder()
