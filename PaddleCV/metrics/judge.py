"""A trained classifier that judges generated images.

Shapes in this file:
    N images of D channels and H x W pixels, F features, C classes.
"""

import numpy as np
import paddle
from paddle.nn import functional as F

from common.build.data import build_transforms, given_classes
from common.build.teacher import load_teacher
from common.config import load_config
from common.errors import ConfigError


class Judge:
    """A classifier in evaluation mode, which takes images from -1 to 1 instead of its own normalization.

    Args:
        config (str): configuration of an ImageClassifier.
        weights (str): its checkpoint.
        labels (list[str] | None): the classes that it must have.

    Raises:
        ConfigError: it has other classes, or no Normalize among its transforms.
    """

    def __init__(self, config, weights, labels=None):
        self.where, self.model = (config, weights, labels), None
        given = load_config(config, [f"weights={weights}"])
        split = next(name for name in ("infer", "eval", "test", "train") if given.get(f"data.{name}"))
        transforms = build_transforms(given, split, **given_classes(labels or None))
        normal = next((t for t in transforms if hasattr(t, "mean") and hasattr(t, "std")), None)
        if normal is None:
            raise ConfigError(f"{config}: no Normalize among the transforms of data.{split}, which a judge needs")
        scale = 1 / (255 * normal.scale)
        self.mean = np.array(normal.mean, np.float32).reshape(-1, 1, 1) * scale
        self.std = np.array(normal.std, np.float32).reshape(-1, 1, 1) * scale

    def __call__(self, image):
        """Features float32 [N, F] (means over the cells) and logits [N, C] of images [N, D, H, W]."""
        if self.model is None:
            config, weights, labels = self.where
            self.model = load_teacher(config, weights, labels or None)
        image = np.asarray(image, np.float32)
        channels = len(self.mean)
        if image.shape[1] != channels:
            image = image.mean(axis=1, keepdims=True) if channels == 1 else np.repeat(image, 3, axis=1)
        image = ((image + 1) / 2 - self.mean) / self.std
        with paddle.no_grad():
            features = self.model.backbone(paddle.to_tensor(image))
            logits = self.model.head(features)
            pooled = F.adaptive_avg_pool2d(features[-1], 1).flatten(1)
        return pooled.numpy(), logits.numpy()
