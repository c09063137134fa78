"""The fixed sections of a configuration: what they take, their defaults and the allowed range of each value."""

# ruff: noqa: RUF009

import dataclasses
import math
from typing import Literal

from common.config.signature import REQUIRED, Parameter


def setting(default=dataclasses.MISSING, *, help, low=None, high=None, above=None, below=None):
    """A field of a section; the limits are for each number in it, `above` and `below` are excluded themselves."""
    limits = {"low": low, "high": high, "above": above, "below": below}
    factory = (lambda: list(default)) if isinstance(default, list) else dataclasses.MISSING
    value = dataclasses.MISSING if isinstance(default, list) else default
    return dataclasses.field(default=value, default_factory=factory, metadata={"help": help, **limits})


@dataclasses.dataclass
class Train:
    """How to train."""

    epochs: int = setting(help="times every sample is seen; hours of a stream", low=1)
    batch_size: int = setting(help="samples a process takes in one step", low=1)
    mode: Literal["epochs", "stream"] = setting("epochs", help="stream: learn each hour that comes once, then publish")
    workers: int = setting(2, help="processes that read data; 0 reads in the training process", low=0, high=256)
    accumulate: int = setting(1, help="batches whose gradients are summed before one update", low=1)
    base_batch: int | None = setting(
        None, help="total batch the learning rate is meant for; the rate is scaled to the actual one", low=1
    )
    max_steps: int = setting(0, help="end after this many updates; 0 means never", low=0)
    amp: Literal[False, True, "O1", "O2"] = setting(False, help="mixed precision: false, O1 (true) or O2")
    amp_dtype: Literal["auto", "float16", "bfloat16"] = setting(
        "auto", help="number type under amp; auto takes bfloat16 where the device has it"
    )
    ema: float | None = setting(None, help="decay of the moving average of the weights; null: none", above=0, below=1)
    freeze: list[str] = setting([], help="name patterns of layers that stay as they are, such as backbone.*")
    eval_every: int = setting(1, help="epochs between evaluations; 0 evaluates after the last only", low=0)
    early_stop: int = setting(0, help="end after this many evaluations without gain; 0 means never", low=0)
    save_every: int = setting(1, help="epochs between checkpoints; 0 saves after the last only", low=0)
    save_every_steps: int = setting(0, help="updates between checkpoints besides; 0 for none", low=0)
    keep: int = setting(3, help="checkpoints that stay, besides last and best", low=1)
    bad_samples: Literal["error", "skip"] = setting("error", help="what a sample that cannot be used does")
    on_nan: Literal["stop", "skip"] = setting(
        "stop", help="what a batch whose loss is not finite does; skip: five in a row at most"
    )
    watchdog: float = setting(300, help="seconds without a batch after which the run ends; 0 waits for ever", low=0)
    deterministic: bool = setting(False, help="only algorithms that give the same bits every time, at some cost")

    def __post_init__(self):
        self.amp = "O1" if self.amp is True else self.amp


@dataclasses.dataclass
class Eval:
    """How to evaluate."""

    batch_size: int = setting(1, help="samples a process takes in one step", low=1)
    workers: int = setting(2, help="processes that read data; 0 reads in the main process", low=0, high=256)
    bad_samples: Literal["error", "skip"] = setting("error", help="what a sample that cannot be used does")
    watchdog: float = setting(300, help="seconds without a batch after which the run ends; 0 waits for ever", low=0)


@dataclasses.dataclass
class Export:
    """What is exported."""

    image_size: list[int] | None = setting(None, help="fixed height and width; null keeps them free", low=1)
    batch_size: int | None = setting(None, help="fixed number of samples; null keeps it free", low=1)
    tolerance: float = setting(1e-4, help="largest relative difference from the model in memory", above=0)
    engine: Literal["paddle", "openvino", "onnxruntime"] = setting(
        "paddle", help="what runs it; openvino and onnxruntime read ONNX, which is written too; C++ has no onnxruntime"
    )


@dataclasses.dataclass
class Runtime:
    """The values at the top of a configuration."""

    kit: str | None = setting(None, help="folder of the kit, for a file that is in none")
    name: str | None = setting(None, help="name of the run; null means the file's name")
    seed: int = setting(0, help="of every random number", low=0, high=2**32 - 1)
    output_dir: str = setting("output", help="runs are written to output_dir/name")
    log_every: int = setting(20, help="updates between two lines of the log", low=1)
    device: str = setting("auto", help="auto, cpu, gpu, or one card such as gpu:0")
    onednn: bool = setting(True, help="convolutions on a CPU by oneDNN; false: PaddlePaddle's own")
    weights: str | None = setting(None, help="checkpoint that evaluation, export and prediction use")
    pretrained: str | None = setting(None, help="weights that training starts from, as far as they fit")
    labels: list[str] | None = setting(
        None, help="names of the classes, or a file with one a line; checked against the data"
    )
    num_classes: int | None = setting(None, help="number of classes; checked against the data", low=1)


SECTIONS = {"train": Train, "eval": Eval, "export": Export}
EVAL_FROM_TRAIN = ("batch_size", "workers", "bad_samples", "watchdog")


def setting_parameters(section):
    """The keys of a settings class: (Parameter, limits) by name."""
    found = {}
    for field in dataclasses.fields(section):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        value = field.default_factory() if field.default is dataclasses.MISSING and not required else field.default
        simple = isinstance(field.type, type) and not hasattr(field.type, "__args__")
        kind = field.type.__name__ if simple else str(field.type).replace("typing.", "")
        default = REQUIRED if required else repr(value)
        found[field.name] = (Parameter(field.name, default, kind, field.metadata["help"]), field.metadata)
    return found


def allowed(limits):
    """The allowed range in words, such as `1 or more`; empty when there is no limit."""
    low, high, above, below = (limits.get(k) for k in ("low", "high", "above", "below"))
    lower = f"{low} or more" if low is not None else f"more than {above}" if above is not None else ""
    upper = f"{high} or less" if high is not None else f"less than {below}" if below is not None else ""
    if low is not None and high is not None:
        return f"{low} to {high}"
    return " and ".join(x for x in (lower, upper) if x)


def out_of_range(value, limits):
    """The first number in `value` (itself, or in its lists) that the limits exclude; None when all are inside."""
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
