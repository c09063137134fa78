"""Data-parallel training in several processes: ranks, collectives and the wrapped loss; no other file knows the rank.

Started by `python -m paddle.distributed.launch --nproc_per_node 2 tools/train.py ...`: NCCL between GPUs, Gloo between
CPUs.  In a run of one process every function here is a no-op or returns its argument.
"""

import contextlib
import functools
import json
import os

import numpy as np

from common.errors import EnvironmentProblem
from common.system.failure import report_failure  # noqa: F401  (part of this file's interface)
from common.system.network import interface_of


def rank():
    """The rank of this process, from 0."""
    return int(os.environ.get("PADDLE_TRAINER_ID", "0"))


def world_size():
    """The number of processes that train together."""
    return int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))


def is_main():
    """True in the process that writes the files, rank 0."""
    return rank() == 0


def initialize():
    """Initializes the process group; returns when all processes have joined.

    Raises:
        EnvironmentProblem: the processes cannot connect.
    """
    if world_size() == 1:
        return
    import paddle

    here = os.environ.get("PADDLE_CURRENT_ENDPOINT", "127.0.0.1:0")
    os.environ.setdefault("GLOO_SOCKET_IFNAME", interface_of(here.partition(":")[0]))
    try:
        paddle.distributed.init_parallel_env()
        barrier()
    except (RuntimeError, ValueError, OSError) as error:
        first_line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise EnvironmentProblem(
            f"rank {rank()} of {world_size()} at {here} cannot reach the others: {first_line}\n"
            f"  PADDLE_MASTER is {os.environ.get('PADDLE_MASTER', 'not set')}, "
            f"the network interface {os.environ['GLOO_SOCKET_IFNAME']}\n"
            "  on several machines start each with --host ITS_IP and set GLOO_SOCKET_IFNAME (ip addr lists interfaces)"
        ) from error


def barrier():
    """Blocks until every process has reached this call."""
    all_true(True)


def all_true(value):
    """True if `value` (bool) is true in every process: an all-reduce with logical and."""
    if world_size() == 1:
        return bool(value)
    return int(all_reduce_sum(np.array([bool(value)], "int64"))[0]) == world_size()


@functools.cache
def second_channel():
    """A second process group for collectives inside a backward pass, which must not interleave with the gradients'.

    The first call creates the group and is itself a collective: all processes must make it at the same point.
    """
    import paddle

    return paddle.distributed.new_group(list(range(world_size())))


def all_reduce_sum(array, group=None):
    """All-reduce: the sum of an array over all processes.

    Args:
        array (ndarray | Tensor): a Tensor is also updated in place.
        group (Group): :func:`second_channel` inside a backward pass.

    Raises:
        EnvironmentProblem: a float16 Tensor on CPUs, for which the framework silently returns infinity.
    """
    if world_size() == 1:
        return array
    import paddle

    if isinstance(array, np.ndarray):
        return all_reduce_sum(paddle.to_tensor(array), group).numpy().reshape(array.shape)
    if array.dtype == paddle.float16 and array.place.is_cpu_place():
        raise EnvironmentProblem("float16 cannot be summed over CPU processes; cast it to float32 first")
    paddle.distributed.all_reduce(array, group=group)
    return array


def all_gather_json(value):
    """All-gather of JSON-serializable values, in rank order."""
    text = np.frombuffer(json.dumps(value).encode(), "uint8")
    return [json.loads(state["text"].tobytes()) for state in all_gather_state({"text": text})]


def all_gather_state(state):
    """All-gather of dicts of arrays, in rank order.

    Args:
        state (dict[str, ndarray]): names, shapes and dtypes (numbers, bool or text) may differ between processes.

    Returns:
        list[dict[str, ndarray]]: one dict per process.
    """
    if world_size() == 1:
        return [state]
    import paddle

    own = pack_state(state)
    lengths = np.zeros(world_size(), "int64")
    lengths[rank()] = len(own)
    lengths = all_reduce_sum(lengths)
    padded = np.zeros(int(lengths.max()), "uint8")
    padded[: len(own)] = own
    gathered = []
    paddle.distributed.all_gather(gathered, paddle.to_tensor(padded))
    return [unpack_state(tensor.numpy()[:length]) for tensor, length in zip(gathered, lengths)]


def pack_state(state):
    """Serializes a dict of arrays to one uint8 array: length of the JSON header (8 bytes), header, raw array data."""
    arrays = {name: np.asarray(array) for name, array in state.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"'{name}' holds Python objects; only arrays of numbers, bool or text can be gathered")
    head = json.dumps([[name, array.dtype.str, array.shape] for name, array in arrays.items()]).encode()
    parts = [np.array([len(head)], "<i8").tobytes(), head, *(array.tobytes() for array in arrays.values())]
    return np.frombuffer(b"".join(parts), "uint8")


def unpack_state(packed):
    """Deserializes the output of :func:`pack_state`."""
    data = packed.tobytes()
    start = 8 + int(np.frombuffer(data[:8], "<i8")[0])
    state = {}
    for name, dtype, shape in json.loads(data[8:start]):
        count = int(np.prod(shape))
        size = count * np.dtype(dtype).itemsize
        state[name] = np.frombuffer(data[start : start + size], dtype).reshape(shape).copy()
        start += size
    return state


def broadcast_parameters(model):
    """Broadcasts the parameters and buffers of rank 0 to all processes."""
    if world_size() == 1:
        return
    import paddle

    for value in model.state_dict().values():
        paddle.distributed.broadcast(value.detach(), src=0)


def wrap_loss(model):
    """The model's `loss` as a function whose gradients are averaged over all processes.

    Args:
        model (nn.Layer): has `loss(batch) -> dict of scalar Tensors`, or `loss(batch, phase=...)`.

    Returns:
        Callable: (batch, sync=True, **given) -> losses; `given` is passed to `loss`. With sync=False the gradients of
        this batch are accumulated locally, and the next synchronized backward pass averages the accumulated gradients.
    """
    if world_size() == 1:
        return lambda batch, sync=True, **given: model.loss(batch, **given)
    parallel = functools.cache(lambda: parallel_loss(model))

    def loss_of(batch, sync=True, **given):
        with contextlib.nullcontext() if sync else parallel().no_sync():
            return parallel()(batch, **given)

    return loss_of


def parallel_loss(model):
    """Wraps `model.loss` as the `forward` of a layer in DataParallel, which reduces gradients for `forward` only."""
    import paddle

    class Loss(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, batch, **given):
            return self.model.loss(batch, **given)

    return paddle.DataParallel(Loss(), find_unused_parameters=True)
