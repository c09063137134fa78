import pytest
from paddle import nn

from common import contract
from common.errors import ConfigError


class Whole(nn.Layer):
    inputs, outputs, task = {}, (), "Detection"
    path = length = colour = None

    def loss(self, batch):
        return {}


@pytest.mark.parametrize(
    ("kind", "name", "right"),
    [
        ("model", "export_tolerence", "export_tolerance"),
        ("model", "size_mutliple", "size_multiple"),
        ("model", "traning_state", "training_state"),
        ("dataset", "lenghts", "lengths"),
        ("dataset", "num_clases", "num_classes"),
        ("metric", "higher_is_beter", "higher_is_better"),
        ("metric", "curvse", "curves"),
    ],
)
def test_a_slip_in_a_name_is_refused_with_the_name_that_is_meant(kind, name, right):
    base = Whole if kind == "model" else object
    required = {"primary": "x", "update": len, "compute": len} if kind == "metric" else {}
    thing = type("Mine", (base,), {name: 1, **required})()
    with pytest.raises(ConfigError, match=f"a.yml:3: Mine has '{name}'.*did you mean '{right}'"):
        contract.check_names(thing, kind, "a.yml:3")


def test_a_value_set_in_the_constructor_counts_too():
    model = Whole()
    model.size_multipel = 32
    with pytest.raises(ConfigError, match="'size_multiple'"):
        contract.check_names(model, "model")


def test_names_of_its_own_are_no_slips():
    contract.check_names(Whole(), "model")
    contract.check_names(type("Rows", (), {"path": "a", "label": 0, "length": 3, "weight": 1.0})(), "dataset")


def test_what_every_model_has_is_asked_for():
    with pytest.raises(ConfigError, match="Linear lacks 'inputs', which every model has"):
        contract.check_names(nn.Linear(2, 2), "model")


def test_the_default_is_given_for_what_is_not_offered():
    assert contract.get_optional(Whole(), "model", "size_multiple") == 1
    assert contract.get_optional(type("M", (), {"needs": "losses"})(), "metric", "needs") == "losses"
