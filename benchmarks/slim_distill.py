"""Benchmark of knowledge distillation on Fashion-MNIST: a small student alone and with its teacher, from equal seeds.

    python benchmarks/slim_distill.py --teacher output/fashion_mobilenet_v1/best [--seeds 3] [--json FILE]

Teacher: PaddleCV/configs/fashion_mobilenet_v1.yml (x0.25), trained on all 60,000 images. Student: x0.125, trained on
the first 5,000 of them, scored on the 10,000 test images after its last epoch. Each run is the ordinary command.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

FILES = {"train-images-idx3-ubyte.gz": 28 * 28, "train-labels-idx1-ubyte.gz": 1}
WAYS = {
    "alone": ("mobilenet_v1_distill", ["slim=null"]),
    "soft labels": ("mobilenet_v1_distill", []),
    "soft labels, L2, FSP": ("mobilenet_v1_feature_distill", []),
}


def shorten(source, folder, count):
    """Writes the first images of the training set and their classes to a folder, in the same format."""
    for name, size in FILES.items():
        content = gzip.decompress((source / name).read_bytes())
        header = 4 + 4 * content[3]
        short = content[:4] + count.to_bytes(4, "big") + content[8:header]
        short += content[header : header + count * size]
        (folder / name).write_bytes(gzip.compress(short, 1))


def accuracy(way, seed, teacher, data, folder, epochs):
    """The accuracy of one run on the test images."""
    name, more = WAYS[way]
    run = f"{way.replace(' ', '_').replace(',', '')}_{seed}"
    words = [f"output_dir={folder}", f"name={run}", f"seed={seed}", f"data.train.root={data}", "train.workers=0"]
    words += [f"train.epochs={epochs}", "train.eval_every=0", "train.save_every=0", "train.keep=1"]
    words += more or [f"slim.teacher.weights={teacher}"]
    config = f"PaddleSlim/configs/{name}.yml"
    command = [sys.executable, "tools/train.py", "-c", config, "--eval", "--overwrite", "--no-check", "-o", *words]
    done = subprocess.run(command, cwd=measure.REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    lines = (folder / run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["top1"] for line in lines if json.loads(line)["kind"] == "eval"][-1]


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", type=Path, default=Path("output/fashion_mobilenet_v1/best"))
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["alone", "soft labels"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    scores = {way: [] for way in args.ways}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shorten(args.data, folder, args.images)
        for seed in range(args.seeds):
            for way, found in scores.items():
                found.append(accuracy(way, seed, args.teacher.resolve(), folder, folder / "runs", args.epochs))
                print(f"  seed {seed}  {way:<22} {100 * found[-1]:.2f}", flush=True)
    alone = scores[args.ways[0]]
    rows = []
    for way, found in scores.items():
        gains = [100 * (a - b) for a, b in zip(found, alone)]
        rows.append(
            [way, f"{100 * statistics.mean(found):.2f}", f"{statistics.mean(gains):+.2f}", f"{min(gains):+.2f}"]
        )
    measure.table(
        f"Fashion-MNIST, student x0.125 on {args.images} images, {args.epochs} epochs, {args.seeds} seeds",
        ["training", "accuracy", "gain (points)", "least gain"],
        rows,
    )
    print(f"CPU seconds: {measure.cpu_seconds():.0f}")
    if args.json:
        args.json.write_text(json.dumps(scores), encoding="utf-8")


if __name__ == "__main__":
    main()
