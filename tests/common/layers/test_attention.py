"""Pre-norm Transformer blocks: the formula, keys and values that are carried on, a memory that beams share."""

import numpy as np
import paddle
import pytest

from common.layers.attention import HIDDEN, MultiHeadAttention, PreNormBlock, causal_bias, sinusoids


def test_positions_are_sines_and_cosines():
    found = sinusoids(3, 4)
    np.testing.assert_allclose(found[2], [np.sin(2), np.sin(2e-4), np.cos(2), np.cos(2e-4)], rtol=1e-6)
    with pytest.raises(ValueError, match="at least 4"):
        sinusoids(3, 5)


def test_attention_is_the_formula_of_each_head():
    paddle.seed(0)
    layer, x = MultiHeadAttention(4, 2, biased=()), paddle.randn([1, 3, 4])
    keys, values = (parts.numpy()[0] for parts in layer.remember(x))
    asked = layer.query(x).numpy()[0]
    heads = []
    for head in range(2):
        scores = asked[:, 2 * head : 2 * head + 2] @ keys[head].T / np.sqrt(2)
        weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        heads.append(weights @ values[head])
    expected = np.concatenate(heads, 1) @ layer.output.weight.numpy()
    np.testing.assert_allclose(layer(x, layer.remember(x)).numpy()[0], expected, atol=1e-6)
    assert layer.key.bias is None and layer.output.bias is None
    with pytest.raises(ValueError, match="not a multiple"):
        MultiHeadAttention(6, 4)


def test_steps_with_carried_keys_are_those_of_the_whole_sequence_and_beams_share_a_memory():
    paddle.seed(1)
    block = PreNormBlock(8, 2, crosses=True, inner_size=12, activation="relu")
    x, features = paddle.randn([4, 3, 8]), paddle.randn([2, 5, 8])  # two rows of two hypotheses
    memory = block.remember(features)
    bias = paddle.to_tensor([[0.0] * 5, [0, 0, HIDDEN, HIDDEN, HIDDEN]]).unsqueeze([1, 2])
    twice = [paddle.repeat_interleave(part, 2, 0) for part in (*memory, bias)]
    whole, _ = block(x, causal_bias(3), None, tuple(twice[:2]), twice[2])
    past, found = None, []
    for step in range(3):
        y, past = block(x[:, step : step + 1], None, past, memory, bias, beams=2)
        found.append(y)
    np.testing.assert_allclose(paddle.concat(found, 1).numpy(), whole.numpy(), atol=1e-5)
    with pytest.raises(ValueError, match="relu or gelu"):
        PreNormBlock(8, 2, activation="tanh")
