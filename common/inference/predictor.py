"""Runs an exported model from Python; the one class that inference, evaluation and the server use."""

import contextlib
import functools
import itertools
import os
from pathlib import Path

import numpy as np

from common.build.inputs import check_inputs, check_transforms
from common.build.preparation import warn_of_other_preparation
from common.contract import get_optional
from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.errors import EnvironmentProblem, KitError, NotFinite
from common.inference.exported import AGAIN, Exported, inference_split, limits_of
from common.inference.fastest import PROGRAMS, open_engine
from common.inference.thresholds import chosen_task
from common.system import runtime
from common.system.device import select_device
from common.text.vocabulary import check_vocabulary_size
from common.weights.manifest import verify_manifest


class Predictor:
    """An exported folder, loaded.

    Attributes:
        threshold_from (str | None): source of the task's threshold; None if it is its default.
        engine_name (str): the engine that runs it: paddle, onnxruntime or openvino.

    Args:
        folder (str | Path): what `export` wrote.
        threads (int): threads of the math library; 0 for what `common.system.runtime` has chosen.
        engine (str): paddle, onnxruntime, openvino, or auto for the fastest of them; what infer.yml says when None.
        batch (int): samples that will mostly come together, for the choice of `auto`.

    Raises:
        ConfigError: the folder is not there, or holds no export.
        EnvironmentProblem: a file is missing, truncated or altered (the framework itself would run and return
            garbage), or the kit of its transforms or its task is not here.
    """

    threshold_from = None
    category_ids = None  # of the classes in predictions; None for their indices

    def __init__(self, folder, threads=0, engine=None, batch=1):
        exported = Exported(folder)
        verify_manifest(exported.folder, without=itertools.chain(*PROGRAMS.values()))
        runtime.prepare(load=False)
        self.folder, self.about = exported.folder, exported.about
        self.labels, self.task = self.about["labels"], exported.task()
        self.category_ids = self.about.get("category_ids")
        if self.about.get("threshold_from"):
            self.threshold_from = f"{self.about['threshold_from']} ({exported.file})"
        self.original_pixels = getattr(self.task, "original_pixels", False)
        self.inputs = {entry["name"]: (entry["shape"], entry["dtype"]) for entry in self.about["inputs"]}
        self.outputs = self.about["outputs"]
        self.pipeline = Pipeline(exported.transforms())
        places = [f"{exported.file}: preprocess[{number}]" for number in range(len(self.pipeline.transforms))]
        check_transforms(self.pipeline.transforms, self, places, "the export", "its model")
        self.lookups = exported.lookups()
        threads = threads or int(os.environ.get("OMP_NUM_THREADS", "1"))
        framework = functools.partial(load_engine, self.folder / "model", threads, self.about.get("delete_passes"))
        asked = engine or self.about.get("engine", "paddle")
        self.engine_name, self.engine = open_engine(self, asked, threads, batch, framework, run_engine)

    def clone(self):
        """A predictor that shares these weights, for another thread."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.engine = self.engine.clone()
        return twin

    def run(self, inputs):
        """The outputs of one batch.

        Args:
            inputs (dict[str, ndarray]): by the names and dtypes of infer.yml.

        Returns:
            dict[str, ndarray]: by the names of infer.yml.

        Raises:
            ConfigError: an input is missing, or of another rank, size or dtype.
        """
        check_inputs(
            self.inputs, inputs, "the caller", f"the model of {self.folder}", self.about.get("size_multiple", 1)
        )
        with explained(self, "the program does not fit its inputs and outputs"):
            inputs = inputs | self.lookups.rows_of(inputs)
            return dict(zip(self.outputs, run_engine(self.engine, inputs), strict=True))

    def decode(self, sample):
        """The sample after the first transform, which decodes an image or cuts a text; raises BadSample."""
        with explained(self, "preprocess does not fit the task"):
            return self.pipeline.transforms[0](dict(sample), random_for(0))


@contextlib.contextmanager
def explained(model, what):
    """Context manager around work with what infer.yml describes: it may describe another model than is there.

    Raises:
        EnvironmentProblem: for any error of an exported model that has no message of the project.
    """
    try:
        yield
    except (KitError, OSError, MemoryError):
        raise
    except Exception as error:
        if not hasattr(model, "folder"):
            raise
        text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise EnvironmentProblem(f"{model.folder}/infer.yml: {what} ({text}); {AGAIN}") from error


# Passes of the framework's predictor that fail on a program that holds an operator of this name (or this text)
HARMFUL_PASSES = {
    "leaky_relu": "conv_activation_onednn_fuse_pass",  # it reads the slope, a double, as a float: SIGSEGV
    "nearest_interp": "onednn_placement_pass",  # it cannot read the list of scales; convolutions stay with oneDNN
    "bilinear_interp": "onednn_placement_pass",
    '"#":"1.while"': "inplace_pass",  # beside oneDNN it overwrites values that the body of a loop uses again
}


def passes_to_delete(prefix):
    """The passes that `<prefix>.json` must not meet; exports note them in infer.yml for all who load them."""
    program = Path(f"{prefix}.json").read_text(encoding="utf-8")
    return sorted({name for operator, name in HARMFUL_PASSES.items() if operator in program})


def load_engine(prefix, threads=0, delete_passes=None):
    """The framework's predictor of `<prefix>.json` and `<prefix>.pdiparams`.

    Args:
        prefix (str | Path): of the two files.
        threads (int): of the math library; 0 for what `common.system.runtime` has chosen.
        delete_passes (list[str] | None): left out of the framework's own; None: found in the program.
    """
    runtime.prepare()
    from paddle import inference

    config = inference.Config(f"{prefix}.json", f"{prefix}.pdiparams")
    config.disable_gpu()
    config.enable_new_ir(True)
    config.enable_new_executor()
    config.enable_memory_optim()
    config.disable_glog_info()
    config.enable_mkldnn()
    for name in passes_to_delete(prefix) if delete_passes is None else delete_passes:
        config.delete_pass(name)
    config.set_cpu_math_library_num_threads(threads or int(os.environ.get("OMP_NUM_THREADS", "1")))
    return inference.create_predictor(config)


def run_engine(engine, inputs):
    """The outputs of a batch, a list of arrays; `inputs` holds an array by the name of each input."""
    if not hasattr(engine, "get_input_names"):
        return engine.run(inputs)
    for name in engine.get_input_names():
        engine.get_input_handle(name).copy_from_cpu(np.ascontiguousarray(inputs[name]))
    engine.run()
    return [engine.get_output_handle(name).copy_to_cpu() for name in engine.get_output_names()]


class ModelInMemory:
    """A checkpoint in the model it was trained in, used the same way as an exported one.

    Args:
        model (nn.Layer): with `inputs` and `outputs`.
        transforms (list[Transform]): the pre-processing.
        labels (list[str]): class names.
        task (Task): what the outputs mean.
        threshold_from (str | None): source of the task's threshold; None if it is its default.
    """

    def __init__(self, model, transforms, labels, task, threshold_from=None):
        from common.build.model import predictor_of

        model.eval()
        self.run = predictor_of(model)
        self.inputs, self.labels, self.task, self.threshold_from = model.inputs, labels, task, threshold_from
        self.about, self.category_ids = get_optional(model, "model", "about"), None
        self.pipeline = Pipeline(transforms)

    @classmethod
    def from_config(cls, config):
        """The model of a checked configuration on its `weights`."""
        from common.build.data import build_transforms, given_classes
        from common.build.model import (
            build_model,
            category_ids_of,
            labels_of,
            load_weights,
            read_configured_weights,
            weights_of,
        )

        arrays = read_configured_weights(config)
        labels = labels_of(config, weights=weights_of(config))
        runtime.prepare()
        select_device(config.get("device"))
        model = build_model(config, labels)
        load_weights(model, arrays, config)
        split = inference_split(config)
        warn_of_other_preparation(config, split, weights_of(config))
        transforms = build_transforms(config, split, **given_classes(labels))
        check_vocabulary_size(transforms, model)
        found = cls(model, transforms, labels, *chosen_task(config, model))
        found.about, found.category_ids = found.about | {"limits": limits_of(config)}, category_ids_of(config)
        return found

    decode = Predictor.decode


def predict(model, samples, threshold=None):
    """The records of decoded samples, run as one batch.

    Args:
        model (Predictor | ModelInMemory): predicts.
        samples (list[dict]): as `decode` leaves them; they are not changed.
        threshold (float): predictions that score less are left out; None for the task's own threshold.

    Returns:
        list[list[dict]]: what `Task.records` gives, a list for each sample.
    """
    return predict_prepared(model, prepare_samples(model, samples), threshold)


def predict_prepared(model, samples, threshold=None):
    """The records of prepared samples, see :func:`predict`."""
    with explained(model, "preprocess makes no such inputs"):
        batch = stack(model, samples)
    return records_of(model, model.run(batch), samples, threshold)[: len(samples)]


def records_of(model, outputs, samples, threshold):
    """The records of the outputs of a batch, see :meth:`Task.records`; raises NotFinite."""
    check_finite(outputs)
    threshold = model.task.threshold if threshold is None else threshold
    with explained(model, f"the task {model.task.name} cannot read these outputs"):
        found = model.task.records(outputs, samples, model.labels, threshold)
    if ids := getattr(model, "category_ids", None):
        for record in itertools.chain.from_iterable(found):
            if record.get("category_id", len(ids)) < len(ids):
                record["category_id"] = ids[record["category_id"]]
    return found


def check_finite(outputs):
    """Refuses outputs that no prediction can be made of; -inf is a score that masks leave behind, and passes.

    Args:
        outputs (dict[str, ndarray]): of a model.

    Raises:
        NotFinite: a value is NaN or infinite.
    """
    for name, value in outputs.items():
        if value.dtype.kind == "f" and not np.all(value < np.inf):
            count = np.count_nonzero(~(value < np.inf))
            raise NotFinite(
                f"error[D153] the model's output '{name}' has {count} values that are NaN or infinite: its weights "
                "are damaged or diverged, or it does not bear this input"
            )


def prepare_samples(model, samples):
    """The decoded samples after the transforms that see one sample each; raises BadSample."""
    rest = Pipeline(model.pipeline.transforms[1:])
    with explained(model, "preprocess does not fit the task"):
        return [rest.sample([dict(sample)], 0, 0) for sample in samples]


def stack(model, samples):
    """Prepared samples as the batch that `run` takes, {name: array}; a fixed batch is filled with the last sample."""
    samples = list(Pipeline(model.pipeline.transforms[1:]).batch(samples, 0, 0))
    samples += samples[-1:] * ((fixed_batch(model) or 0) - len(samples))
    return {name: np.stack([sample[name] for sample in samples]) for name in model.inputs}


def fixed_batch(model):
    """The fixed batch size of an export, or None."""
    shape, _ = next(iter(model.inputs.values()))
    return shape[0] if shape[0] and shape[0] > 0 else None
