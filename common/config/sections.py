"""Fixed sections of a configuration: their keys, defaults and allowed ranges."""

# ruff: noqa: RUF009

import dataclasses
import math
from typing import Literal

from common.config.signature import REQUIRED, Parameter


def setting(default=dataclasses.MISSING, *, help, low=None, high=None, above=None, below=None):
    """A field of a section; limits apply to every number in it; `above` and `below` are exclusive."""
    limits = {"low": low, "high": high, "above": above, "below": below}
    factory = (lambda: list(default)) if isinstance(default, list) else dataclasses.MISSING
    value = dataclasses.MISSING if isinstance(default, list) else default
    return dataclasses.field(default=value, default_factory=factory, metadata={"help": help, **limits})


@dataclasses.dataclass
class Train:
    """Training settings."""

    epochs: int = setting(help="passes over the training data; number of hours for a stream", low=1)
    batch_size: int = setting(help="samples per process and step", low=1)
    mode: Literal["epochs", "stream"] = setting(
        "epochs", help="stream: train on each hour of data as it arrives, then publish"
    )
    workers: int = setting(2, help="data loading processes; 0 loads in the training process", low=0, high=256)
    accumulate: int = setting(1, help="batches whose gradients are accumulated for one update", low=1)
    base_batch: int | None = setting(
        None, help="total batch size that the learning rate is for; it is scaled to the actual size", low=1
    )
    max_steps: int = setting(0, help="stop after this many updates; 0 for no limit", low=0)
    amp: Literal[False, True, "O1", "O2"] = setting(False, help="mixed precision: false, O1 (true) or O2")
    amp_dtype: Literal["auto", "float16", "bfloat16"] = setting(
        "auto", help="half-precision data type for amp; auto takes bfloat16 if the device supports it"
    )
    ema: float | None = setting(
        None, help="decay of the moving average of the weights; null for none", above=0, below=1
    )
    freeze: list[str] = setting([], help="name patterns of layers to freeze, such as backbone.*")
    eval_every: int = setting(1, help="epochs between evaluations; 0 evaluates after the last epoch only", low=0)
    early_stop: int = setting(0, help="early stopping after this many evaluations without improvement; 0: never", low=0)
    save_every: int = setting(1, help="epochs between checkpoints; 0 saves after the last epoch only", low=0)
    save_every_steps: int = setting(0, help="updates between additional checkpoints; 0 for none", low=0)
    keep: int = setting(3, help="number of latest checkpoints to keep, besides best", low=1)
    bad_samples: Literal["error", "skip"] = setting("error", help="how to handle a sample that cannot be used")
    on_nan: Literal["stop", "skip"] = setting(
        "stop", help="what to do when the loss is not finite; skip: leave out the batch, five in a row at most"
    )
    watchdog: float = setting(300, help="seconds to wait for a batch before the run fails; 0 waits forever", low=0)
    deterministic: bool = setting(False, help="use deterministic algorithms only, which are slower")

    def __post_init__(self):
        self.amp = "O1" if self.amp is True else self.amp


@dataclasses.dataclass
class Eval:
    """Evaluation settings."""

    batch_size: int = setting(1, help="samples per process and step", low=1)
    workers: int = setting(2, help="data loading processes; 0 loads in the main process", low=0, high=256)
    bad_samples: Literal["error", "skip"] = setting("error", help="how to handle a sample that cannot be used")
    watchdog: float = setting(300, help="seconds to wait for a batch before the run fails; 0 waits forever", low=0)


@dataclasses.dataclass
class Export:
    """Export settings."""

    image_size: list[int] | None = setting(None, help="fixed height and width; null for dynamic sizes", low=1)
    batch_size: int | None = setting(None, help="fixed batch size; null for a dynamic one", low=1)
    tolerance: float = setting(
        1e-4, help="largest relative difference from the outputs of the model in memory", above=0
    )
    engine: Literal["auto", "paddle", "openvino", "onnxruntime"] = setting(
        "auto",
        help="inference engine; openvino and onnxruntime read ONNX, which is exported too; C++ has no onnxruntime; "
        "auto: the fastest installed one that answers as the model in memory, measured once on each machine",
    )


