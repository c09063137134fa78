"""Our classifiers against those of torchvision and timm with the same weights, on random input (`make parity`).

torch runs in a process and an environment of its own (requirements.txt beside this file; KIT_TORCH_PYTHON names its
Python). Its state dictionary goes through `tools/convert.py`, and both networks answer the same image. They agree
when no logit differs by more than 1e-4 of the largest. Nothing is downloaded: the weights are random.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import measure  # noqa: E402

LIMIT = 1e-4
# configuration: whose network, which
ROWS = {
    "alexnet": ("torchvision", "alexnet"),
    "vgg19": ("torchvision", "vgg19"),
    "resnet18": ("torchvision", "resnet18"),
    "resnet50": ("torchvision", "resnet50"),
    "resnet50_vd": ("timm", "resnet50d"),
    "resnext50_32x4d": ("torchvision", "resnext50_32x4d"),
    "se_resnext50_32x4d": ("timm", "seresnext50_32x4d"),
    "mobilenet_v2": ("torchvision", "mobilenet_v2"),
    "mobilenet_v3_small_x1_0": ("torchvision", "mobilenet_v3_small"),
    "mobilenet_v3_large_x1_0": ("torchvision", "mobilenet_v3_large"),
    "shufflenet_v2_x1_0": ("torchvision", "shufflenet_v2_x1_0"),
    "squeezenet1_1": ("torchvision", "squeezenet1_1"),
    "densenet161": ("torchvision", "densenet161"),
    "efficientnet_b0": ("timm", "tf_efficientnet_b0"),
    "inceptionv4": ("timm", "inception_v4"),
    "xception71_deeplab": ("timm", "xception71"),
    "dpn107": ("timm", "dpn107"),
    "darknet53": ("timm", "darknet53"),
}
SIZES = {"inceptionv4": 299, "xception71_deeplab": 299, "darknet53": 256}
CONVERTED = {
    "resnet18": "the first shortcut, a convolution in ours, is converted as an identity",
    "mobilenet_v2": "the first 1x1 convolution of ours, which torchvision lacks, is converted as an identity",
    "dpn107": "the epsilon, 1e-3 in timm and 1e-5 in ours, is added to the variances",
}
NOT_COMPARED = {
    "googlenet": "torchvision's has normalisation, 3x3 for 5x5 kernels, ReLU after every convolution, other pooling",
    "xception71": "the network without DeepLab's changes is in neither torchvision nor timm",
}


def main():
    """Compares the networks; exits with 1 where one disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ROWS, action="append", help="one of them; default all")
    parser.add_argument("--size", type=int, help="side of the image; default that of the network")
    args = parser.parse_args()
    torch = measure.torch_python()
    if not torch:
        sys.exit("torch is not here: make parity installs it, or name a Python that has it in KIT_TORCH_PYTHON")
    rows = []
    for name in args.only or ROWS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compare(name, Path(folder), torch, args.size or SIZES.get(name, 224)))
        say(rows[-1])
    if not args.only:
        for name, reason in NOT_COMPARED.items():
            sys.stdout.write(f"{name}: not compared with torch, but with PaddleClas (paddleclas_parity.py): {reason}\n")
    wrong = [row["name"] for row in rows if not row["difference"] <= LIMIT]
    sys.stdout.write(f"{len(rows) - len(wrong)} of {len(rows)} agree within {LIMIT:g} of the largest logit\n")
    if wrong:
        sys.exit(f"disagree: {', '.join(wrong)}")


def say(row):
    """Prints what was compared, and under it what was changed to have the same definition."""
    word = "agrees  " if row["difference"] <= LIMIT else "DISAGREES"
    sys.stdout.write(f"{word} {row['difference']:.1e}  {row['name']} = {row['other']}\n")
    for change in row["changes"]:
        sys.stdout.write(f"{'':19}{change}\n")
    sys.stdout.flush()


def compare(name, folder, torch, size):
    """One line of the table (dict): name, other, changes, and the greatest difference, the largest logit being 1."""
    source, other = ROWS[name]
    command = [torch, str(HERE / "torch_side.py"), name, str(folder), "--size", str(size)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    changes = [f"{other}: {change[0].lower()}{change[1:]}" for change in json.loads(done.stdout.splitlines()[-1])]
    changes += [CONVERTED[name]] if name in CONVERTED else []
    difference = answer_again(name, source, folder)
    return {"name": name, "other": f"{source} {other}", "changes": changes, "difference": difference}


def answer_again(name, source, folder):
    """Converts the weights, and runs our network on the same image; the greatest difference."""
    from common.system import runtime

    runtime.prepare()
    import numpy as np
    import paddle

    from common.commands import convert
    from common.config import load_config
    from common.weights import checkpoint, pretrained

    weights = folder / "weights.safetensors"
    words = ["-c", f"configs/{name}.yml", "--source", source, str(folder / "state.pth"), "--out", str(weights)]
    with contextlib.redirect_stdout(io.StringIO()):
        convert.run_convert(convert.parser().parse_args(words))
    config = load_config(f"configs/{name}.yml")
    model = config.build("model", labels=[str(number) for number in range(1000)], num_classes=1000)
    pretrained.load_arrays(model, checkpoint.read_weights(weights), str(weights), strict=True)
    model.eval()
    wanted = np.load(folder / "output.npy")
    with paddle.no_grad():
        found = model.predict(paddle.to_tensor(np.load(folder / "input.npy"))).numpy()
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


if __name__ == "__main__":
    main()
