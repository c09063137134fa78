import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest

from common.optim.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LinearWarmupDecay,
    NaturalExpDecay,
    NoamDecay,
    OneCycle,
    PolyDecay,
    StepDecay,
    make_schedule,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "optimizers.json").read_text())

# The settings are read off the numbers: an epoch has 2 steps, a period 3, the run 12.
LIKE_GOLDEN = {
    "lr_cosine": CosineDecay(base=0.1, by_epoch=True, epochs=5),
    "lr_exponential": ExponentialDecay(base=0.1, decay=0.5, every_steps=3, staircase=True),
    "lr_inverse_time": InverseTimeDecay(base=0.1, decay=0.5, every_steps=3),
    "lr_linear_warmup_const": Constant(base=0.1, warmup_steps=4, warmup_from=0.01),
    "lr_linear_warmup_cosine": CosineDecay(base=0.1, by_epoch=True, epochs=5, after_warmup=False, warmup_steps=4),
    "lr_natural_exp": NaturalExpDecay(base=0.1, decay=0.5, every_steps=3),
    "lr_piecewise": StepDecay(base=0.1, at_steps=[3, 6], factor=0.1),
    "lr_polynomial": PolyDecay(base=0.1, power=0.9, end=1e-4, steps=8),
}


@pytest.mark.parametrize("name", LIKE_GOLDEN)
def test_rates_and_weights_equal_the_official_ones(name):
    schedule = LIKE_GOLDEN[name].bind(steps_per_epoch=2, total_steps=12)
    rates = [schedule.at(step) for step in range(12)]
    np.testing.assert_allclose(rates, GOLDEN[name]["lr"], atol=1e-8)
    np.testing.assert_allclose(descend(rates), GOLDEN[name]["w"], atol=1e-5)


def descend(rates):
    """The weight [5] after each step of gradient descent on the golden problem, worked out in float64."""
    x, y, w = (np.array(GOLDEN[key], "float64") for key in ("x", "y", "w0"))
    bias, path = 0.0, []
    for rate in rates:
        error = 2 * (x @ w + bias - y) / len(x)
        w, bias = w - rate * x.T @ error, bias - rate * error.sum()
        path.append(w[:, 0])
    return path


def test_a_number_is_a_constant_learning_rate():
    assert [make_schedule(0.01).at(step) for step in (0, 7, 10**6)] == [0.01] * 3


def test_each_milestone_may_have_a_factor_of_its_own():
    schedule = StepDecay(base=1e-3, at_steps=[2, 4], factor=[0.5, 0.1]).bind(steps_per_epoch=10, total_steps=6)
    assert [schedule.at(step) for step in (0, 2, 4)] == pytest.approx([1e-3, 5e-4, 5e-5])