@dataclasses.dataclass
class Elastic:
    """Settings of a training by several processes, which `tools/elastic.py up` starts."""

    workers: int = setting(1, help="processes that compute gradients", low=1, high=10000)
    shards: int = setting(
        1, help="processes that hold the rows of the tables; one feeds 6 or more workers", low=1, high=16
    )
    part_mb: float = setting(16, help="megabytes of data that a worker leases at a time", above=0)
    lease_seconds: float = setting(900, help="after which a part is given to another worker", above=0)
    prefetch: int = setting(1, help="batches whose rows are asked for ahead", low=0, high=64)
    dense_every: int = setting(8, help="batches between two exchanges of the dense parameters", low=1)
    commit_minutes: float = setting(30, help="minutes between commits within an hour of data", above=0)
    keep: int = setting(3, help="number of latest commits and published versions to keep", low=2)
    admit: int = setting(1, help="shows of an id before it gets a row of its own", low=1)
    evict_hours: int = setting(0, help="hours of data without an id after which its row is removed; 0: never", low=0)


@dataclasses.dataclass
class Runtime:
    """Top-level settings of a configuration."""

    kit: str | None = setting(None, help="folder of the kit, for a file outside every kit")
    name: str | None = setting(None, help="name of the run; null for the file's name")
    seed: int = setting(0, help="random seed", low=0, high=2**32 - 1)
    output_dir: str = setting("output", help="runs are written to output_dir/name")
    log_every: int = setting(20, help="updates between two log lines", low=1)
    device: str = setting("auto", help="auto, cpu, gpu, or one GPU such as gpu:0")
    onednn: bool = setting(True, help="run convolutions on a CPU by oneDNN; false uses PaddlePaddle's kernels")
    weights: str | None = setting(None, help="checkpoint for evaluation, export and prediction")
    pretrained: str | None = setting(None, help="weights that training starts from; arrays that do not fit are skipped")
    labels: list[str] | None = setting(None, help="class names, or a file with one per line; checked against the data")
    category_ids: list[int] | None = setting(
        None, help="ids of the classes in predictions; those of the COCO file of training, else from 0"
    )
    num_classes: int | None = setting(None, help="number of classes; checked against the data", low=1)


SECTIONS = {"train": Train, "eval": Eval, "export": Export, "elastic": Elastic}
EVAL_FROM_TRAIN = ("batch_size", "workers", "bad_samples", "watchdog")


def setting_parameters(section):
    """{key: (Parameter, limits)} of a section."""
    found = {}
    for field in dataclasses.fields(section):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        value = field.default_factory() if field.default is dataclasses.MISSING and not required else field.default
        simple = isinstance(field.type, type) and not hasattr(field.type, "__args__")
        kind = field.type.__name__ if simple else str(field.type).replace("typing.", "")
        default = REQUIRED if required else repr(value)
        found[field.name] = (Parameter(field.name, default, kind, field.metadata["help"]), field.metadata)
    return found


def format_range(limits):
    """The allowed range as text, such as `1 or more`; empty without limits."""
    low, high, above, below = (limits.get(k) for k in ("low", "high", "above", "below"))
    lower = f"{low} or more" if low is not None else f"more than {above}" if above is not None else ""
    upper = f"{high} or less" if high is not None else f"less than {below}" if below is not None else ""
    if low is not None and high is not None:
        return f"{low} to {high}"
    return " and ".join(x for x in (lower, upper) if x)


def out_of_range(value, limits):
    """The first number in `value`, nested lists included, that is outside the limits; None if all are inside."""
    if isinstance(value, list | tuple):
        return next((bad for item in value if (bad := out_of_range(item, limits)) is not None), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high, above, below = (limits.get(k) for k in ("low", "high", "above", "below"))
    wrong = (
        math.isnan(value)
        or (low is not None and value < low)
        or (above is not None and value <= above)
        or (high is not None and value > high)
        or (below is not None and value >= below)
    )
    return value if wrong else None
