"""Preparation of a user's own images with masks: pairs of files by their names, outlines of labelme, a small U-Net."""

import collections
import difflib
import os
import re
import tempfile
from pathlib import Path

import numpy as np

from common.data.preparation import Prepared, frame_lines, plan_epochs, quote
from common.errors import BadSample, DataError
from common.vision.decode import decode_ids, read_image_file
from common.vision.files import image_size, is_image_file

from .labels import read_labels
from .object_masks import LabelmeSegmentation
from .own_recipes import MEAN, NORMALIZE, STD, can_flip, node_lines, schedule_lines, transform_lines
from .segmentation import IGNORED, SegmentationList

LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
END = re.compile(r"[_.-](masks?|labels?|labelids|labeltrainids|gt|seg|segmentation|annotation)$", re.IGNORECASE)
PEEK, MOST_VALUES = 3, 64  # masks of a kind that are looked into; values of one that are classes, not brightness
UPDATES, LONGEST, CROP = 500, 320, 192
OUTLINED = ("polygon", "mask", "rotation", "oriented_rectangle")


def find_pairs(folder, files):
    """The images that have a mask of the same name, [(image, mask)], as paths relative to the folder.

    A mask is a lossless image of one channel and few values; its name may end in _mask, _label, _gt and the like. Of
    several images of the name that in the folder of the most similar name is taken.
    """
    kinds = collections.defaultdict(list)
    for name in filter(is_image_file, files):
        stem, suffix = os.path.splitext(name)
        kinds[os.path.dirname(name), suffix.lower(), bool(END.search(stem))].append(name)
    of_stem, masks = collections.defaultdict(list), []
    for (_, suffix, _), names in kinds.items():
        if suffix in LOSSLESS and all(has_few_values(folder / name) for name in names[:PEEK]):
            masks += names
        else:
            for name in names:
                of_stem[Path(name).stem].append(name)
    pairs = {}
    for mask in masks:
        stem = Path(mask).stem
        found = of_stem.get(stem) or of_stem.get(END.sub("", stem), [])
        if found:
            image = max(found, key=lambda name: difflib.SequenceMatcher(None, name, mask, False).ratio())
            pairs.setdefault(image, mask)
    return sorted(pairs.items())


def has_few_values(path):
    """True for an image of one channel whose values can be those of classes."""
    try:
        return len(np.unique(decode_ids(read_image_file(path), str(path)))) <= MOST_VALUES
    except BadSample:
        return False


def is_outlined(content):
    """True for a JSON file of labelme with more outlines than rectangles and circles."""
    shapes = content.get("shapes") if isinstance(content, dict) else None
    kinds = [shape.get("shape_type") or "polygon" for shape in shapes or [] if isinstance(shape, dict)]
    return sum(kind in OUTLINED for kind in kinds) > sum(kind in ("rectangle", "circle") for kind in kinds)


def open_outlines(request, files):
    """(dataset, write) of labelme's files; `write(split, rows, written)` is as in `own_boxes`."""
    root = str(request.source)
    names = [name for name in files if name.lower().endswith(".json")]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "all.txt")
        listed.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        dataset = LabelmeSegmentation(root, list_file=str(listed), labels=list(request.labels) or None)

    def write(split, rows, written):
        paths = [os.path.relpath(dataset.images[i]["file"], root).replace(os.sep, "/") for i in rows]
        written[f"{split}.txt"] = "".join(f"{path}\n" for path in paths)
        node = {"type": "LabelmeSegmentation", "root": root, "list_file": beside(request, f"{split}.txt")}
        return node | {"labels": dataset.labels}

    return dataset, write


def open_pairs(request, files):
    """(dataset, write) of images and masks, see :func:`open_outlines`; each value of the masks is a class."""
    root, pairs = str(request.source), find_pairs(request.source, files)
    if not pairs:
        raise DataError(f"error[D104] {root}: no image has a mask of its name, a PNG of one class id per pixel")
    odd = next((name for pair in pairs for name in pair if "\n" in name or "\t" in name), None)
    if odd:
        raise DataError(f"error[D118] {request.source / odd!r}: a name with a tab or a line break cannot be listed")
    values = set()
    for _, mask in pairs:
        path = str(request.source / mask)
        values.update(np.unique(decode_ids(read_image_file(path), path)).tolist())
    labels, class_ids = name_values(request, sorted(values))
    options = {"labels": labels, "class_ids": class_ids, "ignored": [] if IGNORED in class_ids else [IGNORED]}
    lines = [f"{image}\t{mask}\n" for image, mask in pairs]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "all.txt")
        listed.write_text("".join(lines), encoding="utf-8")
        dataset = SegmentationList(root, str(listed), **options)

    def write(split, rows, written):
        written[f"{split}.txt"] = "".join(lines[i] for i in rows)
        node = {"type": "SegmentationList", "root": root, "list_file": beside(request, f"{split}.txt")}
        return node | {"labels": labels} | {key: options[key] for key in ("class_ids", "ignored")}

    return dataset, write


