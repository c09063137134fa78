"""The inputs that an export is compared on, and that it carries in golden.npz."""

import itertools

import numpy as np

from common.build.data import build_dataset, build_transforms
from common.data.pipeline import Pipeline
from common.errors import DataError
from common.inference.task import task_of
from common.log import logger
from common.text.vocabulary import check_vocabulary_size


def example_inputs(model, config):
    """A batch for the golden: the first sample to evaluate on if it is here, else a synthetic one.

    Raises:
        DataError: there is no sample, and no synthetic one can be made.
    """
    split = next((s for s in ("eval", "test") if config.get(f"data.{s}")), "train")
    pipeline = Pipeline(build_transforms(config, split, labels=config.get("labels")))
    check_vocabulary_size(pipeline.transforms, model)
    try:
        dataset = build_dataset(config, split)
        if hasattr(dataset, "assemble"):
            rows = list(itertools.islice(dataset.rows(0, 1), 2))
            return {
                name: value for name, value in pipeline.table(dataset.assemble(rows)).items() if name in model.inputs
            }
        if hasattr(dataset, "iterate"):
            sample = pipeline.streamed(next(iter(dataset.iterate(0, 1, 0))), 0, 0, 0)
        else:
            sample = pipeline.sample(dataset, 0, 0)
    except DataError as error:
        task = task_of(config, model)
        synthetic = task.synthetic(model.inputs)
        if synthetic is None:
            raise
        logger.warning("the golden is made of a synthetic sample (%s): %s", task.input, str(error).splitlines()[0])
        sample = pipeline.sample([synthetic], 0, 0)
    sample = pipeline.batch([sample], 0, 0)[0]
    return {name: np.asarray(sample[name])[None] for name in model.inputs}
