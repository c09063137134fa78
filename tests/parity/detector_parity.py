"""Our detectors against those of torchvision with the same weights, on random input (`make parity`).

As `torch_parity.py`: torch runs in a process of its own, its state dictionary goes through `tools/convert.py`, and both
detectors answer the same image. They agree when they find as many boxes, each with the same class, within 0.01 pixels
and 1e-4 of the score, and masks of boxes differ by no more than 1e-4.
"""

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import measure  # noqa: E402

PIXELS, SCORES = 0.01, 1e-4
TWO_STAGES = ["model.rpn.anchors.offset=0", "model.rpn.anchors.rounding=edges", "model.rpn.proposals.min_size=0.001"]
ANCHORS = [[32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812]]
# configuration: (detector of torchvision, what makes our definition theirs)
ROWS = {
    "faster_rcnn_fpn": ("fasterrcnn_resnet50_fpn", TWO_STAGES),
    "mask_rcnn_fpn": ("maskrcnn_resnet50_fpn", TWO_STAGES),
    "retinanet": (
        "retinanet_resnet50_fpn",
        [
            "model.neck.extra=conv_output",
            f"model.head.anchors.sizes={ANCHORS}",
            "model.head.anchors.offset=0",
            "model.head.anchors.rounding=edges",
            "model.nms.top_k=-1",
        ],
    ),
    "ssd_vgg16_300": (
        "ssd300_vgg16",
        [
            "model.head.priors.min_sizes=[21, 45, 99, 153, 207, 261]",
            "model.head.priors.max_sizes=[45, 99, 153, 207, 261, 315]",
            "model.head.priors.limit=300",
        ],
    ),
}


def main():
    """Compares the detectors; exits with 1 where one disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ROWS, action="append", help="one of them; default all")
    args = parser.parse_args()
    torch = measure.torch_python()
    if not torch:
        sys.exit("torch is not here: make parity installs it, or name a Python that has it in KIT_TORCH_PYTHON")
    wrong = []
    for name in args.only or ROWS:
        other, changes = ROWS[name]
        with tempfile.TemporaryDirectory() as folder:
            difference = compare(name, Path(folder), torch, changes)
        word = "agrees  " if difference["agrees"] else "DISAGREES"
        numbers = ", ".join(f"{key} {value}" for key, value in difference.items() if key != "agrees")
        sys.stdout.write(f"{word}  {name} = torchvision {other}: {numbers}\n")
        sys.stdout.flush()
        wrong += [] if difference["agrees"] else [name]
    if wrong:
        sys.exit(f"disagree: {', '.join(wrong)}")


def compare(name, folder, torch, changes):
    """The number of boxes of both, and the largest differences (dict)."""
    command = [torch, str(HERE / "torch_detectors.py"), name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    import numpy as np

    (rows, *masks), theirs = answer_again(name, folder, changes), np.load(folder / "output.npz")
    expected = np.column_stack([theirs["labels"], theirs["scores"], theirs["boxes"]])
    found = {"agrees": False, "boxes": f"{len(rows)} and {len(expected)}"}
    if len(rows) != len(expected) or not len(rows):
        return found
    # each of theirs beside the nearest of ours
    apart = np.abs(rows[None] - expected[:, None]).max(axis=2)
    nearest = rows[apart.argmin(axis=1)]
    pixels, scores = (float(np.abs(nearest - expected)[:, part].max()) for part in (slice(2, 6), 1))
    same = len(set(apart.argmin(axis=1).tolist())) == len(rows) and np.array_equal(nearest[:, 0], expected[:, 0])
    found["agrees"] = bool(same and pixels <= PIXELS and scores <= SCORES)
    found |= {"pixels": f"{pixels:.1e}", "scores": f"{scores:.1e}"}
    if masks:
        difference = float(np.abs(masks[0][apart.argmin(axis=1)] - theirs["masks"]).max())
        found["agrees"] &= difference <= SCORES
        found["masks"] = f"{difference:.1e}"
    return found


def answer_again(name, folder, changes):
    """Converts the weights, and runs our detector on the same image.

    Returns:
        list[ndarray]: its rows (label, score, x1, y1, x2, y2), and the masks of the boxes where it has them.
    """
    from common.system import runtime

    runtime.prepare()
    import numpy as np
    import paddle

    from common.commands import convert
    from common.config import load_config
    from common.weights import checkpoint, pretrained

    weights = folder / "weights.safetensors"
    words = ["-c", f"configs/{name}.yml", "--source", "torchvision", str(folder / "state.pth"), "--out", str(weights)]
    with contextlib.redirect_stdout(io.StringIO()):
        convert.run_convert(convert.parser().parse_args([*words, "-o", *changes]))
    config = load_config(f"configs/{name}.yml", changes)
    arrays = checkpoint.read_weights(weights)
    classes = 81 if name == "retinanet" else 80
    model = config.build("model", labels=[str(number) for number in range(classes)], num_classes=classes)
    pretrained.load_arrays(model, arrays, str(weights), strict=True)
    model.eval()
    image = np.load(folder / "input.npy")
    sides = np.array([image.shape[2:]], "float32")
    with paddle.no_grad():
        rows, _, *masks = model(*map(paddle.to_tensor, (image, sides, np.ones_like(sides))))
    return [output.numpy() for output in (rows, *masks)]


if __name__ == "__main__":
    main()
