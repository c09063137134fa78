"""Resumes the run of `test_optimizer_state.py` in another process: weights.npz and moments.npz in, after.npz out."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from common.system import runtime

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from common.optim.optimizers import Adam  # noqa: E402
from tests.common.small_net import Net, train, weights  # noqa: E402

folder = Path(sys.argv[1])
net = Net()
optimizer = Adam(lr=0.01, weight_decay=0.1, groups=[{"match": "head.*", "lr_scale": 2}]).build(net)
with np.load(folder / "weights.npz") as saved, np.load(folder / "moments.npz") as moments:
    net.set_state_dict({name: paddle.to_tensor(saved[name]) for name in saved.files})
    optimizer.load({name: moments[name] for name in moments.files}, {"kind": "Adam"})
train(net, optimizer, 3, 5)
np.savez(folder / "after.npz", **weights(net))
