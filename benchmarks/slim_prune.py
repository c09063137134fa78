"""Benchmark of pruning to half the MACs on Fashion-MNIST: by sensitivity against uniform ratios.

python benchmarks/slim_prune.py --out output/slim_prune

Trains MobileNetV1 x0.25 once (or takes --weights), prunes it by both methods for each seed, trains each network on for
the same time, and prints the top-1 accuracy on the 10,000 test images. The seeds order the training images, on 1,024
of which the sensitivities are measured, once; no test image is looked at before the end.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from common.commands.parser import Parser  # noqa: E402

WAYS = ("sensitivity", "uniform")


def parser():
    """The argument parser of the script."""
    options = Parser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=pathlib.Path, default=pathlib.Path("output/slim_prune"), help="where to write")
    options.add_argument("--weights", help="a trained PaddleCV/configs/fashion_mobilenet_v1.yml; trained when left out")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    options.add_argument("more", nargs="*", metavar="KEY=VALUE", help="for the configuration of the pruned networks")
    return options


def run(tool, config, *overrides):
    """What a command printed."""
    words = [
        sys.executable,
        ROOT / "tools" / f"{tool}.py",
        "-c",
        ROOT / config,
        *(["--eval"] if tool == "train" else []),
    ]
    resume = ["-r", "auto"] if tool == "train" else ["--json"]
    return subprocess.run(
        [*map(str, words), *resume, "-o", *overrides], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def top1(config, weights, *overrides):
    """The accuracy of weights on the test images."""
    return json.loads(run("eval", config, f"weights={weights}", *overrides))["top1"]


def main():
    """Trains, prunes, trains on, and prints."""
    args = parser().parse_args()
    base, pruned = "PaddleCV/configs/fashion_mobilenet_v1.yml", "PaddleSlim/configs/fashion_mobilenet_v1_prune.yml"
    weights = args.weights or args.out / "fashion_mobilenet_v1/last"
    if not args.weights:
        run("train", base, f"output_dir={args.out}")
    whole = top1(base, weights)
    print(f"whole network: {whole:.4f}")
    scores = {way: [] for way in WAYS}
    for seed in args.seeds:
        for way in WAYS:
            name = f"{way}_{seed}"
            settings = [f"slim.allocate={way}", f"seed={seed}", f"pretrained={weights}", *args.more]
            measured = args.out / f"{WAYS[0]}_{args.seeds[0]}" / "sensitivity.json"  # of the same weights, once for all
            (args.out / name).mkdir(parents=True, exist_ok=True)
            if measured.is_file() and way == WAYS[0] and seed != args.seeds[0]:
                shutil.copyfile(measured, args.out / name / measured.name)
            run("train", pruned, f"output_dir={args.out}", f"name={name}", *settings)
            scores[way].append(top1(pruned, args.out / name / "last", *settings))
            print(f"seed {seed}, {way}: {scores[way][-1]:.4f}", flush=True)
    for way in WAYS:
        print(f"{way}: mean {statistics.mean(scores[way]):.4f} of {len(args.seeds)} seeds")
    better = sum(one > other for one, other in zip(*scores.values()))
    gain = statistics.mean(scores["sensitivity"]) - statistics.mean(scores["uniform"])
    print(f"sensitivity is better for {better} of {len(args.seeds)} seeds, by {100 * gain:.2f} points in the mean")


if __name__ == "__main__":
    main()
