"""Each strategy is the `optimizer:` section that it says, which loads, and whose numbers are those of its paper."""

import pytest

from common import hub
from common.config import load_config
from common.errors import ConfigError

MODEL = {"type": "TextClassifier", "encoder": {"type": "CNN", "vocab_size": 9}, "head": {"type": "TextClassHead"}}
LINEAR = {"linear_decay": {"start_point": 0.5, "end_learning_rate": 1e-5}}


def schedule_of(strategy, steps=100, total=100):
    """The bound schedule of a strategy, built as a configuration builds it."""
    optimizer = strategy.optimizer("encoder", total)
    config = load_config({
        "kit": "PaddleNLP", "model": MODEL, "optimizer": optimizer, "train": {"epochs": 1, "batch_size": 1},
        "labels": ["a", "b"],
    })  # fmt: skip
    config.check()
    return config.build("optimizer").schedule.bind(steps, total)


def test_adam_with_weight_decay_is_that_of_bert():
    found = hub.AdamWeightDecayStrategy(learning_rate=5e-5).optimizer("encoder")
    assert found == {
        "type": "AdamW", "weight_decay": 0.01, "no_decay": ["bias", "norm"], "clip_norm": 1.0,
        "lr": {"type": "LinearWarmupDecay", "base": 5e-5, "warmup_fraction": 0.1, "end": 0.0},
    }  # fmt: skip
    rate = schedule_of(hub.AdamWeightDecayStrategy(learning_rate=5e-5)).at
    assert (rate(5), rate(10), rate(55)) == pytest.approx((2.5e-5, 5e-5, 2.5e-5))


def test_noam_decay_has_the_learning_rate_at_its_peak():
    strategy = hub.AdamWeightDecayStrategy(learning_rate=0.01, lr_scheduler="noam_decay", warmup_proportion=0.2)
    schedule = schedule_of(strategy)
    rates = [schedule.at(step) for step in range(100)]
    assert max(rates) == rates[19] == pytest.approx(0.01) and rates[79] == pytest.approx(0.005)
    with pytest.raises(ConfigError, match="needs the number of updates"):
        strategy.optimizer("encoder")


def test_ulmfit_is_a_slanted_triangle_with_blocks():
    strategy = hub.ULMFiTStrategy(
        learning_rate=0.01, cut_fraction=0.1, ratio=32, dis_blocks=3, factor=2.6, frz_blocks=2
    )
    assert strategy.optimizer("encoder")["groups"] == [
        {"match": "*", "discriminative": {"blocks": 3, "factor": 2.6}},
        {"match": "*", "unfreeze": {"blocks": 2, "epochs": 1}},
    ]
    schedule = schedule_of(strategy, total=101)
    assert (schedule.at(0), schedule.at(10), schedule.at(100)) == pytest.approx((0.01 / 32, 0.01, 0.01 / 32))
    assert "groups" not in hub.ULMFiTStrategy(dis_blocks=0, frz_blocks=0).optimizer("encoder")


@pytest.mark.parametrize("strategy, part", [
    (hub.L2SPFinetuneStrategy(2e-3, "sgd", 0.5), {"type": "SGD", "groups": [{"match": "encoder.*", "l2_sp": 0.5}]}),
    (hub.DefaultFinetuneStrategy(2e-3), {"type": "Adam", "weight_decay": 1e-3}),
    (hub.CombinedStrategy("momentum", 2e-3, clip={"Norm": 2}), {"type": "Momentum", "clip_each_norm": 2}),
    (hub.CombinedStrategy("adamw", 2e-3), {"type": "AdamW", "weight_decay": 0.0}),
])  # fmt: skip
def test_a_constant_rate_with_its_regularization(strategy, part):
    assert strategy.optimizer("encoder") == part | {"lr": {"type": "Constant", "base": 2e-3}}
    assert schedule_of(strategy).at(50) == 2e-3


def test_a_decay_begins_where_it_is_told():
    rate = schedule_of(hub.CombinedStrategy(learning_rate=1e-3, scheduler={"warmup": 0.1, **LINEAR})).at
    assert (rate(5), rate(10), rate(50), rate(75)) == pytest.approx((5e-4, 1e-3, 1e-3, 5.05e-4))
    rate = schedule_of(hub.CombinedStrategy(learning_rate=1e-3, scheduler={"warmup": 0.1})).at
    assert (rate(5), rate(99)) == pytest.approx((5e-4, 1e-3))


@pytest.mark.parametrize("make, words", [
    (lambda: hub.CombinedStrategy("adan"), "no optimizer 'adan'; did you mean 'adam'"),
    (lambda: hub.CombinedStrategy(scheduler={"warmpu": 0.1}), "Invalid parameter: scheduler has no 'warmpu'; did you"),
    (lambda: hub.CombinedStrategy(scheduler={"linear_decay": {"start": 1}}), "scheduler.linear_decay has no 'start'"),
    (lambda: hub.CombinedStrategy(scheduler={"warmup": "1"}), "scheduler.warmup is '1'; it is a number"),
    (lambda: hub.CombinedStrategy(scheduler={**LINEAR, "noam_decay": True}), "linear_decay and noam_decay; give one"),
    (lambda: hub.CombinedStrategy(regularization={"L2": 1, "weight_decay": 1}), "L2 and weight_decay; give one"),
    (lambda: hub.CombinedStrategy(clip=3), "clip is 3; it is a dict"),
    (lambda: hub.CombinedStrategy(decay=3), "Invalid parameter: decay"),
    (lambda: hub.AdamWeightDecayStrategy(lr_scheduler="cosine"), "linear_decay or noam_decay"),
    (lambda: hub.AdamWeightDecayStrategy(optimizer_name="sgd").optimizer("encoder"), "weight_decay is for adam"),
])  # fmt: skip
def test_slips_are_named(make, words):
    with pytest.raises(ConfigError, match=words):
        make()
