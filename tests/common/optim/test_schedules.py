import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from common.optim.schedules import (
    Constant,
    CosineDecay,
    LinearWarmupDecay,
    NoamDecay,
    PolyDecay,
    StepDecay,
    make_schedule,
)
from common.optim.schedules_decay import CyclicLR, ExponentialDecay, InverseTimeDecay, NaturalExpDecay, OneCycle

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "optimizers.json").read_text())

# The settings are read off the numbers: an epoch has 2 steps, a period 3, the run 12.
LIKE_GOLDEN = {
    "lr_cosine": CosineDecay(0.1, by_epoch=True, epochs=5),
    "lr_exponential": ExponentialDecay(0.1, 0.5, every_steps=3, staircase=True),
    "lr_inverse_time": InverseTimeDecay(0.1, 0.5, every_steps=3),
    "lr_linear_warmup_const": Constant(0.1, warmup_steps=4, warmup_from=0.01),
    "lr_linear_warmup_cosine": CosineDecay(0.1, by_epoch=True, epochs=5, after_warmup=False, warmup_steps=4),
    "lr_natural_exp": NaturalExpDecay(0.1, 0.5, every_steps=3),
    "lr_piecewise": StepDecay(0.1, at_steps=[3, 6], factor=0.1),
    "lr_polynomial": PolyDecay(0.1, power=0.9, end=1e-4, steps=8),
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


def test_a_number_is_a_constant_rate():
    assert [make_schedule(0.01).at(step) for step in (0, 7, 10**6)] == [0.01] * 3


def test_milestones_in_epochs_fall_on_their_steps():
    schedule = StepDecay(1.0, at_epochs=[2, 3], factor=0.1).bind(steps_per_epoch=10, total_steps=40)
    assert [schedule.at(step) for step in (0, 19, 20, 29, 30)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_the_warm_up_goes_in_a_straight_line_to_the_base_rate():
    schedule = StepDecay(0.4, at_steps=[100], warmup_epochs=0.5, warmup_from=0.2).bind(8, 800)
    assert [schedule.at(step) for step in range(6)] == pytest.approx([0.2, 0.25, 0.3, 0.35, 0.4, 0.4])


def test_cosine_and_poly_end_with_the_run_and_start_after_the_warm_up():
    for schedule in (CosineDecay(1.0, warmup_steps=10), PolyDecay(1.0, power=1.0, warmup_steps=10)):
        schedule.bind(steps_per_epoch=10, total_steps=110)
        assert [schedule.at(step) for step in (10, 60, 110, 200)] == pytest.approx([1.0, 0.5, 0.0, 0.0])


def test_linear_warmup_decay_is_a_triangle():
    schedule = LinearWarmupDecay(1.0, warmup_fraction=0.2).bind(steps_per_epoch=10, total_steps=100)
    assert [schedule.at(step) for step in (0, 10, 20, 60, 100)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


def test_noam_peaks_at_the_end_of_its_warm_up():
    schedule = NoamDecay(d_model=512, warmup_steps=4000, scale=2.0)
    top = 2 * 512**-0.5 * 4000**-0.5  # both branches of the paper's minimum meet there
    assert schedule.at(3999) == pytest.approx(top)
    assert schedule.at(1999) == pytest.approx(top / 2)
    assert schedule.at(15999) == pytest.approx(top / 2)


def test_cycles_are_triangles_that_may_shrink():
    assert [CyclicLR(1.0, 3.0, up_steps=2).at(step) for step in range(6)] == [1, 2, 3, 2, 1, 2]
    assert [CyclicLR(1.0, 3.0, 2, down_steps=1).at(step) for step in range(4)] == [1, 2, 3, 1]
    assert CyclicLR(1.0, 3.0, 2, mode="triangular2").at(6) == 2.0
    assert CyclicLR(1.0, 3.0, 2, mode="exp_range", gamma=0.5).at(2) == 1.5


def test_one_cycle_rises_and_falls_within_the_run():
    for anneal in ("cosine", "linear"):
        schedule = OneCycle(1.0, up_fraction=0.25, start_divisor=10, end_divisor=100, anneal=anneal).bind(41, 41)
        assert [schedule.at(step) for step in (0, 10, 40, 99)] == pytest.approx([0.1, 1.0, 0.001, 0.001])
    assert schedule.at(5) == pytest.approx(0.55)


def test_scaling_multiplies_every_rate():
    schedule = Constant(0.1, warmup_steps=2, warmup_from=0.05).scale(4)
    assert [schedule.at(step) for step in range(3)] == pytest.approx([0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Constant(0), "Constant got base=0; it must be a number above 0"),
        (lambda: Constant(math.nan), "Constant got base=nan; it must be a number above 0"),
        (lambda: Constant("1e-3"), "Constant got base='1e-3'; it must be a number above 0"),
        (lambda: make_schedule(-1), "Constant got base=-1"),
        (lambda: make_schedule(True), "Constant got base=True"),
        (lambda: StepDecay(0.1), "got at_epochs=None and at_steps=None; give one of them"),
        (lambda: StepDecay(0.1, at_epochs=[8, 4]), r"got at_epochs=\[8, 4\]; they must rise"),
        (lambda: StepDecay(0.1, at_epochs=8), "got at_epochs=8; it must be a list"),
        (lambda: StepDecay(0.1, at_steps=[0]), "got at_steps item=0; it must be a number above 0"),
        (lambda: CosineDecay(0.1, end=0.2), "CosineDecay got end=0.2; it must be a number at least 0 and at most 0.1"),
        (lambda: PolyDecay(0.1, epochs=1, steps=2), "got epochs=1 and steps=2; give at most one of them"),
        (lambda: ExponentialDecay(0.1, 0.5), "got every_epochs=None and every_steps=None; give one of them"),
        (lambda: ExponentialDecay(0.1, 0.5, every_steps=0), "got every_steps=0; it must be a number above 0"),
        (lambda: Constant(0.1, warmup_steps=1, warmup_epochs=1), "got warmup_steps=1 and warmup_epochs=1"),
        (lambda: LinearWarmupDecay(0.1, 0.1, warmup_steps=5), "got warmup_fraction=0.1 and a warm-up in steps"),
        (lambda: NoamDecay(warmup_steps=0), "NoamDecay got warmup_steps=0; it must be a number at least 1"),
        (lambda: CyclicLR(0.1, 0.05, 4), "CyclicLR got top=0.05; it must be a number at least 0.1"),
        (lambda: CyclicLR(0.1, 1.0, 4, mode="square"), "got mode='square'; it must be triangular, triangular2 or"),
        (lambda: OneCycle(0.1, anneal="log"), "got anneal='log'; it must be cosine or linear"),
        (lambda: CosineDecay(0.1).at(0), r"CosineDecay counts in epochs .* call bind\(steps_per_epoch, total_steps\)"),
        (lambda: Constant(0.1).bind(0, 0), "Constant got steps_per_epoch=0; it must be a number above 0"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_schedules_and_optimizers_are_described_without_paddle():
    modules = "common.optim.schedules, common.optim.schedules_decay, common.optim.optimizers, common.optim.adaptive"
    code = f"import sys, {modules}; assert 'paddle' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_cycles_go_on_for_as_long_as_a_run_does():
    halved = CyclicLR(0.1, 0.5, up_steps=10, mode="triangular2")
    assert halved.at(20 * 2000 + 10) == pytest.approx(0.1)  # 2 ** 2000 is more than a float holds
    risen = OneCycle(0.5, up_fraction=1.0, steps=10)
    risen.bind(None, 100)
    assert risen.at(9) == 0.5 and risen.at(10) == pytest.approx(0.5 / 25 / 1e4)
