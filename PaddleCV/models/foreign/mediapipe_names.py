"""The weights of MediaPipe's networks for ours; their normalization is part of their filters.

blazeface    The names of face_detection_front_128x128, converted to ONNX. A convolution without normalization becomes
             one with an identity; the 16 numbers of a prior box are the box and six landmarks.
"""

import dataclasses

import numpy as np

from common.weights.name_order import NameOrder

OURS = 1e-5  # epsilon of our normalization
BOX, BOX_AND_LANDMARKS = 4, 16  # numbers of a prior box


@dataclasses.dataclass(frozen=True)
class BlazeFaceOrder(NameOrder):
    """The sort order of BlazeFace with its names in ONNX."""

    def count_classes(self, arrays):
        """The number of classes: faces."""
        return 1

    def rename(self, arrays, shapes):
        """As of NameOrder; separates boxes from landmarks, and gives an identity for the missing normalization."""
        found = {}
        for name in self.sort_names(arrays):
            key, array = self.rewrite(name), arrays[name]
            if key.startswith("head.1."):
                array = array.reshape(-1, BOX_AND_LANDMARKS, *array.shape[1:])
                for kind, part in (("head.1.", array[:, :BOX]), ("head.2.", array[:, BOX:])):
                    found[kind + key.removeprefix("head.1.")] = part.reshape(-1, *part.shape[2:])
            elif key.endswith(".0.bias") and key.startswith("net."):
                found |= norm_with_bias(key.removesuffix("0.bias") + "1.", array)
            else:
                found[key] = array
        return super().rename(found, shapes)


def norm_with_bias(prefix, bias):
    """The arrays of a normalization that only adds a bias [C]: names in our words -> array."""
    ones = np.ones_like(bias)
    return {
        f"{prefix}weight": ones,
        f"{prefix}bias": bias,
        f"{prefix}mean": 0 * ones,
        f"{prefix}variance": ones - np.float32(OURS),
    }


MEDIAPIPE = {
    "LandmarkDetector": BlazeFaceOrder(
        "net head",
        (
            (r"^StatefulPartitionedCall/functional_1/", ""),
            (r"^((?:depthwise_)?conv2d)/", r"\1_0/"),
            (r"^conv2d_17/", "head.0.0."),
            (r"^conv2d_18/", "head.0.1."),
            (r"^conv2d_19/", "head.1.0."),
            (r"^conv2d_20/", "head.1.1."),
            (r"^conv2d_(\d+)/", r"net.\1.1.0."),
            (r"^depthwise_conv2d_(\d+)/", r"net.\1.9."),  # before the next 1x1 convolution
            (r"(Conv2D|depthwise)/ReadVariableOp:0$", "weight"),
            (r"BiasAdd/ReadVariableOp:0$", "bias"),
        ),
        ignored=r"(shape|const_fold_opt)_.*",
    ),
}
