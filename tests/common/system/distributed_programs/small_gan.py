"""A GAN with a gradient penalty and a pool of earlier images, trained in phases on batches that the step decides."""

import types

import numpy as np
import paddle
from paddle import nn

from common.config.sections import Train
from common.optim.optimizers import SGD, Adam
from common.optim.several import Several
from common.system import distributed
from common.training.alternating_trainer import AlternatingTrainer
from common.training.trainer import RunParts

BATCH, SIZE = 8, 6


class SmallGan(nn.Layer):
    """Makes vectors [N, 6] from noise [N, 3]; the penalty is R1 (https://arxiv.org/abs/1801.04406, eq. 9).

    Args:
        pool_size (int): earlier vectors that the discriminator may see instead of new ones; 0 for none.
    """

    phases = ("discriminator", "generator")
    inputs, outputs = {"noise": ([None, 3], "float32")}, ("image",)

    def __init__(self, pool_size=0):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, SIZE))
        self.discriminator = nn.Sequential(nn.Linear(SIZE, 16), nn.Softplus(), nn.Linear(16, 1))
        self.pool_size, self.pool = pool_size, np.zeros([0, SIZE], "float32")

    def loss(self, batch, phase):
        fake = self.generator(batch["noise"])
        if phase == "generator":
            return {"loss_generator": nn.functional.softplus(-self.discriminator(fake)).mean()}
        real = batch["real"].detach()
        real.stop_gradient = False
        score = self.discriminator(real)
        (slope,) = paddle.grad(score.sum(), real, create_graph=True)
        fakes = nn.functional.softplus(self.discriminator(self.earlier(fake.detach())))
        return {
            "loss_discriminator": nn.functional.softplus(-score).mean() + fakes.mean(),
            "loss_penalty": 5 * (slope**2).sum(1).mean(),
        }

    def earlier(self, fake):
        """Half of the vectors taken from the pool, at random, once it is full."""
        if not self.pool_size:
            return fake
        new = fake.numpy()
        if len(self.pool) == self.pool_size:
            places = paddle.randint(0, self.pool_size, [len(new) // 2]).numpy()
            new[: len(places)], self.pool[places] = self.pool[places], new[: len(places)].copy()
        self.pool = np.concatenate([self.pool, new])[: self.pool_size]
        return paddle.to_tensor(new)

    def training_state(self):
        return {"pool": self.pool}

    def load_training_state(self, arrays):
        self.pool = arrays["pool"].copy()


class Steps:
    """A loader whose batches are decided by their number; each process reads its share."""

    wait_seconds, order = 0.0, {}

    def __init__(self, length):
        self.length, self.position = length, 0

    def epoch(self, epoch, position=0):
        share = BATCH // distributed.world_size()
        part = slice(distributed.rank() * share, (distributed.rank() + 1) * share)
        for number in range(position + 1, self.length + 1):
            self.position, rng = number, np.random.default_rng([epoch, number])
            noise, real = rng.normal(size=(BATCH, 3)), rng.normal(2, 1, (BATCH, SIZE))
            yield {"noise": noise.astype("float32")[part], "real": real.astype("float32")[part]}


def make_trainer(folder, pool_size=0, every=None, steps=6, **settings):
    """A trainer of a new SmallGan (AlternatingTrainer)."""
    paddle.seed(7)
    model = SmallGan(pool_size)
    distributed.broadcast_parameters(model)
    optimizer = Several(parts={"generator": Adam(lr=0.01), "discriminator": SGD(lr=0.1)})
    train = Train(epochs=1, batch_size=BATCH, **settings)
    schedule = optimizer.schedule.bind(steps, steps)
    run = RunParts(model, Steps(steps), optimizer.build(model), schedule, train, folder, types.SimpleNamespace())
    return AlternatingTrainer(run, every)


def train(folder):
    """{structured name: value} after six steps, in which the generator learns every second time."""
    trainer = make_trainer(folder, every={"generator": 2})
    trainer.fit()
    return {name: value.numpy() for name, value in trainer.model.state_dict().items()}
