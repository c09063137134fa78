"""Benchmark of the input of a video network in clips/s, against PyAV and torchvision.transforms.v2.

Of videos of 340 x 256 pixels and 120 frames, 8 frames at random places of 8 equal parts; a crop of random size for all
of them, resized to 224, flipped, normalized, 4 clips to a batch.  Without workers and with 2.  Both read the same files
and convert to RGB the frames alone that they take.  Every row runs in a separate process, in rounds.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import measure

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTH, HEIGHT, FRAMES, SEGMENTS, SIZE, BATCH = 340, 256, 120, 8, 224, 4


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=32, help="files (32)")
    parser.add_argument("--epochs", type=int, default=2, help="measured times through them, after one that is not (2)")
    parser.add_argument("--rounds", type=int, default=3, help="processes a row (3)")
    parser.add_argument("--workers", type=int, action="append", help="one of the numbers of workers; default 0 and 2")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.videos < BATCH:
        parser.error(f"--videos is {args.videos}; a batch takes {BATCH}")
    if args.child:
        return child(Path(args.child), args.workers[0], args.epochs)
    with tempfile.TemporaryDirectory() as folder:
        write_videos(Path(folder), args.videos)
        return measure.finish(compare(folder, args), args.json)


def compare(folder, args):
    """Measures all rows: {aim: (ratio, comparison, goal)}."""
    torch = measure.torch_python()
    rows = [(side, count) for count in args.workers or (0, 2) for side in ("ours", "PyAV and torchvision")]
    rows = [row for row in rows if torch or row[0] == "ours"]
    found = {row: {"rate": [], "cpu": []} for row in rows}
    for _ in range(args.rounds):
        for side, workers in rows:
            python, script = (sys.executable, "video.py") if side == "ours" else (torch, "torch_video.py")
            common = ("--workers", workers, "--epochs", args.epochs, "--child", folder)
            answer = measure.run_child(python, script, *common, OMP_NUM_THREADS="1")
            for name in ("rate", "cpu"):
                found[side, workers][name].append(answer[name])
    lines = [
        [f"{side}, {workers} workers", measure.median(f["rate"]), max(f["rate"]), 1000 * measure.median(f["cpu"])]
        for (side, workers), f in found.items()
    ]
    title = f"Clips of {SEGMENTS} frames, {WIDTH} x {HEIGHT} to {SIZE} x {SIZE}"
    measure.table(title, ["", "clips/s", "most", "CPU ms per clip"], lines)
    if not torch:
        print(f"  {measure.NO_TORCH}")
        return {}
    results = {}
    for workers in args.workers or (0, 2):
        ours, theirs = found["ours", workers], found["PyAV and torchvision", workers]
        ratio = measure.median(ours["rate"]) / measure.median(theirs["rate"])
        results[f"clips per second, {workers} workers: ours / PyAV and torchvision"] = (ratio, ">=", 0.9)
        ratio = measure.median(theirs["cpu"]) / measure.median(ours["cpu"])
        results[f"CPU per clip, {workers} workers: PyAV and torchvision / ours"] = (ratio, ">=", 0.9)
    return results


def write_videos(folder, count):
    """Writes videos in which a part of a photograph of scikit-image moves, deterministically."""
    import cv2
    import numpy as np
    from skimage import data

    sys.path.insert(0, str(measure.REPOSITORY))
    from PaddleCV.tools.make_actions import write_video

    rng, photograph = np.random.default_rng(0), cv2.resize(data.astronaut(), (640, 640))
    for number in range(count):
        (top, left), (down, across) = rng.integers(0, 120, 2), rng.uniform(0, 1, 2)
        steps = np.arange(FRAMES)
        places = zip((top + down * steps).astype(int), (left + across * steps).astype(int))
        frames = [photograph[y : y + HEIGHT, x : x + WIDTH] for y, x in places]
        write_video(folder / f"{number:04d}.mp4", frames, 25)


def child(folder, workers, epochs):
    """Measures one row of ours in this process and prints it as JSON."""
    sys.path.insert(0, str(measure.REPOSITORY))
    from common.data.loader import Loader
    from common.data.pipeline import Pipeline
    from common.data.samplers import EpochSampler
    from common.vision.affine import RandomFlip
    from common.vision.clips import SampleSegments
    from common.vision.color import Normalize
    from common.vision.crop import RandomResizedCrop
    from common.vision.samples import PerFrame

    dataset = [{"path": str(path), "label": 0} for path in sorted(folder.glob("*.mp4"))]
    frames = PerFrame([RandomResizedCrop(SIZE), RandomFlip(), Normalize(MEAN, STD)])
    transforms = [SampleSegments(SEGMENTS, random=True), frames]
    sampler = EpochSampler(len(dataset), BATCH, shuffle=True, seed=0, drop_last=True)
    with Loader(Videos(dataset), Pipeline(transforms), sampler, workers=workers) as loader:
        measure_epochs(lambda epoch: loader.epoch(epoch), epochs, lambda: measure_workers(loader.worker_pids))


class Videos:
    """The files of a folder as a map-style dataset.

    Args:
        samples (list[dict]): with `path`.
    """

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return dict(self.samples[index])


def measure_workers(pids):
    """CPU seconds that running processes have used so far."""
    from input_pipeline import worker_seconds

    return worker_seconds(pids)


def measure_epochs(batches_of, epochs, seconds_of_workers):
    """Goes through the data once to warm up, then `epochs` times; prints clips per second and CPU seconds of one."""
    for batch in batches_of(0):
        assert tuple(batch["clip"].shape[1:]) == (SEGMENTS, 3, SIZE, SIZE)
    began, used, count = time.perf_counter(), measure.cpu_seconds() + seconds_of_workers(), 0
    for epoch in range(1, 1 + epochs):
        for batch in batches_of(epoch):
            count += len(batch["clip"])
    cpu = measure.cpu_seconds() + seconds_of_workers() - used
    print(json.dumps({"rate": count / (time.perf_counter() - began), "cpu": cpu / count}))


if __name__ == "__main__":
    main()
