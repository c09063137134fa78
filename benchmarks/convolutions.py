"""Benchmark of oneDNN convolutions (common/layers/fast_conv.py) against PaddlePaddle's, in CPU seconds.

    layers        one convolution of a batch of 4, forward and backward
    evaluation    a batch of 8 images of 224 x 224 through a network, without gradients

Both sides run alternately in this process.
"""

import argparse
import sys

import measure

sys.path.insert(0, str(measure.REPOSITORY))

from common.system import runtime

runtime.prepare()

import paddle  # noqa: E402
from paddle.nn import functional as F  # noqa: E402

from common.build.model import build_model  # noqa: E402
from common.config import load_config  # noqa: E402
from common.layers import fused_conv  # noqa: E402

LAYERS = {  # channels in, channels out, kernel, pixels a side, groups
    "3x3, 64 -> 64, 160 x 160": (64, 64, 3, 160, 1),
    "3x3, 512 -> 1024, 10 x 10": (512, 1024, 3, 10, 1),
    "depthwise 3x3, 672, 20 x 20": (672, 672, 3, 20, 672),
    "depthwise 5x5, 120, 40 x 40": (120, 120, 5, 40, 120),
    "1x1, 256 -> 512, 40 x 40": (256, 512, 1, 40, 1),
    "1x1, 1024 -> 512, 10 x 10": (1024, 512, 1, 10, 1),
}
NETWORKS = ("resnet50", "mobilenet_v1", "mobilenet_v3_small_x1_0", "efficientnet_b0")


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15, help="times a layer (15)")
    parser.add_argument("--rounds", type=int, default=5, help="times a network (5)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    args = parser.parse_args()
    results = compare_layers(args.repeat) | compare_networks(args.rounds)
    measure.finish(results, args.json)


def compare_layers(repeat):
    """One convolution after another, forward and backward."""
    rows, results = [], {}
    for name, (channels, out, kernel, side, groups) in LAYERS.items():
        x, weight = paddle.rand([4, channels, side, side]), paddle.rand([out, channels // groups, kernel, kernel])
        x.stop_gradient = weight.stop_gradient = False
        ways = {
            "framework": lambda x=x, w=weight, p=kernel // 2, g=groups: F.conv2d(x, w, None, 1, p, 1, g),
            "oneDNN": lambda x=x, w=weight, p=kernel // 2, g=groups: fused_conv.conv2d(x, w, 1, (p,) * 4, g),
        }
        gradient = paddle.rand([4, out, side, side])
        forward, backward = ({way: measure.Stopwatch() for way in ways} for _ in range(2))
        for _ in range(repeat + 2):
            for way, convolve in ways.items():
                forward[way].start()
                y = convolve()
                forward[way].lap()
                backward[way].start()
                y.backward(gradient)
                backward[way].lap()
                x.clear_gradient()
                weight.clear_gradient()
        row = [1000 * measure.median(part[way].cpu[2:]) for part in (forward, backward) for way in ways]
        rows.append([name, *row])
        results[f"{name}: oneDNN / framework, CPU"] = ((row[1] + row[3]) / (row[0] + row[2]), "<=", 1.0)
    measure.table("A convolution: CPU ms", ["", "forward", "oneDNN", "backward", "oneDNN"], rows)
    return results


def compare_networks(rounds):
    """Networks in evaluation."""
    rows, results = [], {}
    labels = [str(number) for number in range(1000)]
    for name in NETWORKS:
        path, images = f"PaddleCV/configs/{name}.yml", paddle.rand([8, 3, 224, 224])
        models = {
            way: build_model(load_config(path, [f"onednn={on}"]), labels)
            for way, on in {"framework": "false", "oneDNN": "true"}.items()
        }
        watches = {way: measure.Stopwatch() for way in models}
        for _ in range(rounds + 1):
            for way, watch in watches.items():
                models[way].eval()
                with paddle.no_grad():
                    watch.start()
                    models[way].predict(images).numpy()
                    watch.lap()
        framework, fast = (measure.median(watch.cpu[1:]) for watch in watches.values())
        rows.append([name, framework, fast])
        results[f"{name}, evaluation: oneDNN / framework, CPU"] = (fast / framework, "<=", 1.0)
    measure.table("Evaluation of 8 images: CPU seconds", ["", "framework", "oneDNN"], rows)
    return results


if __name__ == "__main__":
    main()
