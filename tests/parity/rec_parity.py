"""Compares models of PaddleRec, by copied weights, with what others published; their programs run in another process.

    python -m venv other && other/bin/pip install torch && other/bin/pip install --no-deps deepctr-torch==0.2.9
    pip download --no-deps recbole==1.2.1
    python tests/parity/rec_parity.py --python other/bin/python --recbole recbole-1.2.1-py3-none-any.whl

Prints the largest difference of each model's outputs, and of the ranking scores from recbole's; ends with 1 if one is
above 1e-5.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from common.system import runtime  # noqa: E402

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from PaddleRec.metrics.rank_scores import RankScores  # noqa: E402
from PaddleRec.models.matchers.gru4rec import GRU4Rec  # noqa: E402
from PaddleRec.models.matchers.sr_gnn import SRGNN  # noqa: E402
from PaddleRec.models.rankers.dcn import DCN  # noqa: E402
from PaddleRec.models.rankers.deepfm import DeepFM  # noqa: E402
from PaddleRec.models.rankers.din import DIN  # noqa: E402
from PaddleRec.models.rankers.xdeepfm import XDeepFM  # noqa: E402

RNG = np.random.default_rng(0)
TABLE = {"numbers": RNG.normal(size=(64, 3)).astype("float32"), "ids": RNG.integers(0, 30, (64, 4))}


def sessions(length=7):
    """Sessions int64 [32, length] with items that repeat, -1 for padding."""
    items = RNG.integers(1, 9, (32, length))
    counts = RNG.integers(1, length + 1, 32)
    return np.where(np.arange(length) < counts[:, None], items, -1)


def histories():
    """Inputs of DIN; the first history is empty."""
    items = sessions(6)
    items[0] = -1
    groups = np.where(items >= 0, items % 4, -1)
    item = RNG.integers(0, 9, 32)
    return {"history": items, "history_groups": groups, "item": item, "group": item % 4}


CASES = {
    "DeepFM": (lambda: DeepFM(3, 4, 30, 5, [16, 8]), TABLE),
    "DCN": (lambda: DCN(3, [30] * 4, 5, 3, [16, 8]), TABLE),
    "xDeepFM": (lambda: XDeepFM(3, 4, 30, 5, [16, 8], [6, 4], "relu"), TABLE),
    "DIN": (lambda: DIN(9, 4, 5, [12, 6], [10, 7]), histories()),
    "GRU4Rec": (lambda: GRU4Rec(9, 6, 8, tied=True), {"items": sessions()}),
    "SR-GNN": (lambda: SRGNN(9, 6, 2), {"items": sessions()}),
}
WITHOUT = {"GRU4Rec": ("gru.bias_ih_l0", "gru.bias_hh_l0")}  # biases that the other program has not


def main():
    """Runs the comparison; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", required=True, help="a Python with torch and deepctr-torch")
    options.add_argument("--recbole", required=True, help="the wheel of recbole 1.2.1")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, (make, inputs) in CASES.items():
            np.savez(f"{folder}/{name}.npz", **answered(name, make, inputs))
        np.savez(f"{folder}/scores.npz", **ranked())
        program = str(pathlib.Path(__file__).with_name("rec_torch.py"))
        return subprocess.run([args.python, program, folder, args.recbole], check=False).returncode


def ranked():
    """Lists of items, what was wanted of them, and our scores at 5 and 10."""
    items = np.stack([RNG.permutation(np.arange(1, 31))[:10] for _ in range(200)])
    wanted = np.stack([RNG.permutation(np.arange(1, 31))[:4] for _ in range(200)])
    wanted[np.arange(4) >= RNG.integers(1, 5, 200)[:, None]] = 0  # one to four of them
    metric = RankScores(at=[5, 10])
    metric.update({"items": items}, {"target": wanted})
    return {"items": items, "wanted": wanted} | {f"score/{name}": value for name, value in metric.compute().items()}


def answered(name, make, inputs):
    """The weights (`w/NAME`), the inputs (`in/NAME`) and the output (`out`) of a model with large random weights."""
    paddle.seed(1)
    model = make()
    model.eval()
    for key, parameter in model.named_parameters():  # the statistics of normalisation are among them
        value = 0.4 * RNG.normal(size=parameter.shape)
        if key in WITHOUT.get(name, ()):
            value[:] = 0
        elif key.endswith("_variance"):
            value = 1 + value**2
        parameter.set_value(value.astype("float32"))
    with paddle.no_grad():
        output = model.predict(*(paddle.to_tensor(value) for value in inputs.values()))
        output = model.scores(output) if hasattr(model, "item_vectors") else output
    weights = {f"w/{key}": value.numpy() for key, value in model.state_dict().items()}
    return weights | {f"in/{key}": value for key, value in inputs.items()} | {"out": output.numpy()}


if __name__ == "__main__":
    sys.exit(main())
