"""Creates the detection dataset of the demo: handwritten digits on photographs, as COCO, VOC, WIDER and Open Images.

python PaddleCV/tools/make_digits.py --out dataset/digits --train 600 --eval 100 --size 192 --seed 0
"""

import importlib
import json
import os
import pathlib
import shutil
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402

LABELS = [str(digit) for digit in range(10)]
BOX_COLUMNS = (
    *("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"),
    *("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"),
)
SETTINGS = "made_with.json"  # written last: a folder that has it is complete
XML = """<annotation>
  <folder>JPEGImages</folder>
  <filename>{name}.jpg</filename>
  <size><width>{size}</width><height>{size}</height><depth>3</depth></size>
{objects}</annotation>
"""
OBJECT = """  <object>
    <name>{label}</name>
    <difficult>0</difficult>
    <bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>
  </object>
"""


def make_digits(out, train=600, evaluation=100, size=192, seed=0, force=False):
    """Writes the dataset to a temporary folder next to `out` and renames it; a dataset of the same settings is kept.

    `out` gets `JPEGImages/`, `annotations/{train,eval}.json` (COCO), `Annotations/*.xml` (VOC),
    `ImageSets/Main/{train,eval}.txt`, `label_list.txt`, `{train,eval}_bbx_gt.txt` (WIDER FACE, one class), and as Open
    Images `{train,eval}-annotations-bbox.csv`, `class-descriptions.csv` and `hierarchy.json`, digits below even or odd.

    Args:
        out (str | Path): output folder.
        train (int): number of training images.
        evaluation (int): number of evaluation images.
        size (int): side of an image in pixels.
        seed (int): random seed; the same seed gives the same files.
        force (bool): whether to replace an existing folder.

    Returns:
        bool: whether anything was written.

    Raises:
        ConfigError: a number is out of range, or `out` has other content and `force` is not given.
    """
    out = pathlib.Path(out)
    settings = {"train": train, "eval": evaluation, "size": size, "seed": seed, "version": 3}
    for name, value, least in (("train", train, 1), ("eval", evaluation, 1), ("size", size, 96), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"--{name} is {value}; it must be at least {least}")
    if not force and out.exists():
        if settings_of(out) == settings:
            return False
        if not out.is_dir() or any(out.iterdir()):
            raise ConfigError(f"{out} exists with other content; remove it, or replace it with --force")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        write_set(temporary, settings)
        replace_folder(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def settings_of(folder):
    """The settings of a complete dataset; None if the folder has none."""
    try:
        return json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def replace_folder(new, old):
    """Renames `new` to `old`, replacing it if it exists."""
    aside = old.with_name(f"{old.name}.old-{os.getpid()}")
    old.parent.mkdir(parents=True, exist_ok=True)
    if old.is_dir():
        old.rename(aside)
    elif old.exists():
        raise ConfigError(f"{old} is a file; give --out a folder")
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)


def write_set(folder, settings):
    """Writes both splits, then the settings."""
    digits = importlib.import_module(f"{KIT.name}.data.digits")
    for name in ("JPEGImages", "annotations", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    scenes = digits.DigitScenes(settings["size"], settings["seed"])
    for split in digits.SPLITS:
        write_split(folder, split, settings[split], scenes)
    (folder / "label_list.txt").write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8")
    write_classes(folder)
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", encoding="utf-8")


def write_split(folder, split, count, scenes):
    """Writes the images of a split, an XML file for each, its list, its JSON file and its file in WIDER's format."""
    import cv2

    images, annotations, names, wider, rows = [], [], [], "", [",".join(BOX_COLUMNS)]
    for index in range(count):
        image, boxes, digits = scenes.draw(split, index)
        name = f"{split}_{index:05d}"
        names.append(name)
        coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        (folder / "JPEGImages" / f"{name}.jpg").write_bytes(coded.tobytes())
        images.append({"id": index + 1, "file_name": f"{name}.jpg", "width": scenes.size, "height": scenes.size})
        objects = ""
        for (x1, y1, x2, y2), digit in zip(boxes.tolist(), digits.tolist()):
            box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
            box["segmentation"] = [octagon(x1, y1, x2, y2)]
            ids = {"id": len(annotations) + 1, "image_id": index + 1, "category_id": digit + 1}
            annotations.append({**ids, **box})
            objects += OBJECT.format(label=LABELS[digit], x1=x1 + 1, y1=y1 + 1, x2=x2, y2=y2)
            rows.append(box_row(name, digit, (x1, y1, x2, y2), scenes.size))
        wider += wider_entry(f"{name}.jpg", boxes.tolist())
        text = XML.format(name=name, size=scenes.size, objects=objects)
        (folder / "Annotations" / f"{name}.xml").write_text(text, encoding="utf-8")
    categories = [{"id": digit + 1, "name": label} for digit, label in enumerate(LABELS)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations" / f"{split}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "ImageSets/Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    (folder / f"{split}_bbx_gt.txt").write_text(wider, encoding="utf-8")
    (folder / f"{split}-annotations-bbox.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def box_row(name, digit, box, size):
    """A row of BOX_COLUMNS."""
    x1, y1, x2, y2 = (f"{side / size:.6f}" for side in box)
    return f"{name},made,/m/{LABELS[digit]},1,{x1},{x2},{y1},{y2},0,0,0,0,0"


def write_classes(folder):
    """Writes the names of the classes of Open Images, and their hierarchy."""
    names = {"/m/even": "even", "/m/odd": "odd"} | {f"/m/{label}": label for label in LABELS}
    lines = "".join(f"{code},{name}\n" for code, name in names.items())
    (folder / "class-descriptions.csv").write_text(lines, encoding="utf-8")
    halves = [
        {"LabelName": code, "Subcategory": [{"LabelName": f"/m/{label}"} for label in LABELS[first::2]]}
        for first, code in enumerate(("/m/even", "/m/odd"))
    ]
    text = json.dumps({"LabelName": "/m/entity", "Subcategory": halves})
    (folder / "hierarchy.json").write_text(text + "\n", encoding="utf-8")


def wider_entry(name, boxes):
    """The lines of an image in a text file of WIDER FACE: its path, the number of boxes, a line for each."""
    lines = [f"{x1} {y1} {x2 - x1} {y2 - y1} 0 0 0 0 0 0\n" for x1, y1, x2, y2 in boxes]
    return f"{name}\n{len(boxes)}\n" + "".join(lines or ["0 0 0 0 0 0 0 0 0 0\n"])


def octagon(x1, y1, x2, y2):
    """The polygon of a box whose corners are cut off, x and y of each point."""
    x, y = (x2 - x1) / 4, (y2 - y1) / 4
    return [x1 + x, y1, x2 - x, y1, x2, y1 + y, x2, y2 - y, x2 - x, y2, x1 + x, y2, x1, y2 - y, x1, y1 + y]


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_digits.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_digits.py --out dataset/digits --train 600 --eval 100",
    )
    options.add_made_set("dataset/digits", 600, 100, 192)
    options.add_argument("--force", action="store_true", help="replace an existing folder")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    written = make_digits(args.out, args.train, args.eval, args.size, args.seed, args.force)
    done = "written" if written else "already exists"
    logger.info("%s %s: %d + %d images of %d pixels", args.out, done, args.train, args.eval, args.size)


if __name__ == "__main__":
    main()
