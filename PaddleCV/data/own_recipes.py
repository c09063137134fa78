"""Small configurations that suit a user's images: anchors, image size, augmentation and schedule from the data."""

import os

import numpy as np

from common.data.preparation import frame_lines, length_text, plan_epochs, quote, quote_all
from common.log import counted
from common.vision.files import image_size

MEAN, STD = "[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]"
UPDATES = {"detector": 1600, "classifier": 800}  # from random weights
STRIDE = 32
LARGEST, LEAST_BOX = 512, 20  # pixels
AUGMENT = (
    "{type: RandomDistort}",
    "{type: RandomExpand, max_ratio: 1.5, prob: 0.3, fill: [123.7, 116.3, 103.5]}",
    "{type: RandomCrop, prob: 0.7, scaling: [0.5, 1.0]}",
)
NORMALIZE = '{type: Normalize, mean: "${mean}", std: "${std}"}'
DIRECTIONS = ("left", "right", "arrow", "text", "letter", "digit", "plate")


def detector_config(request, dataset, train, nodes):
    """The configuration of a small YOLOv3 (list of lines), and what was chosen (list of lines).

    Args:
        request (Request): name and weights.
        dataset (DetectionDataset): of all images.
        train (list[int]): the images to train on.
        nodes (dict): split -> its dataset, a component of the configuration.
    """
    sides = np.array([[image["width"], image["height"]] for image in dataset.images], np.float64)
    rows = np.isin(dataset.boxes.image, train) & ~dataset.boxes.crowd
    boxes, owner = dataset.clipped[rows], dataset.boxes.image[rows]
    extents = boxes[:, 2:] - boxes[:, :2]
    height, width = choose_size(sides[train], np.sqrt(extents.prod(1)) / sides[owner].max(1))
    scaled = extents * np.array([width, height]) / sides[owner]
    levels = 2 if max(height, width) <= 320 and np.quantile(scaled, 0.95) <= 160 else 3
    anchors = choose_anchors(scaled, levels)
    batch = 4 if len(train) < 200 else 8
    epochs, updates = plan_epochs(len(train), batch, UPDATES["detector"], 300), max(1, len(train) // batch)
    warm_up = max(1, min(100, epochs * updates // 20))
    flip = can_flip(dataset.labels)
    count = counted(len(dataset), "image")
    lines = frame_lines(request, "PaddleCV", f"A small YOLOv3 for {count} of {request.source}.")
    lines += [f"size: [{height}, {width}]    # height, width", f"mean: {MEAN}", f"std: {STD}", ""]
    lines += [f"anchors:    # pixels of a {height} x {width} image, per level, from the coarsest to the finest"]
    lines += [f"  - [{', '.join(f'[{w}, {h}]' for w, h in level)}]" for level in anchors]
    lines += [*detector_lines(levels), "", "data:"]
    for split, extra in (("train", [*AUGMENT, *(["{type: RandomFlip}"] if flip else [])]), ("eval", [])):
        transforms = ["{type: Decode}", *extra, '{type: Resize, size: "${size}"}', NORMALIZE]
        lines += [*node_lines(split, nodes[split]), *transform_lines(transforms)]
    lines += ["  metric: {type: CocoMap, primary: AP50}", "", "optimizer:", "  type: Momentum", "  momentum: 0.9"]
    lines += ["  weight_decay: 5e-4", "  clip_norm: 100"]
    lines += [f"  lr: {{type: CosineDecay, base: 4e-3, warmup_steps: {warm_up}}}", ""]
    lines += schedule_lines(epochs, batch, epochs * updates, 0.995 if epochs * updates > 1000 else 0.98)
    lines += [f"eval: {{batch_size: {batch}}}", 'export: {image_size: "${size}"}']
    notes = [
        f"images are resized to {width} x {height}; {counted(sum(map(len, anchors)), 'anchor')} by k-means on "
        + counted(len(boxes), "box"),
        f"{length_text(epochs, len(train), batch)}, warm-up of {warm_up}"
        + ("" if flip else "; no flips: the classes look like characters or directions"),
    ]
    return lines, notes


def detector_lines(levels):
    """The model of a detector with two or three levels."""
    depths, outs = ("[0, 1, 1, 2, 0]", "[2, 3]") if levels == 2 else ("[0, 1, 1, 2, 1]", "[2, 3, 4]")
    return [
        "",
        "model:",
        "  type: YOLOv3",
        f"  backbone: {{type: DarkNet, depths: {depths}, width: 0.25, out_indices: {outs}}}",
        "  neck: {type: YOLOv3FPN, channels: 128}",
        '  head: {type: YOLOv3Head, anchors: "${anchors}"}',
        "  loss: {type: YOLOv3Loss, ignore_iou: 0.6}",
        "  nms: {type: MulticlassNMS, score: 0.01, iou: 0.45, keep: 100, top_k: 400}",
    ]


def classifier_config(request, paths, labels):
    """The configuration of a small classifier of class folders (list of lines), and what was chosen."""
    sides = []
    for path in paths[:: max(1, len(paths) // 200)]:
        width, height, turned = image_size(path)
        sides.append((height, width) if turned else (width, height))
    side = int(np.clip(round(np.median(np.min(sides, 1)) / STRIDE) * STRIDE, STRIDE, 224))
    stem = 1 if side <= 64 else 2
    batch = max(2, min(32, len(paths) // 4))
    epochs = plan_epochs(len(paths), batch, UPDATES["classifier"], 100)
    steps = epochs * max(1, len(paths) // batch)
    source = out_relative(request)
    lines = frame_lines(request, "PaddleCV", f"A small MobileNetV3 for the images of {request.source}.")
    lines += [
        f"size: {side}",
        f"mean: {MEAN}",
        f"std: {STD}",
        "",
        "model:",
        "  type: ImageClassifier",
        f"  backbone: {{type: MobileNetV3, model: small, scale: 0.5, stem_stride: {stem}, out_indices: [4]}}",
        "  head: {type: ClassifierHead}",
        "  loss: {type: CrossEntropy}",
        "",
        "data:",
    ]
    crop = '{type: RandomResizedCrop, size: "${size}", scale: [0.5, 1.0]}'
    flip = ["{type: RandomFlip}"] if can_flip(labels) else []
    for split, extra in (
        ("train", [crop, *flip]),
        ("eval", [f"{{type: Resize, size: [{side}, {side}]}}"]),
    ):
        node = {"type": "ImageNetList", "root": str(request.source)}
        node |= {"list_file": f"{source}/{split}.txt", "labels": f"{source}/labels.txt"}
        lines += [*node_lines(split, node), *transform_lines(["{type: Decode}", *extra, NORMALIZE])]
    lines += [
        f"  metric: {{type: Accuracy, topk: [1, {min(5, max(2, len(labels) - 1))}]}}",
        "",
        "optimizer:",
        "  type: Adam",
        f"  lr: {{type: CosineDecay, base: 2e-3, warmup_steps: {max(1, min(50, steps // 20))}}}",
        "",
        *schedule_lines(epochs, batch, steps, 0.99),
        f"eval: {{batch_size: {batch}}}",
    ]
    return lines, [f"images are resized to {side} x {side}; {length_text(epochs, len(paths), batch)}"]


def out_relative(request):
    """The output folder relative to the folder of the user."""
    return os.path.relpath(request.out, request.source).replace(os.sep, "/")


def choose_size(sides, shares):
    """(height, width) of the network, multiples of 32 in the shape of the images.

    Nine of ten boxes keep 20 pixels, with 192 to 512 pixels of the longer side, and no more than the images have.

    Args:
        sides (ndarray): [I, 2], width and height.
        shares (ndarray): [B], the root of each box's area as a share of the longer side of its image.
    """
    width, height = np.median(sides, 0)
    longer = max(width, height)
    small = np.quantile(shares, 0.1) if len(shares) else 0.1
    scale = min(longer, np.clip(LEAST_BOX / max(small, 1e-3), 192, LARGEST)) / longer
    height, width = (max(2 * STRIDE, STRIDE * round(float(side * scale / STRIDE))) for side in (height, width))
    return height, width


def choose_anchors(extents, levels, each=3, seed=0):
    """Anchors by k-means with the IoU of boxes as similarity.

    Args:
        extents (ndarray): [B, 2], widths and heights in pixels of the network.
        levels (int): levels of the network.
        each (int): anchors per level.
        seed (int): random seed of the first centers.

    Returns:
        list[list[list[int]]]: per level from the coarsest, anchors [width, height] by area.
    """
    extents = np.maximum(extents, 1)
    count = min(levels * each, max(levels, len(np.unique(extents.round(), axis=0))) // levels * levels)
    order = np.argsort(extents.prod(1))
    centers = extents[order[np.linspace(0, len(order) - 1, count).round().astype(int)]]  # quantiles of the area
    for _ in range(100):
        inner = np.minimum(extents[:, None], centers).prod(2)
        union = extents.prod(1)[:, None] + centers.prod(1) - inner
        nearest = (inner / union).argmax(1)
        moved = np.array(
            [np.median(extents[nearest == k], 0) if (nearest == k).any() else centers[k] for k in range(count)]
        )
        if np.allclose(moved, centers):
            break
        centers = moved
    centers = centers[np.argsort(centers.prod(1))].round().astype(int).tolist()
    size = count // levels
    return [centers[k * size : (k + 1) * size] for k in reversed(range(levels))]


def can_flip(labels):
    """False for classes that are single characters, numbers or directions, which a mirrored image would change."""
    names = [str(label).lower() for label in labels]
    return not (all(len(n) == 1 or n.isdigit() for n in names) or any(word in n for n in names for word in DIRECTIONS))


def node_lines(split, node):
    """The lines of a dataset of the configuration."""
    lines = [f"  {split}:", f"    type: {node['type']}"]
    for key, value in node.items():
        if key != "type":
            numbers = isinstance(value, list) and all(isinstance(item, int) for item in value)
            text = str(value) if numbers else quote_all(value) if isinstance(value, list) else quote(value)
            lines.append(f"    {key}: {text}")
    return lines


def transform_lines(transforms):
    """The lines of the transforms of a dataset."""
    return ["    transforms:", *(f"      - {transform}" for transform in transforms)]


def schedule_lines(epochs, batch, steps, decay):
    """The section of the training: five evaluations in a run."""
    every = max(1, epochs // 5)
    return [
        f"train: {{epochs: {epochs}, batch_size: {batch}, workers: 0, eval_every: {every}, save_every: {every}, "
        f"ema: {decay if steps > 200 else 0.9}}}"
    ]
