"""One configuration, and everything that the commands do with it: train, evaluate, export, predict.

`tools/train.py` and its like, `common.api`, notebooks and searches all call :class:`Run`; it knows no command line.
"""

import dataclasses
from pathlib import Path

from common.build.data import build_dataset, build_loader, build_metric, class_names
from common.build.model import read_weights, trained_model
from common.errors import ConfigError
from common.inference.evaluate import evaluate, sources_of
from common.inference.predictor import ModelInMemory, Predictor
from common.inference.task import task_of
from common.system import distributed, runtime
from common.training.options import RunOptions
from common.training.preflight import need, prepare_training, run_folder


@dataclasses.dataclass
class Trained:
    """What came of a training.

    Args:
        folder (Path): of the run; `last` and `best` in it are checkpoints.
        epochs (int): that are done.
        steps (int): updates that are done.
        scores (dict[str, float]): of the last evaluation; empty without one.
        best (dict | None): `metric`, `score` and `step` of the best checkpoint.
        end_reason (str | None): why the run ended before its last epoch.
    """

    folder: Path
    epochs: int
    steps: int
    scores: dict
    best: dict | None
    end_reason: str | None

    @property
    def weights(self):
        """The checkpoint to use: the best one, or the last where nothing was evaluated (Path)."""
        return self.folder / ("best" if self.best else "last")


class Run:
    """One configuration with its options.

    Args:
        config (Config): what `load_config` gave; it is checked here.
        options (RunOptions): of a training; the usual ones when None.

    Raises:
        ConfigError: lists all that is wrong with the configuration, each with its place.
    """

    def __init__(self, config, options=None):
        self.config, self.options = config, options or RunOptions()
        config.check()

    @property
    def folder(self):
        """Where the run writes (Path)."""
        return run_folder(self.config)

    def train(self):
        """Trains, evaluating on the way if the options say so (Trained)."""
        runtime.prepare(load=False)
        prepared = prepare_training(self.config, self.options)
        runtime.prepare()
        from common.training.session import TrainingSession  # imports PaddlePaddle

        trainer = TrainingSession(self.config, self.options, prepared, self.folder).run()
        return Trained(self.folder, trainer.epoch, trainer.step, trainer.scores, trainer.best, trainer.end_reason)

    def evaluate(self, split="eval", exported=None, engine=None):
        """The scores of the weights that the configuration names, or of an exported model, on a split of the data.

        Args:
            split (str): train, eval or test.
            exported (str | Path): the folder of an exported model, in place of the weights.
            engine (str): what runs it; what its infer.yml says when None.

        Returns:
            tuple[dict[str, float], object]: the scores, and the metric, whose `primary` names the main one.
        """
        runtime.prepare(load=False)
        config = self.config
        need(config, "data.metric", "evaluation")
        arrays = read_weights(config) if exported is None else None
        dataset = build_dataset(config, split)
        metric = build_metric(config, dataset, task_of(config))
        runtime.prepare()
        distributed.initialize()
        sources = self.sources(dataset, split, exported, engine, arrays)
        with build_loader(config, split, dataset, config.settings("eval"), training=False) as loader:
            return evaluate(sources, loader, metric), metric

    def sources(self, dataset, split="eval", exported=None, engine=None, arrays=None):
        """What a metric can need of the model to score; see `common.inference.evaluate`."""
        if exported is None:
            return sources_of(trained_model(self.config, dataset, arrays)[0])
        predictor, labels = Predictor(exported, engine=engine), class_names(dataset)
        if labels is not None and list(predictor.labels or []) != labels:
            raise ConfigError(f"{exported} knows {predictor.labels}; data.{split} has {labels}")
        return {"predictions": lambda batch: predictor.run({name: batch[name] for name in predictor.inputs})}

    def export(self, folder=None, onnx=False):
        """Writes the model on its weights for inference, and proves that it predicts as the one in memory (Path).

        Args:
            folder (str | Path): where to; `<run>/export` when None.
            onnx (bool): write model.onnx too.
        """
        runtime.prepare(load=False)
        from common.export.write import example_inputs, export, refuse_other

        folder, config = Path(folder or self.folder / "export"), self.config
        refuse_other(folder)
        model, labels = trained_model(config)
        if labels is not None:
            config.fix(labels=labels, num_classes=len(labels))
        onnx = onnx or config.settings("export").engine != "paddle"
        export(model, config, labels, example_inputs(model, config), folder, onnx=onnx)
        return folder

    def predictor(self):
        """The model on its weights, asked like an exported one (ModelInMemory)."""
        return ModelInMemory.from_config(self.config)
