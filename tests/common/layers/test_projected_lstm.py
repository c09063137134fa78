"""The LSTM with projection: the original's operator, and padding."""

import numpy as np
import paddle

from common.layers.projected_lstm import ProjectedLSTM
from tests.common.layers.test_recurrent import golden, padded, unpadded


def test_it_is_the_original_dynamic_lstmp():
    case = golden("dynamic_lstmp")
    lengths = case["inlen/x"].tolist()
    layer = ProjectedLSTM(3, 2)
    for name, key in (("weight", "w_0"), ("projection", "w_1"), ("bias", "b_0")):
        value = case[f"param/lstmp_0.{key}"]
        getattr(layer, name).set_value(value.reshape(getattr(layer, name).shape))
    x, mask = padded(case["in/x"], lengths)
    np.testing.assert_allclose(unpadded(layer(x, mask), lengths), case["out/p"], atol=1e-6)
    assert float(layer(paddle.to_tensor(x), mask)[1, lengths[1] :].abs().max()) == 0
