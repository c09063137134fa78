import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.optim.optimizers import SGD
from common.optim.several import Several
from common.weights.checkpoint import read_checkpoint, write_checkpoint
from tests.common.system.distributed_programs.small_gan import SmallGan, make_trainer


def weights(trainer, part):
    return {k: v.numpy().copy() for k, v in trainer.model.state_dict().items() if k.startswith(part)}


def same(first, second):
    return all(np.array_equal(first[name], second[name]) for name in first)


class Record:
    """Keeps what each step moved."""

    def __init__(self, trainer):
        self.steps, self.before = [], (weights(trainer, "generator"), weights(trainer, "discriminator"))

    def after_step(self, trainer):
        now = (weights(trainer, "generator"), weights(trainer, "discriminator"))
        self.steps.append((not same(self.before[0], now[0]), not same(self.before[1], now[1]), sorted(trainer.losses)))
        self.before = now

    def __getattr__(self, event):
        return lambda trainer: None


def test_each_phase_moves_its_own_part_as_often_as_it_should(tmp_path):
    trainer = make_trainer(tmp_path, every={"generator": 3})
    trainer.callbacks = [record := Record(trainer)]
    trainer.fit()
    both = ["loss_discriminator", "loss_generator", "loss_penalty"]
    assert record.steps == [(True, True, both), *[(False, True, [both[0], both[2]])] * 2] * 2


def test_the_generator_is_moved_along_the_gradient_through_the_discriminator_as_it_then_stands(tmp_path):
    trainer = make_trainer(tmp_path, steps=1)
    before = trainer.model.generator[2].bias.numpy().copy()
    trainer.fit()
    # Adam's first step is the rate times the sign of the gradient
    fake = trainer.model.generator
    batch = {k: paddle.to_tensor(v) for k, v in next(iter(trainer.loader.epoch(0))).items()}
    after = fake[2].bias.numpy().copy()
    fake[2].bias.set_value(before)  # the other weights have moved by 0.01 at most, which turns no sign here
    trainer.model.loss(batch, "generator")["loss_generator"].backward()
    np.testing.assert_allclose(after - before, -0.01 * np.sign(fake[2].bias.grad.numpy()), atol=1e-5)


def test_a_resumed_run_with_a_pool_of_images_ends_in_the_same_bits(tmp_path):
    whole = make_trainer(tmp_path, pool_size=10)
    whole.fit()
    part = make_trainer(tmp_path, pool_size=10, max_steps=3)
    part.fit()
    write_checkpoint(tmp_path / "run", 3, *part.state())
    paddle.seed(99)
    rest = make_trainer(tmp_path, pool_size=10)
    rest.load(*read_checkpoint(tmp_path / "run/step_3"))
    assert rest.step == 3 and len(rest.model.pool) == 10
    rest.fit()
    for (name, left), right in zip(whole.state()[0].items(), rest.state()[0].values(), strict=True):
        assert same(left, right), name


def test_the_gradients_of_the_other_part_are_not_computed(tmp_path):
    trainer = make_trainer(tmp_path)
    batch = {k: paddle.to_tensor(v) for k, v in next(iter(trainer.loader.epoch(0))).items()}
    with trainer.optimizer.alone("generator"):
        trainer.losses_of(batch, phase="generator")["loss_generator"].backward()
    assert all(p.grad is None for p in trainer.model.discriminator.parameters())
    assert all(p.grad is not None and not p.stop_gradient for p in trainer.model.generator.parameters())
    assert not any(p.stop_gradient for p in trainer.model.discriminator.parameters())


def test_the_log_has_the_learning_rate_of_each_optimizer(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.fit()
    assert trainer.lrs == {"lr": 0.01, "lr_discriminator": 0.1}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"every": {"critic": 2}}, "trainer.every names 'critic'; the phases of SmallGan are discriminator, generator"),
        ({"every": {"generator": 0}}, "trainer.every.generator is 0; allowed: 1 or more"),
        ({"accumulate": 2}, "train.accumulate is 2, not 1"),
    ],
)
def test_what_cannot_be_trained_in_phases_is_refused(tmp_path, given, words):
    with pytest.raises(ConfigError, match=words):
        make_trainer(tmp_path, **given)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"generator": SGD(lr=1.0)}, "no part updates discriminator.0.weight; the parts are generator"),
        ({"generater": SGD(lr=1.0)}, "no sublayer 'generater'; did you mean 'generator'"),
    ],
)
def test_parts_that_are_not_the_model_are_refused(parts, words):
    with pytest.raises(ConfigError, match=words):
        Several(parts=parts).build(SmallGan())


def test_the_state_of_other_optimizers_is_refused(tmp_path):
    trainer = make_trainer(tmp_path)
    arrays, state = trainer.optimizer.state()
    with pytest.raises(ConfigError, match="holds the state of Adam, but the optimizer is Adam and SGD of generator"):
        trainer.optimizer.load(arrays, {"kind": "Adam"})
    trainer.optimizer.load(arrays, state)
