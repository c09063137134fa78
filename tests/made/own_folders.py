"""Folders of annotated images as labeling programs leave them, made of the demonstration set of digits."""

import importlib.util
import json
import shutil
from pathlib import Path

from common.config.kits import ROOT

FORMATS = ("yolo", "labelme", "voc", "coco", "csv")


def own_folder(kind, place, images=30, size=96):
    """Writes `place / kind`, a folder of digits with the annotations of one format, and returns it."""
    digits = place / f"digits_{images}"
    if not digits.exists():
        spec = importlib.util.spec_from_file_location("digits_of_folders", ROOT / "PaddleCV/tools/make_digits.py")
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        tool.make_digits(digits, images, 1, size)
    content = json.loads((digits / "annotations/train.json").read_text())
    names = [category["name"] for category in content["categories"]]
    folder, lines = place / kind, ["image,x1,y1,x2,y2,label"]
    beside = {"yolo": folder / "images", "coco": folder / "photos"}.get(kind, folder)
    beside.mkdir(parents=True)
    (folder / "labels").mkdir() if kind == "yolo" else None
    for image in content["images"]:
        boxes = [box for box in content["annotations"] if box["image_id"] == image["id"]]
        file = Path(image["file_name"])
        shutil.copy(digits / "JPEGImages" / file, beside)
        found = [(names[box["category_id"] - 1], *box["bbox"]) for box in boxes]
        if kind == "yolo":
            rows = [
                (names.index(n), (x + w / 2) / size, (y + h / 2) / size, w / size, h / size) for n, x, y, w, h in found
            ]
            text = "".join(f"{' '.join(map(str, row))}\n" for row in rows)
            (folder / "labels" / file.with_suffix(".txt")).write_text(text)
        elif kind == "labelme":
            shapes = [rectangle(name, x, y, x + w, y + h) for name, x, y, w, h in found]
            about = {"shapes": shapes, "imagePath": file.name, "imageWidth": size, "imageHeight": size}
            (folder / file.with_suffix(".json")).write_text(json.dumps(about))
        elif kind == "voc":
            shutil.copy(digits / "Annotations" / file.with_suffix(".xml"), folder)
        lines += [f"{file.name},{x},{y},{x + w},{y + h},{name}" for name, x, y, w, h in found]
    if kind == "yolo":
        (folder / "data.yaml").write_text(f"train: images\nval: images\nnames: {json.dumps(names)}\n")
    elif kind == "coco":
        (folder / "annotations.json").write_text(json.dumps(content))
    elif kind == "csv":
        (folder / "boxes.csv").write_text("\n".join(lines) + "\n")
    return folder


def rectangle(name, x1, y1, x2, y2):
    """A shape of labelme."""
    return {"label": name, "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle", "group_id": None}
