"""Small detectors and a batch of images with objects, for the tests of several of them."""

import numpy as np
import paddle

from common.testing import warm_up_statistics


def objects_batch(images=2, size=(96, 128)):
    """Images of twice the input's size, with small and large objects."""
    height, width = size
    rng = np.random.default_rng(1)
    boxes = np.array([[4, 5, 16, 20], [40, 10, 80, 60], [2, 2, 126, 94], [0, 0, 0, 0]], "float32")
    boxes = np.minimum(boxes, np.array([width, height] * 2) - 2).astype("float32")
    return {
        "image": rng.normal(size=(images, 3, height, width)).astype("float32"),
        "im_shape": np.full((images, 2), size, "float32"),
        "scale_factor": np.full((images, 2), 0.5, "float32"),
        "boxes": np.stack([boxes] * images),
        "labels": np.array([[0, 1, 2, -1]] * images),
    }


def losses_while_learning(model, batch, steps=25, rate=3e-3):
    """The sums of the losses while a model learns one batch."""
    model.train()
    optimizer = paddle.optimizer.Adam(rate, parameters=[p for p in model.parameters() if not p.stop_gradient])
    given = {name: paddle.to_tensor(value) for name, value in batch.items()}
    values = []
    for _ in range(steps):
        total = sum(model.loss(given).values())
        total.backward()
        optimizer.step()
        optimizer.clear_grad()
        values.append(total.item())
    return values


def settled(model, batch):
    """The model in evaluation mode, with the statistics of the batch."""
    warm_up_statistics(model, batch)
    return model
