"""Benchmark of the training input pipelines in images/s, against the same operations of torchvision.transforms.v2.

    detection        decode a JPEG of 640 x 480 with 8 boxes, distort its colors, expand, crop by IoU, flip, resize to
                     416, normalize, stack 8 to a batch
    classification   decode the same, crop a part of random area and shape and resize it to 224, flip, normalize, stack

Without workers and with 2. Both read the same files.
Every row runs in a separate process, in rounds.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import measure

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILL = (124, 116, 104)
WIDTH, HEIGHT, OBJECTS, BATCH = 640, 480, 8, 8
SIZES = {"detection": 416, "classification": 224}
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png")


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=256, help="files (256)")
    parser.add_argument("--epochs", type=int, default=2, help="measured times through them, after one that is not (2)")
    parser.add_argument("--rounds", type=int, default=3, help="processes a row (3)")
    parser.add_argument("--workers", type=int, action="append", help="one of the numbers of workers; default 0 and 2")
    parser.add_argument("--task", choices=SIZES, action="append", help="one of them; default both")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(Path(args.child), args.task[0], args.workers[0], args.epochs)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), args.images)
        for task in args.task or SIZES:
            results |= compare(folder, task, args)
    return measure.finish(results, args.json)


def compare(folder, task, args):
    """Measures all rows of one task: {aim: (ratio, comparison, goal)}."""
    torch = measure.torch_python()
    rows = [(side, count) for count in args.workers or (0, 2) for side in ("ours", "torchvision")]
    rows = [row for row in rows if torch or row[0] == "ours"]
    found = {row: {"rate": [], "cpu": []} for row in rows}
    for _ in range(args.rounds):
        for side, workers in rows:
            common = ("--task", task, "--workers", workers, "--epochs", args.epochs, "--child", folder)
            python, script = (sys.executable, "input_pipeline.py") if side == "ours" else (torch, "torch_pipeline.py")
            passive = {"OMP_WAIT_POLICY": "passive"}  # threads that wait use no CPU
            answer = measure.run_child(python, script, *common, **passive)
            for name in ("rate", "cpu"):
                found[side, workers][name].append(answer[name])
    lines = [
        [f"{side}, {workers} workers", measure.median(f["rate"]), max(f["rate"]), 1000 * measure.median(f["cpu"])]
        for (side, workers), f in found.items()
    ]
    title = f"Pipeline of {task}, {WIDTH} x {HEIGHT} to {SIZES[task]} x {SIZES[task]}"
    measure.table(title, ["", "images/s", "most", "CPU ms per image"], lines)
    if not torch:
        print(f"  {measure.NO_TORCH}")
        return {}
    results = {}
    for workers in args.workers or (0, 2):
        ours, theirs = found["ours", workers], found["torchvision", workers]
        ratio = measure.median(ours["rate"]) / measure.median(theirs["rate"])
        results[f"{task}, images per second, {workers} workers: ours / torchvision"] = (ratio, ">=", 1.5)
        ratio = measure.median(theirs["cpu"]) / measure.median(ours["cpu"])
        results[f"{task}, CPU per image, {workers} workers: torchvision / ours"] = (ratio, ">=", 1.5)
    return results


def write_images(folder, count):
    """Crops JPEGs from the photographs of scikit-image, with boxes, deterministically."""
    import importlib.util

    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    source = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    photographs = [cv2.imread(str(source / name)) for name in PHOTOGRAPHS]
    boxes = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        height, width = photograph.shape[:2]
        part = int(min(height, width * 3 / 4) * rng.uniform(0.6, 1))
        top, left = rng.integers(height - part + 1), rng.integers(width - part * 4 // 3 + 1)
        image = cv2.resize(photograph[top : top + part, left : left + part * 4 // 3], (WIDTH, HEIGHT))
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        corner = rng.uniform(0, (WIDTH * 0.7, HEIGHT * 0.7), (OBJECTS, 2))
        boxes.append(np.concatenate([corner, corner + rng.uniform(30, (WIDTH * 0.3, HEIGHT * 0.3), (OBJECTS, 2))], 1))
    np.save(folder / "boxes.npy", np.array(boxes, np.float32))


class Images:
    """The files and boxes of a folder as a map-style dataset.

    Args:
        folder (Path): as `write_images` left it.
        task (str): detection, or classification, of which an image has a label instead of boxes.
    """

    padding = {"boxes": 0, "labels": -1}

    def __init__(self, folder, task):
        import numpy as np

        self.task = task
        self.paths = sorted(str(path) for path in folder.glob("*.jpg"))
        self.boxes, self.labels_of_one = np.load(folder / "boxes.npy"), np.arange(OBJECTS)
        self.labels, self.num_classes = [str(number) for number in range(OBJECTS)], OBJECTS

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        if self.task == "classification":
            return {"path": self.paths[index], "label": index % OBJECTS}
        return {"path": self.paths[index], "boxes": self.boxes[index], "labels": self.labels_of_one}


def child(folder, task, workers, epochs):
    """Measures one row of ours in this process and prints it as JSON."""
    sys.path.insert(0, str(measure.REPOSITORY))
    from common.data.loader import Loader
    from common.data.pipeline import Pipeline
    from common.data.samplers import EpochSampler
    from common.vision.affine import RandomExpand, RandomFlip
    from common.vision.color import Normalize, RandomDistort
    from common.vision.crop import RandomCrop, RandomResizedCrop
    from common.vision.decode import Decode
    from common.vision.resize import Resize

    dataset, size = Images(folder, task), SIZES[task]
    transforms = {
        "detection": [RandomDistort(), RandomExpand(fill=FILL), RandomCrop(), RandomFlip(), Resize(size)],
        "classification": [RandomResizedCrop(size), RandomFlip()],
    }
    transforms = [Decode(), *transforms[task], Normalize(MEAN, STD)]
    sampler = EpochSampler(len(dataset), BATCH, shuffle=True, seed=0, drop_last=True)
    with Loader(dataset, Pipeline(transforms), sampler, workers=workers) as loader:
        measure_epochs(lambda epoch: loader.epoch(epoch), size, epochs, lambda: worker_seconds(loader.worker_pids))


def measure_epochs(batches_of, size, epochs, seconds_of_workers):
    """Goes through the data once to warm up, then `epochs` times; prints images per second and CPU seconds of one."""
    import time

    for batch in batches_of(0):
        assert batch["image"].shape[1:] == (3, size, size)
    began, used, count = time.perf_counter(), measure.cpu_seconds() + seconds_of_workers(), 0
    for epoch in range(1, 1 + epochs):
        for batch in batches_of(epoch):
            count += len(batch["image"])
    cpu = measure.cpu_seconds() + seconds_of_workers() - used
    print(json.dumps({"rate": count / (time.perf_counter() - began), "cpu": cpu / count}))


def worker_seconds(pids):
    """CPU seconds that running processes have used so far."""
    import os

    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
