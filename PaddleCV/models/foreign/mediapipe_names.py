"""The weights of MediaPipe's networks for ours; their normalization is part of their filters.

blazeface    The names of face_detection_front_128x128, converted to ONNX. A convolution without normalization becomes
             one with an identity; the 16 numbers of a prior box are the box and six landmarks.
selfie       The constants of selfie_segmentation.tflite in the order of its operators, which is that of our layers; its
             one output becomes the second of two, after one that is always 0: softmax then equals its sigmoid.
blazepose    The constants of pose_landmark_lite.tflite in the order of its operators, without those of its decoder.
"""

import dataclasses
import re

import numpy as np

from common.errors import ConfigError
from common.weights.name_order import NameOrder

OURS = 1e-5  # epsilon of our normalization
BOX, BOX_AND_LANDMARKS = 4, 16  # numbers of a prior box
POSE_LAYERS = 88  # convolutions of pose_landmark_lite.tflite; those of its decoder of heat maps, masks and world places
DECODER = frozenset([4, 5, 12, 13, 20, 21, 40, 41, *range(55, 69), 86])


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


@dataclasses.dataclass(frozen=True)
class SelfieOrder(NameOrder):
    """The order of the operators of the selfie segmentation's TFLite file."""

    def count_classes(self, arrays):
        """The number of classes: background and person."""
        return 2

    def sort_names(self, arrays):
        """The names of filters and biases, in their order.

        Raises:
            ConfigError: a name is another one.
        """
        strange = [name for name in arrays if not re.search(r"/(Kernel|Bias|Size)$", name)]
        if strange:
            raise ConfigError(f"{strange[0]}: is not a name of the selfie segmentation's network")
        return [name for name in arrays if not name.endswith("/Size")]

    def rename(self, arrays, shapes):
        """As of NameOrder, by the order of the file, from the layout of TFLite."""
        names = self.sort_names(arrays)
        kernels, biases = ([name for name in names if name.endswith(end)] for end in ("/Kernel", "/Bias"))
        return fill_in_order(shapes, arrays, kernels, biases)


@dataclasses.dataclass(frozen=True)
class BlazePoseOrder(NameOrder):
    """The order of the operators of BlazePose lite's TFLite file, of which the decoder is left out."""

    def count_classes(self, arrays):
        """The number of keypoints; the file has six auxiliary ones after them."""
        return 33

    def sort_names(self, arrays):
        """The names of filters and biases, in their order.

        Raises:
            ConfigError: there are more or fewer.
        """
        names = [name for name, array in arrays.items() if np.asarray(array).dtype.kind == "f"]
        if arrays and names and len(names) != 2 * POSE_LAYERS:
            raise ConfigError(
                f"{len(names)} arrays; pose_landmark_lite.tflite has {2 * POSE_LAYERS} filters and biases"
            )
        return names

    def rename(self, arrays, shapes):
        """As of NameOrder, by the order of the file, from the layout of TFLite."""
        names = self.sort_names(arrays)
        kernels, biases = (
            [name for n, name in enumerate(part) if n not in DECODER] for part in (names[::2], names[1::2])
        )
        return fill_in_order(shapes, arrays, kernels, biases)


def fill_in_order(shapes, arrays, kernels, biases):
    """Our arrays: name -> array, from names of filters and of biases in the order of the layers.

    Raises:
        ConfigError: there are more or fewer, or one has another shape.
    """
    found, kinds = {}, [list(kernels), list(biases)]
    for ours, shape in shapes.items():
        prefix, _, leaf = ours.rpartition(".")
        if prefix.endswith("norm") and leaf != "bias":
            found[ours] = norm_with_bias("", np.zeros(shape, np.float32))[leaf.removeprefix("_")]
            continue
        kind = kinds[leaf == "bias"]
        if not kind:
            raise ConfigError(f"the file has {len(kernels) + len(biases)} arrays for us; none is left for {ours}")
        name = kind.pop(0)
        array = our_filters(arrays[name], shape, ours)
        if ours.startswith("head.classify."):
            array = np.concatenate([0 * array, array], axis=1 if array.ndim == 4 else 0)
        if array.shape != tuple(shape):
            raise ConfigError(f"{name} has shape {list(arrays[name].shape)}, but {ours} has {list(shape)}")
        found[ours] = array
    if kinds[0] or kinds[1]:
        raise ConfigError(f"{[*kinds[0], *kinds[1]][0]} is left over")
    return found


def our_filters(array, shape, ours):
    """A bias as it is; filters [out, h, w, in] of TFLite, depthwise ones [1, h, w, C], as our layers have them."""
    if array.ndim != 4:
        return array
    depthwise = len(shape) == 4 and shape[1] == 1 and shape[0] == array.shape[3]
    transposed = ours.startswith("head.classify.")  # those of a transposed convolution are [in, out, h, w]
    return np.ascontiguousarray(array.transpose([3, 0, 1, 2] if depthwise or transposed else [0, 3, 1, 2]))


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
    "SelfieHead": SelfieOrder(""),
    "BlazePose": BlazePoseOrder(""),
}
