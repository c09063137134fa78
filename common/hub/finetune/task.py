"""The base class of tasks: a module's features, a dataset, and a strategy make a configuration, which is trained.

A task is a thin face: `task.configuration` is what `tools/train.py` would be given, and `finetune`, `eval`, `predict`
and `save_inference_model` are the operations of `common.training.run.Run` on it.
"""

import importlib.util
from pathlib import Path

from common.config import load_config
from common.config.build import escape_references
from common.errors import ConfigError
from common.hub.finetune.hooks import HookCallback, Hooks
from common.hub.finetune.run_config import RunConfig
from common.log import logger, set_up_logging
from common.suggest import did_you_mean

SPLITS = {"train": "train", "dev": "eval", "val": "eval", "validate": "eval", "eval": "eval", "test": "test"}
PHASES = {"train": "train", "eval": "dev", "test": "test"}  # split of a configuration -> phase of a dataset


class BaseTask:
    """The base class of tasks.

    Args:
        feature (Feature): of a module, such as `outputs["pooled_output"]`.
        data_reader (object): of `common.hub.reader`, with a dataset.
        num_classes (int): of the task; that of the dataset when None.
        feed_list (list[str]): names of the module's inputs.
        config (RunConfig): the settings; the defaults when None.
        metrics_choices (list[str] | str): the metric that selects the best epoch comes first; `default` for the task's.
        startup_program (object): accepted.
        main_program (object): accepted.

    Raises:
        ConfigError: the feature, the reader, an input or the number of classes does not suit the task.
    """

    part = "encoder"  # of the module
    takes = "pooled_output"  # the feature
    metrics = {}  # name -> node of a configuration; the first is the default

    def __init__(
        self, feature=None, data_reader=None, num_classes=None, feed_list=None, config=None, metrics_choices="default",
        startup_program=None, main_program=None,
    ):  # fmt: skip
        name = type(self).__name__
        if getattr(feature, "program", None) is None:
            raise ConfigError(f"{name}: feature is {feature!r}; it is an output of module.context()")
        self.program, self.trainable = feature.program, feature.program.trainable
        if self.trainable.part != self.part or feature.name != self.takes:
            raise ConfigError(
                f"{name}: takes the {self.takes} of a module, not {feature.name} of {self.program.module}"
            )
        if data_reader is None or not hasattr(data_reader, "data_type"):
            raise ConfigError(f"{name}: data_reader is {data_reader!r}; it is a reader of hub.reader")
        self.reader, self.dataset, self.config = data_reader, data_reader.dataset, config or RunConfig()
        self.check_feed(feed_list)
        self.num_classes = self.check_classes(num_classes)
        self.metric = self.choose_metric(metrics_choices)
        self.hooks, self._model = Hooks(self), None

    def check_feed(self, names):
        """Raises ConfigError for an input that the module does not have."""
        from common.hub.context import INPUTS

        known = INPUTS[self.part]
        for name in names or ():
            if str(name) not in known:
                near = did_you_mean(name, known)
                raise ConfigError(
                    f"feed_list: {self.program.module} has no input '{name}'{near}; it has {', '.join(known)}"
                )

    def check_classes(self, given):
        """The number of classes: that of the dataset, which a given one must equal."""
        count = None if self.dataset is None else self.dataset.num_labels
        if given is not None and count is not None and given != count:
            raise ConfigError(
                f"{type(self).__name__}: num_classes is {given}, but {type(self.dataset).__name__} has {count} labels: "
                f"{', '.join(map(str, self.dataset.get_labels()[:8]))}"
            )
        return count if given is None else given

    def choose_metric(self, choices):
        """The node of the metric that selects the best epoch (dict)."""
        first = choices if isinstance(choices, str) else next(iter(choices or ()), "default")
        if first == "default":
            return dict(next(iter(self.metrics.values())))
        if first not in self.metrics:
            near = did_you_mean(first, self.metrics)
            raise ConfigError(f"metrics_choices: there is no '{first}'{near}; there are {', '.join(self.metrics)}")
        return dict(self.metrics[first])

    # Given by a subclass

    def model(self):
        """The `model:` of the configuration (dict)."""
        raise NotImplementedError

    def transforms(self, training):
        """The transforms of a split (list[dict])."""
        raise NotImplementedError

    # The run

    @property
    def folder(self):
        """The folder of the run (Path), `checkpoint_dir`."""
        return self.config.checkpoint_dir

    @property
    def configuration(self):
        """The configuration of the run (dict), as `tools/train.py -c` takes it.

        Raises:
            ConfigError: the reader has no dataset, or that has no training data.
        """
        if self.dataset is None or not self.dataset.has("train"):
            raise ConfigError(f"{type(self).__name__}: the reader's dataset has no training data")
        data = {split: self.split(split) for split, phase in PHASES.items() if self.dataset.has(phase)}
        found = {
            "kit": self.trainable.kit, "name": self.folder.name, "output_dir": str(self.folder.parent),
            "seed": self.config.seed if self.reader.random_seed is None else self.reader.random_seed,
            "log_every": self.config.log_interval, "device": "auto" if self.config.use_cuda else "cpu",
            "model": self.model(), "data": data | {"metric": self.metric}, "optimizer": self.optimizer(),
            "train": self.train_section(), "eval": {"batch_size": self.eval_batch()},
        }  # fmt: skip
        found |= {"labels": list(map(str, self.dataset.get_labels()))} if self.num_classes is not None else {}
        found |= {"pretrained": str(self.trainable.weights)} if self.program.pretrained else {}
        return escape_references(found)

    def split(self, split):
        """A split of the data (dict)."""
        phase = PHASES[split]
        place = self.dataset.split_of(phase, self.folder / "data")
        return {"type": self.reader.data_type(phase), **place, "transforms": self.transforms(split == "train")}

    def train_section(self):
        """The `train:` section (dict)."""
        config = self.config
        sizes = {"epochs": config.num_epoch, "batch_size": config.batch_size}
        return sizes | {"workers": 0, "save_every_steps": config.save_ckpt_interval}

    def eval_batch(self):
        """Examples that are evaluated together."""
        return self.config.batch_size

    def optimizer(self):
        """The `optimizer:` section (dict)."""
        strategy = self.config.strategy
        found = strategy.optimizer(self.part, self.total_steps() if strategy.decay == "noam_decay" else None)
        frozen = [] if self.program.learns else [{"match": f"{self.part}.*", "freeze": True}]
        return found | ({"groups": [*found.get("groups", []), *frozen]} if frozen else {})

    def total_steps(self):
        """Updates of the run, for strategies that need their number; None where it is not known before the run."""
        counted = getattr(self.reader, "data", None) == "LabeledTexts" and not self.reader.in_tokens
        if not counted:
            return None
        return max(1, len(self.dataset.get_train_examples()) // self.config.batch_size) * self.config.num_epoch

    def run(self, options=None, **changes):
        """The run of the configuration (Run), with changes such as `weights=PATH`."""
        from common.training.run import Run

        set_up_logging()
        return Run(load_config({**self.configuration, **changes}), options)

    def options(self):
        """The options of the training (RunOptions): what is there goes on, curves go to VisualDL."""
        from common.training.options import RunOptions

        curves = importlib.util.find_spec("visualdl") is not None
        if not curves:
            logger.info("no curves are written for VisualDL, which is not installed: pip install visualdl")
        hooks = HookCallback(self.hooks, self.config.log_interval, self.config.save_ckpt_interval)
        return RunOptions(
            evaluate=self.dataset.has("dev"), resume="auto", visualdl=curves, callbacks=[hooks],
            command_line=["hub", type(self).__name__],
        )  # fmt: skip

    @property
    def weights(self):
        """The best checkpoint of the run, or its last one without validation data (Path).

        Raises:
            ConfigError: there is no checkpoint.
        """
        for name in ("best", "last"):
            if (self.folder / name).exists():
                return self.folder / name
        raise ConfigError(f"{self.folder}: there is no checkpoint; call finetune() first")

    # The calls

    def finetune(self):
        """Trains from where the folder of the run ended, and keeps the best epoch (Trained)."""
        self.hooks.call("build_env_start")
        run = self.run(self.options())
        self.hooks.call("build_env_end")
        self._model = None
        return run.train()

    def eval(self, phase="dev", load_best_model=True):
        """The scores of the best epoch, or of the last one, on a split: {name: score}.

        Args:
            phase (str): train, dev or test.
            load_best_model (bool): the best epoch, else the last one.

        Raises:
            ConfigError: there is no such split, or nothing was trained.
        """
        if phase not in SPLITS:
            raise ConfigError(f"eval: phase is {phase!r}{did_you_mean(phase, SPLITS)}; it is train, dev or test")
        weights = self.weights if load_best_model else self.folder / "last"
        self.hooks.call("eval_start")
        scores = self.run(weights=str(weights), pretrained=None).evaluate(SPLITS[phase])[0]
        self.hooks.call("eval_end", scores=scores)
        logger.info("[%s dataset evaluation result] %s", phase, " ".join(f"{k}={v:.5f}" for k, v in scores.items()))
        return scores

    def finetune_and_eval(self):
        """Trains, then gives the scores of the best epoch on the test split, or without one on the validation split."""
        trained = self.finetune()
        phase = next((phase for phase in ("test", "dev") if self.dataset.has(phase)), None)
        return trained.scores if phase is None else self.eval(phase)

    def predict(self, data, load_best_model=True, return_result=False):
        """The predictions of inputs.

        Args:
            data (list): texts, `[text]` or `[text_a, text_b]`; paths of images; or arrays RGB uint8 [H, W, 3].
            load_best_model (bool): the best epoch, else the last one.
            return_result (bool): the best label of each input alone.

        Returns:
            list: for each input its records, as `tools/infer.py --json` prints them, or its best label.
        """
        from common.inference.given import as_sample
        from common.inference.results import Predictions, Several
        from common.inference.run import predict_one

        weights = str(self.weights if load_best_model else self.folder / "last")
        self.hooks.call("predict_start")
        if self._model is None or self._model[0] != weights:
            self._model = weights, self.run(weights=weights, pretrained=None).predictor()
        model = self._model[1]
        samples = [as_sample(model.task, self.as_input(given)) for given in data]
        found = Several(Predictions(model, given, *predict_one(model, given)) for given in samples)
        self.hooks.call("predict_end", run_results=found)
        return [self.result_of(records) for records in found] if return_result else found

    def as_input(self, given):
        """An input as inference takes it: `[text_a, text_b]` is a line with a tab."""
        return "\t".join(map(str, given)) if isinstance(given, list | tuple) else given

    def result_of(self, records):
        """The best label of the records of an input; None without any."""
        return records[0]["label"] if records else None

    def save_inference_model(self, dirname, model_filename=None, params_filename=None):
        """Exports the best epoch to a folder (Path), for inference in Python, C++ and the server."""
        return self.run(weights=str(self.weights), pretrained=None).export(Path(dirname))

    def add_hook(self, hook_type, name=None, func=None):
        """Calls a function at an event, see `common.hub.finetune.hooks`."""
        self.hooks.add(hook_type, name, func)

    def modify_hook(self, hook_type, name, func):
        """Replaces the hook of this name."""
        self.hooks.modify(hook_type, name, func)

    def delete_hook(self, hook_type, name):
        """Removes the hook of this name."""
        self.hooks.delete(hook_type, name)

    def hooks_info(self, only_customized=True):
        """The hooks by event: {event: [name]}; with `only_customized` false also events without any."""
        found = {event: list(named) for event, named in self.hooks.known.items()}
        return {event: names for event, names in found.items() if names or not only_customized}
