"""A model with convolutions and normalizations, trained on the batches that the step decides."""

import numpy as np
import paddle
from paddle import nn

from common.layers.sync_batch_norm import convert_sync_batch_norm
from common.optim.optimizers import Momentum
from common.system import distributed

BATCH = 8


class Classifier(nn.Layer):
    """Uses one of its parts in every second batch only."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2D(3),
            nn.Conv2D(3, 8, 3),
            nn.BatchNorm2D(8),
            nn.ReLU(),
            nn.Conv2D(8, 8, 3, stride=2),
            nn.BatchNorm2D(8, weight_attr=False, bias_attr=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2D(1),
            nn.Flatten(),
            nn.Linear(8, 4),
            nn.BatchNorm1D(4),
        )
        self.sometimes = nn.Linear(3, 3)

    def loss(self, batch):
        losses = {"loss_class": nn.functional.cross_entropy(self.body(batch["image"]), batch["label"])}
        if batch["extra"]:
            losses["loss_extra"] = (self.sometimes(batch["image"][:, :, 0, 0]) ** 2).mean()
        return losses


def batch_of(step, extra):
    """This process's part of the batch of `step`: images far from zero, so that a variance must be taken with care."""
    rng = np.random.default_rng(step)
    images = rng.normal(50, 3, [BATCH, 3, 10, 10]).astype("float32")
    labels = rng.integers(0, 4, [BATCH])
    share = BATCH // distributed.world_size()
    part = slice(distributed.rank() * share, (distributed.rank() + 1) * share)
    return {"image": paddle.to_tensor(images[part]), "label": paddle.to_tensor(labels[part]), "extra": extra}


def train(accumulate=1, steps=5, extra=lambda step: step % 2 == 1):
    """{structured name: value} after `steps` updates of `accumulate` batches each."""
    paddle.seed(distributed.rank())
    model = Classifier()
    if distributed.world_size() > 1:
        convert_sync_batch_norm(model)
        distributed.broadcast_parameters(model)
    optimizer = Momentum(lr=0.1, weight_decay=1e-3, clip_norm=1.0).build(model)
    loss_of = distributed.wrap_loss(model)
    for step in range(steps * accumulate):
        last = (step + 1) % accumulate == 0
        losses = loss_of(batch_of(step, extra(step)), sync=last)
        (sum(losses.values()) / accumulate).backward()
        if last:
            optimizer.step(0.1)
            optimizer.clear()
    return {name: value.numpy() for name, value in model.state_dict().items()}
