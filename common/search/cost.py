"""Cost of a candidate before training: MACs, parameters, and latency of one sample."""

import statistics
import threading
import time

from common.build.data import build_dataset, build_loader
from common.build.macs import count_macs
from common.build.model import build_model, labels_of

WARM_UP, REPEATS = 3, 15


class Cost:
    """Measures the cost of candidates on one sample of the evaluation data.

    Args:
        config (Config): of the search, which candidates override.
        names (list[str]): measures: macs, parameters, latency_ms.
    """

    def __init__(self, config, names):
        self.base, self.names = config, list(names)
        self.lock = threading.Lock()
        self.samples = {}

    def __call__(self, config):
        """The cost of a candidate, name -> number.

        Args:
            config (Config): of the candidate, checked.
        """
        if not self.names:
            return {}
        with self.lock:
            dataset, arrays = self.sample(config)
            return measure(build_model(config, labels_of(config, dataset)), arrays, self.names)

    def sample(self, config):
        """The dataset, and the inputs of one sample by name; cached for candidates with the same data."""
        key = str([config.get(part, None) for part in ("data", "labels", "num_classes")])
        if key not in self.samples:
            dataset = build_dataset(config, "eval")
            settings = config.settings("eval")
            settings.batch_size, settings.workers = 1, 0
            with build_loader(config, "eval", dataset, settings, training=False) as loader:
                self.samples = {key: (dataset, next(iter(loader.epoch(0))))}
        return self.samples[key]


def measure(model, batch, names):
    """The cost of a model on one sample.

    Args:
        model (nn.Layer): with `inputs` and `predict`.
        batch (dict): input name -> array of one sample.
        names (list[str]): macs, parameters, latency_ms.

    Returns:
        dict: name -> number; the latency in milliseconds is the median of several calls in memory.
    """
    import paddle

    inputs = [paddle.to_tensor(batch[name]) for name in model.inputs]
    found = {}
    if "macs" in names:
        found["macs"] = count_macs(model, *inputs)
    if "parameters" in names:
        found["parameters"] = sum(value.size for value in model.parameters())
    if "latency_ms" in names:
        model.eval()
        with paddle.no_grad():
            seconds = [_seconds(lambda: model.predict(*inputs)) for _ in range(WARM_UP + REPEATS)]
        found["latency_ms"] = round(1000 * statistics.median(seconds[WARM_UP:]), 3)
    return found


def _seconds(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def exceeded_limits(measures, limits):
    """The exceeded limits as text, such as `macs 5300000 of at most 5000000`; empty if all hold.

    Args:
        measures (dict): name -> number.
        limits (dict): name -> maximum.
    """
    over = [name for name, most in limits.items() if measures[name] > most]
    return ", ".join(f"{name} {measures[name]} of at most {limits[name]:g}" for name in over)