def name_values(request, values):
    """(labels, class ids) of the values of masks; names from `--labels` or labels.txt, else made of the values.

    255 beside two or more other values is ignored.

    Raises:
        DataError: there are too many values, or another number of names.
    """
    known = [value for value in values if value != IGNORED] if len(values) > 2 else values
    if len(known) > MOST_VALUES or max(known) > IGNORED:
        raise DataError(
            f"error[D109] {request.source}: the masks have {len(known)} values, up to {max(known)}: more than classes"
            "\n  fix: numbers of instances are read by SegmentationFolder with `others`, the class of all of them"
        )
    names = list(request.labels)
    if not names and (request.source / "labels.txt").is_file():
        names = read_labels("labels.txt", str(request.source))
        if len(names) > max(known):
            return names, list(range(len(names)))
    if names and len(names) != len(known):
        numbers = ", ".join(map(str, known))
        raise DataError(f"error[D109] {request.source}: {len(names)} names for the values {numbers} of the masks")
    if not names:
        names = ["background" if value == 0 else f"class_{value}" for value in known]
        names = ["background", "foreground"] if len(known) == 2 and known[0] == 0 else names
    return names, known


def beside(request, name):
    """The path of a written file, relative to the folder of the user."""
    return Path(os.path.relpath(request.out / name, request.source)).as_posix()


def prepare_masks(request, files, open_dataset, split_paths):
    """The splits and the configuration of images with masks (Prepared); read once, so that errors have places."""
    dataset, write = open_dataset(request, files)
    paths = [Path(os.path.relpath(path, request.source)).as_posix() for path in dataset.paths()]
    classes = [np.unique(dataset[i]["mask"]).tolist() for i in range(len(dataset))]
    classes = [[k for k in present if k != IGNORED] for present in classes]
    train, evaluation, how = split_paths(paths, classes, request)
    written = {}
    nodes = {split: write(split, rows, written) for split, rows in (("train", train), ("eval", evaluation))}
    config, notes = segmenter_config(request, dataset, train, nodes)
    counts = [sum(label in classes[i] for i in evaluation) for label in range(dataset.num_classes)]
    rare = [name for name, count in zip(dataset.labels, counts) if not count]
    about = f"{len(dataset)} images, {dataset.num_classes} classes: {', '.join(dataset.labels[:12])}"
    notes = [about, how, *notes]
    if "class_1" in dataset.labels:
        notes.append("the classes are named by their values: name them with --labels, in this order")
    if rare:
        notes.append(f"the evaluation split has no pixel of: {', '.join(rare)}")
    return Prepared(written, config, notes, f"--image {quote(dataset.paths()[evaluation[0]])}")


def segmenter_config(request, dataset, train, nodes):
    """The configuration of a narrow U-Net (list of lines), and what was chosen (list of lines)."""
    sizes = [image_size(path) for path in dataset.paths()]
    sides = np.array([(height, width) if turned else (width, height) for width, height, turned in sizes])
    longest = int(np.median(sides.max(1)))
    resize = [f"{{type: ResizeLong, size: {LONGEST}}}"] if longest > LONGEST else []
    short = np.median(sides.min(1)) * min(1.0, LONGEST / longest)
    crop = int(np.clip(32 * (short // 32), 64, CROP))
    batch = 4 if len(train) < 100 else 8
    epochs, updates = plan_epochs(len(train), batch, UPDATES, 200), max(1, len(train) // batch)
    lines = frame_lines(request, "PaddleCV", f"A narrow U-Net for the {len(dataset)} images of {request.source}.")
    lines += [f"size: [{crop}, {crop}]", f"mean: {MEAN}", f"std: {STD}", "", "model:", "  type: Segmentor"]
    lines += ["  backbone: {type: UNetEncoder, width: 0.125}", "  head: {type: UNetHead}"]
    lines += ["  loss: {type: WeightedLosses, losses: [{type: PixelCrossEntropy}, {type: DiceLoss}]}", "", "data:"]
    augment = ["{type: RandomScale, scale: [0.75, 1.5]}"]
    augment += ['{type: RandomCropToSize, size: "${size}", fill: [123.7, 116.3, 103.5]}']
    augment += ["{type: RandomFlip}"] if can_flip(dataset.labels) else []
    for split, extra in (("train", [*augment, "{type: RandomDistort}"]), ("eval", [])):
        lines += [*node_lines(split, nodes[split])]
        lines += transform_lines(["{type: Decode}", *resize, *extra, NORMALIZE])
    warm_up = max(1, min(50, epochs * updates // 20))
    lines += ["  metric: {type: MeanIoU}", "", "optimizer:", "  type: Adam", "  weight_decay: 1e-4"]
    lines += [f"  lr: {{type: CosineDecay, base: 2e-3, warmup_steps: {warm_up}}}", ""]
    same = len(np.unique(sides, axis=0)) == 1
    lines += [*schedule_lines(epochs, batch, epochs * updates, 0.99), f"eval: {{batch_size: {4 if same else 1}}}"]
    how = f"their longer side resized to {LONGEST}, " if resize else ""
    return lines, [f"images in crops of {crop} x {crop}, {how}{epochs} epochs of {updates} updates"]
