"""One configuration and its operations: train, evaluate, export, predict.

The commands, `common.api`, notebooks and searches use :class:`Run`, which is independent of the command line.
"""

import dataclasses
from pathlib import Path

from common.build.data import build_dataset, build_loader, build_metric
from common.build.learned_files import adopt_files
from common.build.model import fix_classes, known_labels, read_configured_weights, trained_model, weights_of
from common.build.preparation import warn_of_other_preparation
from common.inference.evaluate import evaluate, sources_of
from common.inference.exported import Exported, inference_split
from common.inference.predictor import ModelInMemory, Predictor
from common.inference.task import task_of
from common.inference.thresholds import read_thresholds
from common.system import distributed, runtime
from common.training.options import RunOptions
from common.training.preflight import prepare_training, require_section


@dataclasses.dataclass
class Trained:
    """Result of a training.

    Args:
        folder (Path): of the run; `last` and `best` in it are checkpoints.
        epochs (int): completed epochs.
        steps (int): completed updates.
        scores (dict[str, float]): of the last evaluation; may be empty.
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
        """The checkpoint to use: the best one, or the last if there was no evaluation (Path)."""
        return self.folder / ("best" if self.best else "last")


class Run:
    """One configuration with its options.

    Args:
        config (Config): returned by `load_config`; it is checked here.
        options (RunOptions): of a training; defaults when None.

    Raises:
        ConfigError: lists all problems of the configuration, each with its place.
    """

    def __init__(self, config, options=None):
        self.config, self.options = config, options or RunOptions()
        config.check()

    @property
    def folder(self):
        """The output folder of the run (Path)."""
        return self.config.run_folder

    def train(self):
        """Trains, with evaluations if the options ask for them (Trained)."""
        runtime.prepare(load=False)
        prepared = prepare_training(self.config, self.options)
        runtime.prepare()
        from common.training.session import TrainingSession  # imports PaddlePaddle

        trainer = TrainingSession(self.config, self.options, prepared, self.folder).run()
        return Trained(self.folder, trainer.epoch, trainer.step, trainer.scores, trainer.best, trainer.end_reason)

    def evaluate(self, split="eval", exported=None, engine=None):
        """Evaluates the weights that the configuration names, or an exported model, on a split of the data.

        Args:
            split (str): train, eval or test.
            exported (str | Path): the folder of an exported model, instead of weights.
            engine (str): its inference engine; that of its infer.yml when None.

        Returns:
            tuple[dict[str, float], object]: the scores, and the metric, whose `primary` names the main one.
        """
        runtime.prepare(load=False)
        config = self.config
        require_section(config, "data.metric", "evaluation")
        arrays = read_configured_weights(config) if exported is None else None
        labels, source = self.classes(exported)
        warn_of_other_preparation(config, split, exported or weights_of(config))
        dataset = build_dataset(config, split, labels, source)
        metric = build_metric(config, dataset, task_of(config))
        runtime.prepare()
        distributed.initialize()
        sources = self.sources(dataset, exported, engine, arrays)
        with build_loader(config, split, dataset, config.settings("eval"), training=False) as loader:
            return evaluate(sources, loader, metric), metric

    def classes(self, exported=None):
        """The class names that the weights, or an exported model, were trained with or None, and where they are from.

        The files of the transforms are set to theirs, see `common.build.learned_files`.
        """
        if exported is None:
            weights = weights_of(self.config)
            return known_labels(self.config, weights)[1], str(weights)
        about = Exported(exported).about
        adopt_files(self.config, exported)
        return about["labels"], str(exported)

    def sources(self, dataset, exported=None, engine=None, arrays=None):
        """The sources that a metric can need (predictions, losses, model); see `common.inference.evaluate`."""
        if exported is None:
            return sources_of(trained_model(self.config, dataset, arrays)[0])
        predictor = Predictor(exported, engine=engine)
        return {"predictions": lambda batch: predictor.run({name: batch[name] for name in predictor.inputs})}

    def export(self, folder=None, onnx=False):
        """Exports the model for inference, and verifies its predictions against the model in memory (Path).

        Args:
            folder (str | Path): output folder; `<run>/export` when None.
            onnx (bool): write model.onnx too.
        """
        runtime.prepare(load=False)
        from common.export.write import example_inputs, export, refuse_other

        folder, config = Path(folder or self.folder / "export"), self.config
        refuse_other(folder)
        warn_of_other_preparation(config, inference_split(config), weights_of(config))
        model, labels = trained_model(config)
        fix_classes(config, labels)
        onnx = onnx or config.settings("export").engine in ("openvino", "onnxruntime")
        given = {"onnx": onnx, "thresholds": read_thresholds(config)}
        export(model, config, labels, example_inputs(model, config), folder, **given)
        return folder

    def predictor(self):
        """The model in memory, with the interface of an exported one (ModelInMemory)."""
        return ModelInMemory.from_config(self.config)
