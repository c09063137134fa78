"""The commands as functions, for notebooks and programs.

    from common import api

    run = api.train("configs/yolov3.yml", evaluate=True, train={"epochs": 1})
    folder = api.export("configs/yolov3.yml", weights=run.weights)
    boxes = api.Predictor(folder)("street.jpg")

A configuration is a path as `-c` takes it, or a dict with the same keys (`kit` names its kit).  Further keywords are
keys of the configuration; mappings are merged into what is there.  Errors are `common.errors.KitError`s with the
messages that the commands print; nothing ends the process.
"""

import numpy as np

from common.config import load_config
from common.config.overrides import assignments, flat
from common.errors import ConfigError
from common.inference.predictor import Predictor as ExportedModel
from common.inference.run import predict_one
from common.log import set_up_logging
from common.training.options import RunOptions
from common.training.run import Run


def open_run(config, options=None, **changes):
    """A checked configuration, ready to be trained, evaluated and exported (Run).

    Args:
        config (str | Path | dict): a path as `-c` takes it, or the keys themselves.
        options (RunOptions): of a training.
        changes (object): keys of the configuration, such as `train={"epochs": 1}`, `seed=1`.

    Raises:
        ConfigError: lists all that is wrong, each with its place.
    """
    set_up_logging()
    return Run(load_config(config, assignments(flat(changes))), options)


def train(config, evaluate=False, resume=None, overwrite=False, **changes):
    """Trains the model of a configuration, as `tools/train.py` does.

    Args:
        config (str | Path | dict): see :func:`open_run`.
        evaluate (bool): evaluate while training and keep the best checkpoint.
        resume (str): `auto`, or the path of a checkpoint.
        overwrite (bool): remove an earlier run in the same folder first.
        changes (object): keys of the configuration.

    Returns:
        Trained: `folder`, `weights` (the best checkpoint, else the last), `scores`, `best`, `epochs`, `steps`.

    Raises:
        KitError: what the command would print.
    """
    options = RunOptions(evaluate=evaluate, resume=resume, overwrite=overwrite, command_line=["api.train", str(config)])
    return open_run(config, options, **changes).train()


def evaluate(config, split="eval", exported=None, engine=None, **changes):
    """The scores {name: number} of the weights that the configuration names, or of an exported model.

    Args:
        config (str | Path | dict): see :func:`open_run`; `weights=PATH` among the changes names the weights.
        split (str): train, eval or test.
        exported (str | Path): the folder of an exported model, in place of weights.
        engine (str): what runs it: paddle, onnxruntime or openvino.
        changes (object): keys of the configuration.
    """
    return open_run(config, **changes).evaluate(split, exported, engine)[0]


def export(config, folder=None, onnx=False, **changes):
    """Exports the model on its weights, and proves that the export predicts as the model does (Path).

    Args:
        config (str | Path | dict): see :func:`open_run`; `weights=PATH` among the changes names the weights.
        folder (str | Path): where to; `<run>/export` when None.
        onnx (bool): write model.onnx too.
        changes (object): keys of the configuration.
    """
    return open_run(config, **changes).export(folder, onnx)


class Predictor:
    """A model that predicts from Python objects: an exported folder, or the weights of a configuration.

    Args:
        exported (str | Path): what `export` wrote; None for a configuration.
        config (str | Path | dict): in its place, see :func:`open_run`; `weights=PATH` among the changes names weights.
        engine (str): what runs the exported model: paddle, onnxruntime or openvino; what its infer.yml says when None.
        changes (object): keys of the configuration.

    Raises:
        ConfigError: neither or both are given, or the folder is no exported model.
    """

    def __init__(self, exported=None, config=None, engine=None, **changes):
        if (exported is None) == (config is None):
            raise ConfigError("Predictor takes either an exported folder or config=, with weights=")
        if exported is not None:
            self.model = ExportedModel(exported, engine=engine)
        else:
            self.model = open_run(config, **changes).predictor()

    def __call__(self, sample, threshold=None):
        """The predictions of one input, or of a list of inputs (a list for each).

        Args:
            sample (object): an image: its path, or RGB uint8 [H, W, 3]; a text, as a line of `infer.py` has it; audio:
                a path, or (float32 [T], samples per second); a row of a table: a dict by column.
            threshold (float): predictions that score less are left out; None for the task's own.

        Returns:
            list[dict]: as `tools/infer.py --json` prints them under `predictions`.

        Raises:
            DataError: the input cannot be read.
        """
        if isinstance(sample, list):
            return [self(item, threshold) for item in sample]
        return predict_one(self.model, self.as_sample(sample), threshold)

    def as_sample(self, given):
        """What the first transform of the model reads."""
        kind = self.model.task.input
        if kind == "text":
            return {"path": "text", "name": "text", **self.model.task.read_line(str(given))}
        if kind == "table":
            return {"path": "row", "name": "1", "row": dict(given)}
        if isinstance(given, np.ndarray):
            return {"path": "array", "name": "array", "image": given}
        if isinstance(given, tuple):
            audio, rate = given
            return {"path": "array", "name": "array", "audio": np.asarray(audio, np.float32), "rate": int(rate)}
        return {"path": str(given), "name": str(given)}
