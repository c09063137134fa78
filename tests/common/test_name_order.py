"""Names of others sorted into the order of our layers."""

import numpy as np
import pytest

from common.errors import ConfigError
from common.hub.name_order import NameOrder

ORDER = NameOrder("stem block conv fc", rewrites=((r"conv(\d)", r"conv\1_0"), (r"bn(\d)", r"conv\1_1")))
NAMES = [
    "stem.weight",
    "block.2.conv1.weight",
    "block.2.bn1.weight",
    "block.2.bn1.running_mean",
    "block.10.conv1.weight",
]
NAMES += ["fc.weight", "fc.bias"]
NAMES[3] = "block.2.bn1._mean"
SHAPES = dict(zip("abcdefg", [(1, 1, 3, 3), (2, 1, 1, 1), (2,), (2,), (2, 2, 1, 1), (4, 2), (4,)]))


def arrays(**changed):
    rng = np.random.default_rng(0)
    shapes = {**dict(zip(NAMES, SHAPES.values(), strict=True)), **changed}
    return {name: rng.random(shape, np.float32) for name, shape in reversed(shapes.items())}


def test_numbers_rise_and_words_come_in_their_order_whatever_the_order_of_the_file():
    given = arrays()
    found = ORDER.rename(given, SHAPES)
    assert list(found) == list(SHAPES)
    assert all((found[ours] == given[theirs]).all() for ours, theirs in zip(SHAPES, NAMES, strict=True))


def test_a_word_of_another_family_is_named():
    with pytest.raises(ConfigError, match=r"gru\.weight: 'gru' is no name of this family"):
        ORDER.rename(arrays() | {"gru.weight": np.ones(1)}, SHAPES)


def test_another_shape_is_named_with_both():
    with pytest.raises(ConfigError, match=r"fc\.bias has shape \[5\], where g has \[4\]"):
        ORDER.rename(arrays(**{"fc.bias": (5,)}), SHAPES)


def test_one_array_too_many_or_too_few_is_named():
    with pytest.raises(ConfigError, match=r"has 8 arrays, the model 7: fc\.bias\.1 is left over"):
        ORDER.rename(arrays(**{"fc.bias.1": (4,)}), SHAPES)
    with pytest.raises(ConfigError, match="has 7 arrays, the model 8: h is left over"):
        ORDER.rename(arrays(), SHAPES | {"h": (1,)})


def test_matrices_are_turned_names_left_out_and_arrays_scaled_where_the_family_says_so():
    order = NameOrder("a b num", transposed=True, ignored=r".*\.num", scales=(("b.weight", 0.5),))
    given = {
        "b.weight": np.array([2.0, 4.0], "f4"),
        "a.weight": np.arange(6, dtype="f4").reshape(2, 3),
        "a.num": np.ones(1),
    }
    found = order.rename(given, {"x": (3, 2), "y": (2,)})
    assert found["x"].tolist() == [[0, 3], [1, 4], [2, 5]] and found["x"].flags.c_contiguous
    del given["b.weight"]
    with pytest.raises(ConfigError, match=r"the file lacks b\.weight"):
        order.rename(given, {"x": (3, 2)})
    assert found["y"].tolist() == [1, 2] and found["y"].dtype == np.float32
