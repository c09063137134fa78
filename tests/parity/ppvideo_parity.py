"""Compares BMN and TSM with PaddleVideo's on the same weights: the sampling, outputs, and the terms of BMN's loss.

    pip install --no-deps --target FOLDER ppvideo==2.3.1
    python tests/parity/ppvideo_parity.py FOLDER

PaddleVideo's files are read one by one, because its package imports decoders that are not needed here.
"""

import importlib.util
import pathlib
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from common.system import runtime  # noqa: E402

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from common.vision.segments import boundary_targets  # noqa: E402
from PaddleCV.models.localizers.bmn import BMN  # noqa: E402
from PaddleCV.models.losses.bmn_loss import BMNLoss  # noqa: E402
from PaddleCV.models.video_backbones.tsm import TSM  # noqa: E402

LENGTH, DURATIONS, FEATURES, SAMPLES = 24, 16, 40, 8


class Registry:
    """What stands for PaddleVideo's registries."""

    def register(self):
        """A decorator that leaves a class as it is."""
        return lambda kind: kind


def load_file(folder, kind, name):
    """A module of PaddleVideo's `modeling/<kind>`; what it imports of its package are stand-ins."""
    parts = {"BACKBONES": Registry(), "LOSSES": Registry(), "BaseWeightedLoss": paddle.nn.Layer}
    parts |= {"weight_init_": None, "load_ckpt": None}
    names = ("", ".utils", ".modeling", ".modeling.registry", ".modeling.weight_init", ".modeling.kind")
    for module in (f"ppv{name}" for name in (*names, ".modeling.kind.base")):
        found = sys.modules.setdefault(module, types.ModuleType(module))
        found.__path__ = []
        found.__dict__.update(parts)
    path = pathlib.Path(folder) / "ppvideo/paddlevideo/modeling" / kind / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"ppv.modeling.kind.{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(folder):
    """Prints the largest differences; 1 where one exceeds 1e-5 of the largest value."""
    worst = 0.0
    for name, (mine, theirs) in {**compare_bmn(folder), **compare_tsm(folder)}.items():
        mine, theirs = mine.numpy(), theirs.numpy()
        difference = float(np.abs(mine - theirs).max() / max(1.0, np.abs(theirs).max()))
        worst = max(worst, difference)
        print(f"{name}: {list(mine.shape)}, largest difference {difference:.2e}")
    return int(worst > 1e-5)


def compare_tsm(folder):
    """The pooled features of TSM with ResNet-50, {name: (ours, theirs)}."""
    paddle.device.is_compiled_with_npu = lambda: False  # which 3.3 no longer has
    other = load_file(folder, "backbones", "resnet_tsm").ResNetTSM(50, num_seg=8)
    own = TSM(8, 50)
    given = zip(own.state_dict(), other.state_dict().values(), strict=True)  # both in the order of the layers
    own.set_state_dict(dict(given))
    own.eval()
    other.eval()
    clip = paddle.randn([1, 8, 3, 64, 64])
    theirs = paddle.nn.functional.adaptive_avg_pool2d(other(clip[0]), 1).flatten(1).mean(0, keepdim=True)
    return {"TSM": (own(clip)[0].flatten(1), theirs)}


def compare_bmn(folder):
    """BMN's sampling, outputs and losses, {name: (ours, theirs)}."""
    other = load_file(folder, "backbones", "bmn").BMN(LENGTH, DURATIONS, 0.5, SAMPLES, 3, FEATURES)
    own = BMN(BMNLoss(), FEATURES, LENGTH, DURATIONS, SAMPLES)
    given = list(other.state_dict().items())
    names = list(own.state_dict())
    order = [
        name for part in ("base", "start", "end", "reduce", "join", "map") for name in names if name.startswith(part)
    ]
    own.set_state_dict({name: value for name, (_, value) in zip(order, given, strict=True)})
    x = paddle.randn([2, LENGTH, FEATURES])
    found, start, end = other(x.transpose([0, 2, 1]))
    own_start, own_end, own_found = own.predict(x)
    targets = [boundary_targets(np.array(s), LENGTH, DURATIONS) for s in ([[0.1, 0.5]], [[0.3, 0.6], [0.7, 0.9]])]
    truth = {key: paddle.to_tensor(np.stack([one[key] for one in targets])) for key in targets[0]}
    loss = load_file(folder, "losses", "bmn_loss").BMNLoss(DURATIONS, LENGTH)
    mask = loss._get_mask(DURATIONS, LENGTH)
    losses = own.loss({"features": x, **truth})
    return {
        "sampling": (own.sampling, other.sample_mask),
        "start": (own_start, start),
        "end": (own_end, end),
        "proposals": (own_found, found),
        "loss of boundaries": (losses["loss_boundary"], loss.tem_loss_func(start, end, truth["start"], truth["end"])),
        "loss of right ones": (losses["loss_right"], loss.pem_cls_loss_func(found[:, 1], truth["overlaps"], mask)),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
