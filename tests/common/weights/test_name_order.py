"""Conversion between naming schemes, with numbers calculated by hand."""

import numpy as np
import pytest

from common.errors import ConfigError
from common.weights.name_order import NameOrder, convert_layout, identity_array

ORDER = NameOrder(
    "stem layer conv bn fc",
    rewrites=((r"running_mean$", "mean"), (r"running_var$", "variance")),
    transposed=True,
    ignored=r".*\.num_batches_tracked",
    zeros=r".*conv\.bias",
    identities=r"extra\..*",
    epsilon=0.5,
)
THEIRS = {
    "layer10.fc.weight": np.arange(6, dtype="f4").reshape(3, 2),
    "layer2.bn.running_var": np.full(2, 2, "f4"),
    "layer2.bn.running_mean": np.full(2, 1, "f4"),
    "layer2.bn.num_batches_tracked": np.array(7),
    "layer2.conv.bias": np.zeros(2, "f4"),
}
OURS = {"norm._mean": (2,), "norm._variance": (2,), "head.weight": (2, 3)}


def test_numbers_rise_and_words_follow_the_given_order():
    assert ORDER.sort_names(THEIRS) == ["layer2.bn.running_mean", "layer2.bn.running_var", "layer10.fc.weight"]


def test_matrices_are_transposed_and_variances_absorb_the_epsilon():
    found = ORDER.rename(THEIRS, OURS)
    assert found["norm._mean"].tolist() == [1, 1] and found["norm._variance"].tolist() == [2.5, 2.5]
    assert found["head.weight"].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_layers_that_a_file_lacks_become_identities_and_only_those():
    more = {"extra.conv.weight": (2, 2, 1, 1), "extra.norm._variance": (2,)}
    found = ORDER.rename(THEIRS, more | OURS)
    assert list(found) == [*more, *OURS]
    assert found["extra.conv.weight"][:, :, 0, 0].tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ConfigError, match="the file has 3 arrays, the model 6: extra"):
        ORDER.rename(THEIRS, OURS | more | {"other.weight": (1,)})


def test_a_bias_without_counterpart_must_be_zero():
    with pytest.raises(ConfigError, match=r"layer2\.conv\.bias: must be 0"):
        ORDER.rename(THEIRS | {"layer2.conv.bias": np.float32([0, 1])}, OURS)


def test_an_unknown_word_is_named():
    with pytest.raises(ConfigError, match="'attention' is not a name of this family"):
        ORDER.sort_names({"layer1.attention.weight": np.zeros(1)})


def test_the_identity_normalization_has_mean_zero_and_variance_one():
    values = {
        part: float(identity_array(f"a.norm.{part}", (1,))[0]) for part in ("weight", "bias", "_mean", "_variance")
    }
    assert values["weight"] == 1 and values["bias"] == values["_mean"] == 0
    assert np.sqrt(np.float32(values["_variance"]) + np.float32(1e-5)) == pytest.approx(1, abs=1e-7)


def test_1x1_convolutions_and_matrices_are_converted_into_each_other():
    kernel = np.arange(8, dtype="f4").reshape(2, 1, 2, 2)  # 2 out, 1 channel of 2 x 2 in
    assert convert_layout(kernel, (4, 2)).tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert convert_layout(np.ones((5, 3), "f4"), (5, 3, 1, 1)).shape == (5, 3, 1, 1)
    assert convert_layout(kernel, kernel.shape) is kernel
