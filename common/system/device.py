"""Device selection: `cpu`, `gpu`, `gpu:N`; a missing device is an error, where PaddlePaddle falls back silently."""

from common.errors import EnvironmentProblem


def select_device(name, deterministic=False):
    """Makes `cpu`, `gpu` or `gpu:N` the device of this process; `auto` selects a GPU if there is one.

    Args:
        name (str): the device.
        deterministic (bool): restricts cuDNN to deterministic algorithms; CPU operators are always deterministic.

    Raises:
        EnvironmentProblem: the PaddlePaddle build or the machine lacks this device.
    """
    import paddle

    if name == "auto":
        name = "gpu" if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() else "cpu"
    if name != "cpu":
        if not paddle.is_compiled_with_cuda():
            raise EnvironmentProblem(
                f"device={name}: the installed PaddlePaddle is the CPU build; "
                "install the GPU build (docs/gpu.md) or use -o device=cpu"
            )
        number = int(name.partition(":")[2] or 0)
        count = paddle.device.cuda.device_count()
        if number >= count:
            raise EnvironmentProblem(f"device={name}: this machine has {count} GPUs (numbered from 0)")
    if deterministic and name != "cpu":
        paddle.set_flags({"FLAGS_cudnn_deterministic": True})
    paddle.set_device(name)
