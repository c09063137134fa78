"""Fits transforms that learn from the training data (vocabularies, statistics), once before training.

They receive tables of rows if the dataset is a stream, else single samples in random order.
"""

import time

from common.build.data import build_transforms, class_names, given_classes
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler, StreamSampler
from common.data.transform import Transform
from common.errors import DataError
from common.log import logger
from common.system import distributed

ROWS = 4096  # read at a time
PATIENCE = 3600  # seconds to wait for the main process


def fit_transforms(config, dataset, force=False):
    """Fits each transform of `data.train` that has `fit` and is not fitted yet, in the main process.

    Args:
        config (Config): checked.
        dataset (object): the training data.
        force (bool): fit again.

    Returns:
        list[Path]: the files written.

    Raises:
        DataError: a row or a sample cannot be used.
    """
    transforms = build_transforms(config, "train", dataset=dataset, **given_classes(class_names(dataset)))
    written = []
    for number, transform in enumerate(transforms):
        if not hasattr(transform, "fit") or not transform.learns or (transform.is_fitted() and not force):
            continue
        if distributed.is_main():
            logger.info("%s: fitting to the training data", transform.file)
            steps = [step for step in transforms[:number] if not step.augments]
            with reader(dataset, steps, transform, config.get("train.bad_samples", "error")) as loader:
                transform.fit(loader.epoch(0))
            written.append(transform.file)
        else:
            wait_for(transform)
    return written


def reader(dataset, steps, transform, bad_samples):
    """A Loader of the training data that applies the transforms before the one to fit; see the head of this file."""
    if hasattr(dataset, "iterate"):
        steps, sampler = [*steps, Probe(transform)], StreamSampler(ROWS)
    else:
        sampler = EpochSampler(len(dataset), 1, drop_last=False)
    return Loader(dataset, Pipeline(steps), sampler, bad_samples=bad_samples, watchdog=0)


class Probe(Transform):
    """Validates rows before a transform is fitted to them, so that errors name the line.

    Args:
        transform (Transform): with `probe(columns)`, which raises BadRows, or without.
    """

    def __init__(self, transform):
        self.probe = getattr(transform, "probe", None)

    def table(self, columns):
        """The columns unchanged; raises BadRows."""
        if self.probe:
            self.probe(columns)
        return columns


def wait_for(transform):
    """Waits until the main process has written the file of a fitted transform."""
    end = time.monotonic() + PATIENCE
    while not transform.is_fitted():
        if time.monotonic() > end:
            raise DataError(f"error[D104] {transform.file}: the main process did not write it in time")
        time.sleep(0.2)
