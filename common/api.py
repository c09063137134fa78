"""Python API for notebooks and programs: train, evaluate, export and predict.

    from common import api

    run = api.train("configs/yolov3.yml", evaluate=True, train={"epochs": 1})
    folder = api.export("configs/yolov3.yml", weights=run.weights)
    boxes = api.Predictor(folder)("street.jpg")
    boxes.show(), boxes.save("drawn.jpg"), boxes.save("boxes.csv")

A configuration is a path as `-c` takes it, or a dict with the same keys (`kit` names its kit).  Further keywords are
keys of the configuration; mappings are merged.  Errors are `common.errors.KitError`s with the
messages of the commands; no function exits the process.
"""

from common.interpreter import right_python

try:
    import numpy  # noqa: F401
except ImportError as error:  # notebooks and programs are started in any Python
    raise ImportError(right_python()) from error

from common.config import load_config
from common.config.overrides import assignments, flatten
from common.errors import ConfigError
from common.inference.given import as_sample
from common.inference.predictor import Predictor as ExportedModel
from common.inference.results import Predictions, Several
from common.inference.run import predict_one
from common.log import set_up_logging
from common.training.options import RunOptions
from common.training.run import Run


def open_run(config, options=None, **changes):
    """Loads and checks a configuration to train, evaluate and export (Run).

    Args:
        config (str | Path | dict): a path as for `-c`, or a dict of keys.
        options (RunOptions): of a training.
        changes (object): keys of the configuration, such as `train={"epochs": 1}`, `seed=1`.

    Raises:
        ConfigError: lists all problems, each with its place.
    """
    set_up_logging()
    return Run(load_config(config, assignments(flatten(changes))), options)


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
        KitError: with the message that the command prints.
    """
    options = RunOptions(evaluate=evaluate, resume=resume, overwrite=overwrite, command_line=["api.train", str(config)])
    return open_run(config, options, **changes).train()


def evaluate(config, split="eval", exported=None, engine=None, **changes):
    """Evaluates the weights that the configuration names, or an exported model: {name: score}.

    Args:
        config (str | Path | dict): see :func:`open_run`; `weights=PATH` among the changes names the weights.
        split (str): train, eval or test.
        exported (str | Path): the folder of an exported model, instead of weights.
        engine (str): its inference engine: paddle, onnxruntime or openvino.
        changes (object): keys of the configuration.
    """
    return open_run(config, **changes).evaluate(split, exported, engine)[0]


def export(config, folder=None, onnx=False, **changes):
    """Exports the model with its weights, and verifies its predictions against the model in memory (Path).

    Args:
        config (str | Path | dict): see :func:`open_run`; `weights=PATH` among the changes names the weights.
        folder (str | Path): output folder; `<run>/export` when None.
        onnx (bool): write model.onnx too.
        changes (object): keys of the configuration.
    """
    return open_run(config, **changes).export(folder, onnx)


class Predictor:
    """Inference on Python objects, with an exported model or the weights of a configuration.

    Args:
        exported (str | Path): the folder of an exported model; None for a configuration.
        config (str | Path | dict): instead, see :func:`open_run`; `weights=PATH` among the changes names weights.
        engine (str): engine of the exported model: paddle, onnxruntime or openvino; that of its infer.yml when None.
        changes (object): keys of the configuration.

    Raises:
        ConfigError: neither or both are given, or the folder is not an exported model.
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
            sample (object): an image: its path, or RGB uint8 [H, W, 3]; a text, as in a line of `infer.py`; audio:
                a path, or (float32 [T], sample rate in Hz); a table row: a dict by column.
            threshold (float): minimum score of predictions; None for that of the task.

        Returns:
            Predictions | Several: the `predictions` of `tools/infer.py --json`, a list of dicts that can be shown and
                saved; for a list of inputs a list of these.

        Raises:
            DataError: the input cannot be read.
        """
        if isinstance(sample, list):
            return Several(self(item, threshold) for item in sample)
        given = as_sample(self.model.task, sample)
        return Predictions(self.model, given, *predict_one(self.model, given, threshold))