def test_milestones_in_epochs_fall_on_their_steps():
    schedule = StepDecay(base=1.0, at_epochs=[2, 3], factor=0.1).bind(steps_per_epoch=10, total_steps=40)
    assert [schedule.at(step) for step in (0, 19, 20, 29, 30)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_the_warm_up_goes_in_a_straight_line_to_the_base_rate():
    schedule = StepDecay(base=0.4, at_steps=[100], warmup_epochs=0.5, warmup_from=0.2).bind(8, 800)
    assert [schedule.at(step) for step in range(6)] == pytest.approx([0.2, 0.25, 0.3, 0.35, 0.4, 0.4])


def test_cosine_and_poly_end_with_the_run_and_start_after_the_warm_up():
    for schedule in (CosineDecay(base=1.0, warmup_steps=10), PolyDecay(base=1.0, power=1.0, warmup_steps=10)):
        schedule.bind(steps_per_epoch=10, total_steps=110)
        assert [schedule.at(step) for step in (10, 60, 110, 200)] == pytest.approx([1.0, 0.5, 0.0, 0.0])


def test_a_cyclic_polynomial_decay_restarts_at_every_multiple_of_its_length():
    schedule = PolyDecay(base=1.0, power=1.0, steps=4, cycle=True)
    rates = [1, 3 / 4, 2 / 4, 1 / 4, 0, 3 / 8, 2 / 8, 1 / 8, 0, 3 / 12, 2 / 12, 1 / 12, 0]
    assert [schedule.at(step) for step in range(13)] == pytest.approx(rates)
    schedule = PolyDecay(base=1.0, power=1.0, epochs=3, cycle=True, warmup_steps=2).bind(2, 100)
    assert [schedule.at(step) for step in range(2, 15)] == pytest.approx(rates)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_cyclic_polynomial_decay_equals_that_of_the_framework(power):
    theirs = paddle.optimizer.lr.PolynomialDecay(0.5, decay_steps=7, end_lr=0.01, power=power, cycle=True)
    ours = PolyDecay(base=0.5, end=0.01, power=power, steps=7, cycle=True)
    for step in range(40):
        assert ours.at(step) == pytest.approx(theirs.get_lr())
        theirs.step()


def test_linear_warmup_decay_is_a_triangle():
    schedule = LinearWarmupDecay(base=1.0, warmup_fraction=0.2).bind(steps_per_epoch=10, total_steps=100)
    assert [schedule.at(step) for step in (0, 10, 20, 60, 100)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


def test_noam_peaks_at_the_end_of_its_warm_up():
    schedule = NoamDecay(base=2.0, d_model=512, warmup_steps=4000)
    top = 2 * 512**-0.5 * 4000**-0.5  # both branches of the paper's minimum meet there
    assert schedule.at(3999) == pytest.approx(top)
    assert schedule.at(1999) == pytest.approx(top / 2)
    assert schedule.at(15999) == pytest.approx(top / 2)


def test_one_cycle_rises_and_falls_within_the_run():
    for anneal in ("cosine", "linear"):
        schedule = OneCycle(base=1.0, up_fraction=0.25, start_divisor=10, end_divisor=100, anneal=anneal).bind(41, 41)
        assert [schedule.at(step) for step in (0, 10, 40, 99)] == pytest.approx([0.1, 1.0, 0.001, 0.001])
    assert schedule.at(5) == pytest.approx(0.55)


def test_one_cycle_can_be_the_slanted_triangle_of_ulmfit():
    cut, ratio, last = 10, 32, 100
    schedule = OneCycle(base=0.01, up_fraction=0.1, start_divisor=ratio, end_divisor=1, anneal="linear")
    schedule.bind(None, last + 1)
    for step in (0, 3, 10, 11, 64, 100):
        p = step / cut if step < cut else 1 - (step - cut) / (cut * (1 / 0.1 - 1))
        assert schedule.at(step) == pytest.approx(0.01 * (1 + p * (ratio - 1)) / ratio)


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_the_slanted_triangle_of_a_run_too_short_to_rise_is_defined(steps):
    schedule = OneCycle(base=0.01, up_fraction=0.1, start_divisor=32, end_divisor=1, anneal="linear")
    rates = [schedule.bind(None, steps).at(step) for step in range(steps)]
    assert all(0.01 / 32 <= rate <= 0.01 for rate in rates) and rates[-1] == pytest.approx(0.01 / 32)


def test_scaling_multiplies_every_rate():
    schedule = Constant(base=0.1, warmup_steps=2, warmup_from=0.05).scale(4)
    assert [schedule.at(step) for step in range(3)] == pytest.approx([0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Constant(base=0), "Constant got base=0; it must be a number above 0"),
        (lambda: Constant(base=math.nan), "Constant got base=nan; it must be a number above 0"),
        (lambda: Constant(base="1e-3"), "Constant got base='1e-3'; it must be a number above 0"),
        (lambda: make_schedule(-1), "Constant got base=-1"),
        (lambda: make_schedule(True), "Constant got base=True"),
        (lambda: StepDecay(base=0.1), "got at_epochs=None and at_steps=None; give one of them"),
        (lambda: StepDecay(base=0.1, at_epochs=[4, 8], factor=[0.1]), "got 1 factors for 2 milestones; give one for"),
        (lambda: StepDecay(base=0.1, at_epochs=[4], factor=0), "got factor=0; it must be a number above 0"),
        (lambda: StepDecay(base=0.1, at_epochs=[8, 4]), r"got at_epochs=\[8, 4\]; they must rise"),
        (lambda: StepDecay(base=0.1, at_epochs=8), "got at_epochs=8; it must be a list"),
        (lambda: StepDecay(base=0.1, at_steps=[0]), "got at_steps item=0; it must be a number above 0"),
        (
            lambda: CosineDecay(base=0.1, end=0.2),
            "CosineDecay got end=0.2; it must be a number at least 0 and at most 0.1",
        ),
        (lambda: PolyDecay(base=0.1, epochs=1, steps=2), "got epochs=1 and steps=2; give at most one of them"),
        (lambda: ExponentialDecay(base=0.1, decay=0.5), "got every_epochs=None and every_steps=None; give one of them"),
        (
            lambda: ExponentialDecay(base=0.1, decay=0.5, every_steps=0),
            "got every_steps=0; it must be a number above 0",
        ),
        (lambda: Constant(base=0.1, warmup_steps=1, warmup_epochs=1), "got warmup_steps=1 and warmup_epochs=1"),
        (
            lambda: LinearWarmupDecay(base=0.1, warmup_fraction=0.1, warmup_steps=5),
            "got warmup_fraction=0.1 and a warm-up in steps",
        ),
        (lambda: NoamDecay(warmup_steps=0), "NoamDecay got warmup_steps=0; it must be a number at least 1"),
        (lambda: PolyDecay(base=0.1, cycle=True), "got cycle=True without steps or epochs"),
        (lambda: OneCycle(base=0.1, anneal="log"), "got anneal='log'; it must be cosine or linear"),
        (
            lambda: CosineDecay(base=0.1).at(0),
            r"CosineDecay counts in epochs .* call bind\(steps_per_epoch, total_steps\)",
        ),
        (lambda: Constant(base=0.1).bind(0, 0), "Constant got steps_per_epoch=0; it must be a number above 0"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_schedules_and_optimizers_are_described_without_paddle():
    code = (
        "import sys, common.optim.optimizers; assert not {'paddle', 'numpy'} & set(sys.modules)\n"
        "import common.optim.sparse; assert 'paddle' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_one_cycle_that_only_rises_ends_at_its_last_learning_rate():
    risen = OneCycle(base=0.5, up_fraction=1.0, steps=10).bind(None, 100)
    assert risen.at(9) == 0.5 and risen.at(10) == pytest.approx(0.5 / 25 / 1e4)
