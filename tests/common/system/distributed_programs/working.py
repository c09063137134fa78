"""What two processes find when all goes well, written to the folder that is the argument."""

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[4]), str(Path(__file__).parent)]

from common.system import runtime  # noqa: E402

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402
import small_gan  # noqa: E402
from small_model import train  # noqa: E402

from common.errors import EnvironmentProblem  # noqa: E402
from common.system import distributed  # noqa: E402

folder = Path(sys.argv[1])
distributed.initialize()
rank = distributed.rank()

found = {"world": distributed.world_size(), "main": distributed.is_main(), "rank": rank}
found["all"] = [distributed.all_true(True), distributed.all_true(rank == 0), distributed.all_true(False)]
found["sum"] = distributed.all_reduce_sum(np.array([[1.5, rank]])).tolist()
found["json"] = distributed.all_gather_json({"rank": rank, "text": "é" * rank})
own = {
    "scores": np.arange(3 * rank, dtype="float32").reshape(3, rank),  # the shard of rank 0 is empty
    "names": np.array(["a", "longer"][: rank + 1]),
    "count": np.float64(rank),
    "mask": np.array([True, False]),
}
own.update({"only_of_one": np.array([7])} if rank == 1 else {})
states = distributed.all_gather_state(own)
found["states"] = [{k: [str(v.dtype), list(v.shape), v.tolist()] for k, v in state.items()} for state in states]
try:
    distributed.all_reduce_sum(paddle.ones([2], "float16"))
except EnvironmentProblem as error:
    found["float16"] = str(error)
try:
    distributed.all_gather_state({"boxes": np.array([None, 1])})
except TypeError as error:
    found["objects"] = str(error)

trained = {"plain": train(), "accumulated": train(accumulate=2), "phases": small_gan.train(folder)}
if rank == 0:
    np.savez(folder / "weights.npz", **{f"{run}/{n}": v for run, values in trained.items() for n, v in values.items()})
uneven = train(extra=lambda step: step % 2 == rank)
mine = {name: value.tolist() for name, value in uneven.items()}
found["equal_after_uneven_graphs"] = all(other == mine for other in distributed.all_gather_json(mine))
distributed.barrier()
(folder / f"found_{rank}.json").write_text(json.dumps(found))
