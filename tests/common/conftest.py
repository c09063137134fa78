"""A small kit made for one test: a folder with models/, data/, metrics/ and configs/, of plain classes."""

import itertools
import sys

import pytest

FILES = {
    "models/parts.py": "class Layer:\n    pass\n",
    "models/backbones/darknet.py": '''
from ..parts import Layer


class DarkNet(Layer):
    """Darknet.

    Args:
        depth (int): number of layers.
        width (float): multiplies the channels.
        norm (str): kind of normalisation.
        sizes (tuple[int, ...]): of the kernels.
    """

    def __init__(self, depth=53, width=1.0, norm="bn", sizes=(3, 3)):
        if depth not in (21, 53):
            raise ValueError(f"DarkNet has 21 or 53 layers, not {depth}")
        self.depth, self.width, self.norm, self.sizes = depth, width, norm, sizes
        self.out_channels = [256, 512, 1024]


class DeepDarkNet(DarkNet):
    """Inherits how it is made."""
''',
    "models/necks/fpn.py": '''
from ..parts import Layer


class YOLOv3FPN(Layer):
    """Pyramid.

    Args:
        in_channels (list[int]): from the backbone.
        blocks (list[Layer]): extra parts.
    """

    def __init__(self, in_channels, blocks=()):
        self.in_channels, self.blocks = in_channels, blocks
        self.out_channels = in_channels[::-1]
''',
    "models/heads/yolov3_head.py": '''
from ..parts import Layer


class YOLOv3Head(Layer):
    """Head.

    Args:
        in_channels (list[int]): from the neck.
        num_classes (int): C.
        anchors (list[list[list[int]]]): per level, in pixels.
        strides (list[int]): pixels per cell.
    """

    def __init__(self, in_channels, num_classes, anchors, strides=(32, 16, 8)):
        self.in_channels, self.num_classes, self.anchors, self.strides = in_channels, num_classes, anchors, strides
''',
    "models/losses/yolov3_loss.py": '''
from ..parts import Layer

SMOOTH = 0.0


class YOLOv3Loss(Layer):
    """Loss.

    Args:
        ignore_iou (float): overlap above which a prediction is no background.
        label_smoothing (float): of the classes.
    """

    def __init__(self, ignore_iou=0.7, label_smoothing=SMOOTH):
        self.ignore_iou, self.label_smoothing = ignore_iou, label_smoothing
''',
    "models/detectors/yolov3.py": '''
from ..parts import Layer


class YOLOv3(Layer):
    """Detector.

    Args:
        backbone (Layer): built.
        neck (Layer): built.
        head (Layer): built.
        loss (Layer): built.
    """

    task = "Detection"

    def __init__(self, backbone, neck, head, loss):
        self.backbone, self.neck, self.head, self.loss = backbone, neck, head, loss

    @classmethod
    def from_config(cls, backbone, neck, head, loss, build):
        """Builds the parts in order."""
        backbone = build(backbone)
        neck = build(neck, in_channels=backbone.out_channels)
        head = build(head, in_channels=neck.out_channels)
        return cls(backbone, neck, head, build(loss))
''',
    "data/coco.py": '''
class CocoDetection:
    """Images.

    Args:
        root (str): folder.
        images (str): folder in it.
        labels (list[str]): names.
        keep_empty (bool): keep images without boxes.
    """

    def __init__(self, root, images="train2017", labels=None, keep_empty=True):
        self.root, self.images, self.labels, self.keep_empty = root, images, labels, keep_empty

    def __len__(self):
        return 0

    def __getitem__(self, index):
        return {}
''',
    "data/steps.py": '''
from common.data.transform import Transform


class Decode(Transform):
    """Reads the image."""

    def __call__(self, sample, rng):
        return sample


class RandomFlip(Transform):
    """Mirrors.

    Args:
        prob (float): how often.
    """

    def __init__(self, prob=0.5):
        self.prob = prob

    def __call__(self, sample, rng):
        return sample


class ResizeBatch(Transform):
    """Sizes.

    Args:
        sizes (list[int]): to draw from.
    """

    def __init__(self, sizes):
        self.sizes = sizes

    def __call__(self, samples, rng):
        return samples
''',
    "metrics/coco_map.py": '''
class CocoMap:
    """mAP.

    Args:
        dataset (object): given.
    """

    def __init__(self, dataset=None):
        self.dataset = dataset

    def update(self, outputs, batch):
        """Nothing."""

    def compute(self):
        """Nothing."""
''',
    "configs/yolov3.yml": """# YOLOv3
_base_: _base_/runtime.yml

anchors:
  - [[116, 90], [156, 198], [373, 326]]
  - [[30, 61], [62, 45], [59, 119]]
  - [[10, 13], [16, 30], [33, 23]]

model:
  type: YOLOv3
  backbone: {type: DarkNet, depth: 53}
  neck: {type: YOLOv3FPN}
  head: {type: YOLOv3Head, anchors: "${anchors}"}
  loss: {type: YOLOv3Loss, ignore_iou: 0.7, label_smoothing: 0.0}

data:
  train:
    type: CocoDetection
    root: dataset/coco
    images: train2017
    transforms:
      - {type: Decode}
      - {type: RandomFlip, prob: 0.5}
      - {type: ResizeBatch, sizes: [320, 416]}
  eval:
    type: CocoDetection
    root: dataset/coco
    images: val2017
    transforms:
      - {type: Decode}
  metric: {type: CocoMap}

optimizer:
  type: Momentum
  momentum: 0.9
  weight_decay: 5e-4
  lr: {type: StepDecay, base: 1e-3, at_epochs: [216, 243], factor: 0.1, warmup_steps: 4000}

train: {epochs: 270, batch_size: 8, workers: 4, amp: false, eval_every: 10, keep: 3}
export: {image_size: [608, 608]}
""",
    "configs/_base_/runtime.yml": "seed: 0\noutput_dir: output\nlog_every: 20\n",
}

_numbers = itertools.count()


@pytest.fixture
def fake_kit(tmp_path, monkeypatch):
    """The folder of a kit with a YOLOv3 that is built of plain Python objects; the current folder is the one above."""
    folder = tmp_path / f"FakeKit{next(_numbers)}"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    path_before = list(sys.path)
    yield folder
    sys.path[:] = path_before
    for name in [n for n in sys.modules if n.split(".")[0] == folder.name]:
        del sys.modules[name]


@pytest.fixture
def write_config(fake_kit):
    """A function that writes a configuration of the fake kit and returns its path; pairs replace text of yolov3.yml."""

    def write(*replaced, text=None, name="changed.yml"):
        content = (fake_kit / "configs/yolov3.yml").read_text() if text is None else text
        for old, new in replaced:
            assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times in the file"
            content = content.replace(old, new)
        path = fake_kit / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write
