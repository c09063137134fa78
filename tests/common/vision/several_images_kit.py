"""A kit of one file a part whose samples hold two images, or a clip; and the data for it."""

import cv2
import numpy as np

FILES = {
    "models/pair_net.py": '''
"""Whether two images are one scene.

Shapes in this file:
    N pairs of images of H x W pixels.
"""

import paddle
from paddle import nn


class PairNet(nn.Layer):
    """Scores a pair.

    Args:
        channels (int): of the features.
    """

    task, outputs, size_multiple = "Tensors", ["score"], 4
    inputs = {name: ([None, 3, None, None], "float32") for name in ("image_a", "image_b")}

    def __init__(self, channels=4):
        super().__init__()
        self.features = nn.Conv2D(3, channels, 4, stride=4)
        self.score = nn.Linear(channels, 1)

    def predict(self, image_a, image_b):
        """Logits [N]."""
        one, other = (nn.functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1) for x in (image_a, image_b))
        return self.score(paddle.abs(one - other)).squeeze(1)

    def forward(self, image_a, image_b):
        """Probabilities [N]."""
        return nn.functional.sigmoid(self.predict(image_a, image_b))

    def loss(self, batch):
        """Binary cross entropy."""
        logits = self.predict(batch["image_a"], batch["image_b"])
        target = batch["target"].astype("float32")
        return {"loss_pair": nn.functional.binary_cross_entropy_with_logits(logits, target)}
''',
    "models/clip_net.py": '''
"""How bright a clip is.

Shapes in this file:
    N clips of T frames of H x W pixels.
"""

from paddle import nn


class ClipNet(nn.Layer):
    """Scores a clip by the mean of its frames."""

    task, outputs, size_multiple = "Tensors", ["score"], 4
    inputs = {"clip": ([None, None, 3, None, None], "float32")}

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2D(3, 4, 4, stride=4)
        self.score = nn.Linear(4, 1)

    def predict(self, clip):
        """Logits [N]."""
        frames = nn.functional.adaptive_avg_pool2d(self.features(clip.flatten(0, 1)), 1).flatten(1)
        return self.score(frames.reshape([clip.shape[0], -1, 4]).mean(1)).squeeze(1)

    def forward(self, clip):
        """Probabilities [N]."""
        return nn.functional.sigmoid(self.predict(clip))

    def loss(self, batch):
        """Binary cross entropy."""
        target = batch["target"].astype("float32")
        return {"loss_clip": nn.functional.binary_cross_entropy_with_logits(self.predict(batch["clip"]), target)}
''',
    "data/scenes.py": '''
from pathlib import Path


class Scenes:
    """The scenes of a folder, each a folder of frames.

    Args:
        root (str): the folder.
    """

    def __init__(self, root):
        self.folders = sorted(Path(root).iterdir())

    def __len__(self):
        return len(self.folders)

    def frames(self, index):
        return [str(path) for path in sorted(self.folders[index].iterdir())]


class Pairs(Scenes):
    """Two frames of a scene, or of two.

    Args:
        root (str): the folder.
    """

    def __getitem__(self, index):
        other = index - index % 2
        paths = {"image_a_path": self.frames(index)[0], "image_b_path": self.frames(other)[1]}
        return {"path": paths["image_a_path"], **paths, "target": int(index == other)}


class Clips(Scenes):
    """All frames of a scene.

    Args:
        root (str): the folder.
    """

    def __getitem__(self, index):
        return {"path": str(self.folders[index]), "clip_paths": self.frames(index), "target": index % 2}
''',
    "metrics/error.py": '''
class MeanError:
    """The mean distance of the score from the target."""

    primary, higher_is_better = "error", False

    def __init__(self):
        self.reset()

    def reset(self):
        """Forgets everything."""
        self.total, self.count = 0.0, 0

    def update(self, outputs, batch):
        """Adds a batch."""
        self.total += float(abs(outputs["score"] - batch["target"]).sum())
        self.count += len(batch["target"])

    def state(self):
        """What is counted."""
        return self.total, self.count

    def merge(self, states):
        """Adds what other processes counted."""
        self.total, self.count = (sum(column) for column in zip(*states))

    def compute(self):
        """The mean."""
        return {"error": self.total / self.count}
''',
    "configs/pair.yml": """
model: {type: PairNet}
data:
  train:
    type: Pairs
    root: scenes
    transforms:
      - type: On
        key: [image_a, image_b]
        same_random: true
        transforms:
          - {type: Decode}
          - {type: Resize, size: 24}
          - {type: RandomCropToSize, size: 16}
          - {type: RandomFlip}
          - {type: Normalize}
  eval:
    type: Pairs
    root: scenes
    transforms:
      - {type: On, key: [image_a, image_b], transforms: [{type: Decode}, {type: Resize, size: 16}]}
      - {type: On, key: image_a, transforms: [{type: Normalize}]}
      - {type: On, key: image_b, transforms: [{type: Normalize}]}
  metric: {type: MeanError}
optimizer: {type: Adam, lr: 1e-2}
train: {epochs: 1, batch_size: 2, workers: 0}
""",
    "configs/clip.yml": """
model: {type: ClipNet}
data:
  train:
    type: Clips
    root: scenes
    transforms:
      - type: PerFrame
        transforms:
          - {type: Decode}
          - {type: RandomResizedCrop, size: 16}
          - {type: RandomFlip}
          - {type: Normalize}
  eval:
    type: Clips
    root: scenes
    transforms: [{type: PerFrame, transforms: [{type: Decode}, {type: Resize, size: 16}, {type: Normalize}]}]
  metric: {type: MeanError}
optimizer: {type: Adam, lr: 1e-2}
train: {epochs: 1, batch_size: 2, workers: 2}
""",
}


def write_kit(folder):
    """Writes the kit, and `scenes/` beside it: four scenes of three frames of 32 x 24 pixels."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    rng = np.random.default_rng(0)
    for scene in range(4):
        place = folder.parent / "scenes" / f"scene_{scene}"
        place.mkdir(parents=True)
        for frame in range(3):
            image = rng.integers(0, 128, (24, 32, 3), np.uint8) + np.uint8(30 * scene)
            cv2.imwrite(str(place / f"{frame}.png"), image)
    return folder
