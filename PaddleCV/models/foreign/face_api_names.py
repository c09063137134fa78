"""The names of face-api.js' SSD, a detector of TensorFlow, as `common/weights/tfjs.py` reads them.

Its arrays are in TensorFlow's layout. Only the depthwise convolutions have a normalization; that of the others is part
of their filters, and becomes an identity here. The scores of its classes are independent of one another, and the second
class is not used: a background of the score 0 makes the softmax of ours equal to its sigmoid.
"""

import dataclasses

import numpy as np

from common.weights.name_order import NameOrder

EPSILON = 1e-3  # of its normalization; ours has 1e-5
SCORES = 3  # of a prior box there: background, face, another class


@dataclasses.dataclass(frozen=True)
class FaceApiOrder(NameOrder):
    """The sort order of the names of a detector of TensorFlow with one class."""

    def count_classes(self, arrays):
        """The number of classes that are used."""
        return 1

    def rename(self, arrays, shapes):
        """As of NameOrder, from TensorFlow's layout; gives an identity for a normalization inside filters."""
        found = {}
        for name in self.sort_names(arrays):
            found[name] = our_layout(name, arrays[name])
            if name.endswith("_bn_offset"):
                start, size = name.removesuffix("offset"), arrays[name].shape
                found[f"{start}gamma"] = np.ones(size, np.float32)
                found[f"{start}moving_mean"] = np.zeros(size, np.float32)
                found[f"{start}moving_variance"] = np.full(size, 1 - EPSILON, np.float32)
        return super().rename(found, shapes)


def our_layout(name, array):
    """An array as our layers have it: filters [out, in, h, w], scores of background and face, deltas x before y."""
    if array.ndim == 4:
        array = array.transpose([2, 3, 0, 1] if name.endswith("depthwise_weights") else [3, 2, 0, 1])
    if "/ClassPredictor/" in name:
        array = array.reshape(-1, SCORES, *array.shape[1:])[:, :2] * np.float32([0, 1]).reshape(
            [1, 2] + [1] * (array.ndim - 1)
        )
        array = array.reshape(-1, *array.shape[2:])
    if "/BoxEncodingPredictor/" in name:
        array = array.reshape(-1, 4, *array.shape[1:])[:, [1, 0, 3, 2]].reshape(array.shape)
    return np.ascontiguousarray(array)


FACE_API = {
    "SSD": FaceApiOrder(
        "backbone neck head",
        (
            (r"^MobilenetV1/Conv2d_(\d+)_depthwise/depthwise_", r"backbone.\1.0."),
            (r"^MobilenetV1/Conv2d_(\d+)_depthwise/BatchNorm/", r"backbone.\1.1."),
            (r"^MobilenetV1/Conv2d_(\d+)_pointwise/weights", r"backbone.\1.2.weight"),
            (r"^MobilenetV1/Conv2d_(\d+)_pointwise/convolution_bn_", r"backbone.\1.3."),
            (r"^Prediction/Conv2d_(\d+)_pointwise/weights", r"neck.\1.0.weight"),
            (r"^Prediction/Conv2d_(\d+)_pointwise/convolution_bn_", r"neck.\1.1."),
            (r"^Prediction/BoxPredictor_(\d+)/ClassPredictor/", r"head.0.\1."),
            (r"^Prediction/BoxPredictor_(\d+)/BoxEncodingPredictor/", r"head.1.\1."),
            (r"moving_(mean|variance)$", r"\1"),
            (r"(weights|gamma)$", "weight"),
            (r"(biases|beta|offset)$", "bias"),
        ),
        ignored=r"(Preprocessor|Postprocessor|Output|concat_1)/.*|.*/(stack|stack_1|strided_slice)/.*",
        epsilon=EPSILON - 1e-5,
    )
}
