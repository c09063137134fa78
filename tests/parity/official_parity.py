"""Our detectors and segmentation models against the official ones, those of PaddleDetection 2.6 and PaddleSeg 2.8.

As `paddleclas_parity.py`, in this process, with random weights that go through the renaming of `pretrained:`:

    .venv/bin/python -m pip install --no-deps paddledet==2.6.0 paddleseg==2.8.0
    .venv/bin/python tests/parity/official_parity.py

Ours has the settings that pretrained.csv names for these weights, and no others but those in RELAXED. Boxes of
one-stage detectors are compared before they are clipped to the image. Detectors agree when they find as many boxes,
each with the same class, within 0.01 pixels and 1e-4 of the score; segmentation models when no logit differs by more
than 1e-4 of the largest. Every network runs in a process of its own.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from common.system import runtime  # noqa: E402

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from common.config import load_config  # noqa: E402
from common.weights import pretrained  # noqa: E402
from common.weights.published import read_index  # noqa: E402
from PaddleCV.models.detectors import one_stage  # noqa: E402
from PaddleCV.models.foreign.official_names import OfficialNames  # noqa: E402
from tests.parity.official_kits import DETECTORS, SEGMENTORS, official_network  # noqa: E402

KIT = ROOT / "PaddleCV"
PIXELS, SCORES, LOGITS = 0.01, 1e-4, 1e-4
RELAXED = {"retinanet_r50_fpn_1x_coco": ["model.nms.top_k=-1"]}  # both then look at every box above the threshold
# standard deviations of the outputs of the last layers, so that scores and boxes differ
OUTPUTS = {
    "rpn_rois_score": 2.0,
    "rpn_rois_delta": 0.2,  # proposals below a pixel are left out before the best are taken, there after
    "bbox_score": 2.0,
    "bbox_delta": 0.5,
    "mask_fcn_logits": 2.0,
    "retina_cls": 2.0,
    "retina_reg": 0.3,
    "ssd_head.scores": 2.0,
    "ssd_head.boxes": 0.5,
    "yolo_output": 2.0,
}


def main():
    """Compares the networks; exits with 1 where one disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*DETECTORS, *SEGMENTORS]
    parser.add_argument("--only", choices=names, action="append", metavar="NAME", help="a name of pretrained.csv")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        (name,) = args.only
        agrees, words = compare(name)
        sys.stdout.write(f"{'agrees  ' if agrees else 'DISAGREES'}  {name}: {words}\n")
        sys.exit(not agrees)
    codes = {}
    for name in args.only or names:
        codes[name] = subprocess.run([sys.executable, __file__, "--here", "--only", name], stderr=subprocess.DEVNULL)
    wrong = [name for name, done in codes.items() if done.returncode]
    sys.stdout.write(f"{len(codes) - len(wrong)} of {len(codes)} agree\n")
    if wrong:
        sys.exit(f"disagree: {', '.join(wrong)}")


def compare(name):
    """Compares both; True where they agree, and the differences in words."""
    one_stage.original_boxes = lambda boxes, im_shape, scale_factor: boxes
    with_older_shapes()
    entry = read_index(KIT)[name]
    classes = len(entry.class_names())
    rng = np.random.default_rng(0)
    paddle.seed(0)
    official = official_network(name, classes)
    draw_arrays(official, rng)
    official.eval()
    size = (300, 300) if "ssd" in name else (256, 320) if name in DETECTORS else (129, 161)
    image = paddle.to_tensor(rng.normal(0, 1, (1, 3, *size)).astype(np.float32))
    if name in DETECTORS:
        scale_outputs(official)
        answer_of(official, image)
    arrays = {key: value.numpy() for key, value in official.state_dict().items()}
    config = load_config(entry.config_path(), [*entry.settings.split(), *RELAXED.get(name, [])])
    model = config.build("model", labels=entry.class_names(), num_classes=classes)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    pretrained.load_arrays(model, OfficialNames(entry.family).rename(arrays, shapes), name, strict=True)
    model.eval()
    with paddle.no_grad():
        return (compare_boxes if name in DETECTORS else compare_logits)(official, model, image)


def compare_logits(official, model, image):
    """The difference of the logits of segmentation models."""
    wanted, found = official(image)[0], model.predict(image)
    largest = float(wanted.abs().max())
    difference = float((found - wanted).abs().max()) / largest
    return difference <= LOGITS, f"{difference:.1e} of the largest logit {largest:.2g}"


def compare_boxes(official, model, image):
    """The differences of the boxes of detectors, each of theirs beside the nearest of ours, and of their masks."""
    sides = paddle.to_tensor(np.array([image.shape[2:]], "float32"))
    scale = paddle.ones_like(sides)
    ours = model(image, sides, scale)
    expected, rows = answer_of(official, image)["bbox"].numpy(), ours[0].numpy()
    words = f"{len(rows)} and {len(expected)} boxes"
    if len(rows) != len(expected) or not len(rows):
        return False, words
    apart = np.abs(rows[None] - expected[:, None]).max(axis=2)
    order = apart.argmin(axis=1)
    differences = np.abs(rows[order] - expected)
    pixels, scores = float(differences[:, 2:].max()), float(differences[:, 1].max())
    same = len(set(order.tolist())) == len(rows) and not differences[:, 0].any()
    words += f", {len(set(expected[:, 0]))} classes, pixels {pixels:.1e}, scores {scores:.1e}"
    agrees = same and pixels <= PIXELS and scores <= SCORES
    return bool(agrees), words


def with_older_shapes():
    """Joins numbers without an axis, as the versions of PaddlePaddle did that those packages are written for."""
    joined = paddle.concat
    paddle.concat = lambda x, axis=0, name=None: joined(
        [part.reshape([1]) if not part.ndim else part for part in x], axis
    )


def answer_of(official, image):
    """The answer of a detector of PaddleDetection to an image, a dict."""
    sides = paddle.to_tensor(np.array([image.shape[2:]], "float32"))
    with paddle.no_grad():
        return official({"image": image, "im_shape": sides, "scale_factor": paddle.ones_like(sides)})


def scale_outputs(network):
    """The first run of a network gives the weights of its last layers the scale that OUTPUTS asks for."""
    for name, layer in network.named_sublayers():
        wanted = next((width for part, width in OUTPUTS.items() if name.startswith(part) or f".{part}" in name), None)
        if wanted and hasattr(layer, "weight"):
            layer.register_forward_pre_hook(scaled_once(wanted))


def scaled_once(wanted):
    """A hook that, at the first input of a layer, gives its outputs this standard deviation by its weights."""
    seen = []

    def scale(layer, inputs):
        if not seen:
            seen.append(True)
            length = float((inputs[0] ** 2).mean().sqrt())
            count = layer.weight.shape[0] if layer.weight.ndim == 2 else layer.weight[0].size
            weight = layer.weight / layer.weight.std() * (wanted / (length * count**0.5))
            layer.weight.set_value(weight)

    return scale


def draw_arrays(network, rng):
    """Gives its normalisations random statistics, scales and shifts, and its layers random biases."""
    for name, value in network.state_dict().items():
        array = value.numpy()
        if name.endswith("_mean"):
            array = rng.normal(0, 0.1, array.shape)
        elif name.endswith("_variance"):
            array = rng.uniform(0.8, 1.2, array.shape)
        elif array.ndim == 1:
            array = array + rng.normal(0, 0.02, array.shape)
        value.set_value(array.astype(np.float32))


if __name__ == "__main__":
    main()
