"""Runs an exported model from Python; the one class that inference, evaluation and the server use."""

import importlib
import os
from pathlib import Path

import numpy as np
import yaml

from common.build.inputs import check_inputs
from common.config import namespace
from common.data.pipeline import Pipeline
from common.data.transform import Transform, random_for
from common.errors import ConfigError, EnvironmentProblem
from common.inference.onnx_engines import OneAtATime, load_onnx
from common.log import logger
from common.suggest import did_you_mean
from common.system import runtime
from common.system.device import select_device
from common.text.vocabulary import check_vocabulary_size
from common.weights.manifest import verify_manifest


class Predictor:
    """An exported folder, loaded.

    Args:
        folder (str | Path): what `export` wrote.
        threads (int): threads of the math library; 0 for what `common.system.runtime` has chosen.
        engine (str): paddle, onnxruntime or openvino; what infer.yml says when None.

    Raises:
        ConfigError: the folder is not there, or holds no export.
        EnvironmentProblem: a file is missing, truncated or altered (the framework itself would run and answer
            garbage).
    """

    def __init__(self, folder, threads=0, engine=None):
        self.folder = Path(folder)
        refuse_other(self.folder)
        verify_manifest(self.folder)
        self.about = yaml.safe_load((self.folder / "infer.yml").read_text(encoding="utf-8"))
        self.labels, self.task = self.about["labels"], self.about["task"]
        self.inputs = {entry["name"]: (entry["shape"], entry["dtype"]) for entry in self.about["inputs"]}
        self.outputs = self.about["outputs"]
        engine = engine or self.about.get("engine", "paddle")
        if engine == "paddle":
            self.engine = load_engine(self.folder / "model", threads, self.about.get("delete_passes"))
        else:
            runtime.prepare(load=False)
            self.engine = load_onnx(self.folder, engine, threads)
        self.pipeline = Pipeline(self.preprocess())

    def preprocess(self):
        """The transforms of infer.yml, built from `common` alone."""
        index = namespace.Namespace(Path(__file__).resolve().parents[1])
        transforms = []
        for entry in self.about["preprocess"]:
            kind = index.resolve(entry["type"])
            if not (isinstance(kind, type) and issubclass(kind, Transform)):  # an export may come from anywhere
                raise EnvironmentProblem(f"{self.folder / 'infer.yml'}: '{entry['type']}' is no transform")
            arguments = {key: value for key, value in entry.items() if key != "type"}
            carried = {key: str(self.folder / arguments[key]) for key in carried_files(kind, arguments)}
            if away := [name for name in carried.values() if Path(name).parent != self.folder]:
                raise EnvironmentProblem(f"{self.folder / 'infer.yml'}: {away[0]} is outside of the folder")
            transforms.append(kind(**arguments | carried))
        return transforms

    def clone(self):
        """A predictor that shares these weights, for another thread."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.engine = self.engine.clone()
        return twin

    def run(self, inputs):
        """Answers one batch.

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
        return dict(zip(self.outputs, run_engine(self.engine, inputs), strict=True))

    def task_module(self):
        """`common.tasks.<task>`: turns outputs into records and draws them."""
        return importlib.import_module(f"common.inference.tasks.{self.task}")

    def decode(self, sample):
        """The sample after the first transform, which decodes a picture or cuts a text; raises BadSample."""
        return self.pipeline.transforms[0](dict(sample), random_for(0))


# Passes of the framework's predictor that fail on a program that holds an operator of this name
HARMFUL_PASSES = {
    "leaky_relu": "conv_activation_onednn_fuse_pass",  # it reads the slope, a double, as a float: SIGSEGV
    "nearest_interp": "onednn_placement_pass",  # it cannot read the list of scales; convolutions stay with oneDNN
    "bilinear_interp": "onednn_placement_pass",
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
    """The answers to a batch, a list of arrays; `inputs` holds an array by the name of each input."""
    if isinstance(engine, OneAtATime):
        return engine.run(inputs)
    for name in engine.get_input_names():
        engine.get_input_handle(name).copy_from_cpu(np.ascontiguousarray(inputs[name]))
    engine.run()
    return [engine.get_output_handle(name).copy_to_cpu() for name in engine.get_output_names()]


def refuse_other(folder):
    """Refuses a path that is no exported folder, and says what it is."""
    if (folder / "infer.yml").is_file():
        return
    if not folder.exists():
        raise ConfigError(f"--model {folder}: there is no such folder{nearest_name(folder)}")
    if (folder / "model.safetensors").exists() or folder.suffix in (".safetensors", ".pdparams"):
        raise ConfigError(
            f"--model {folder}: weights of training, not an exported model; export them with tools/export.py, "
            f"or give -c CONFIG -o weights={folder}"
        )
    if (folder / "manifest.json").exists():
        raise EnvironmentProblem(f"{folder}: infer.yml is missing, the export is not complete; export it again")
    raise ConfigError(f"--model {folder}: no exported model; give the folder that tools/export.py wrote")


def nearest_name(folder):
    """Which folder beside a missing one was probably meant."""
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    return did_you_mean(str(folder), [str(path) for path in beside if path.is_dir()])


class ModelInMemory:
    """A checkpoint in the model it was trained in, asked the same way as an exported one.

    Args:
        model (nn.Layer): with `inputs`, `outputs` and `task`.
        transforms (list[Transform]): the pre-processing.
        labels (list[str]): class names.
    """

    def __init__(self, model, transforms, labels):
        from common.build.model import predictor_of

        model.eval()
        self.run = predictor_of(model)
        self.inputs, self.labels, self.task = model.inputs, labels, model.task
        self.pipeline = Pipeline(transforms)

    @classmethod
    def from_config(cls, config):
        """The model of a checked configuration on its `weights`."""
        from common.build.data import build_transforms, given_classes
        from common.build.model import build_model, labels_of, load_weights, read_weights

        arrays = read_weights(config)
        labels = labels_of(config)
        runtime.prepare()
        select_device(config.get("device"))
        model = build_model(config, labels)
        load_weights(model, arrays, config)
        split = inference_split(config)
        transforms = build_transforms(config, split, **given_classes(labels))
        check_vocabulary_size(transforms, model)
        return cls(model, transforms, labels)

    task_module = Predictor.task_module
    decode = Predictor.decode


def inference_split(config):
    """The part of `data:` whose transforms prepare what is answered, exported or not; that of training if need be."""
    split = next((s for s in ("infer", "eval", "test") if config.get(f"data.{s}")), "train")
    if split == "train" and config.get("data.train"):
        logger.warning("there is neither data.eval nor data.test: what is answered is prepared as for training")
    return split


def predict(model, samples, threshold=None):
    """The records of decoded samples, run as one batch.

    Args:
        model (Predictor | ModelInMemory): asked.
        samples (list[dict]): as `decode` leaves them; they are not changed.
        threshold (float): answers that score less are left out; None for what suits the task.

    Returns:
        list[list[dict]]: what `common.tasks.<task>.records` gives, a list for each sample.
    """
    return answer(model, prepared(model, samples), threshold)


def answer(model, ready, threshold=None):
    """The records of prepared samples, see :func:`predict`."""
    outputs, task = model.run(stacked(model, ready)), model.task_module()
    threshold = task.THRESHOLD if threshold is None else threshold
    asked = {"samples": ready} if task.INPUT in ("text", "sound") else {}
    return task.records(outputs, model.labels, threshold, **asked)[: len(ready)]


def prepared(model, samples):
    """The decoded samples after the transforms that see one sample each; raises BadSample."""
    rest = Pipeline(model.pipeline.transforms[1:])
    return [rest.sample([dict(sample)], 0, 0) for sample in samples]


def stacked(model, samples):
    """Prepared samples as the batch that `run` takes, {name: array}; a fixed batch is filled with the last sample."""
    samples = list(Pipeline(model.pipeline.transforms[1:]).batch(samples, 0, 0))
    samples += samples[-1:] * ((fixed_batch(model) or 0) - len(samples))
    return {name: np.stack([sample[name] for sample in samples]) for name in model.inputs}


def carried_files(kind, arguments):
    """The arguments of a transform that are files, which an exported folder carries (list of their names)."""
    return [key for key in getattr(kind, "files", ()) if arguments.get(key)]


def fixed_batch(model):
    """How many samples a model takes at a time, where its export has fixed that; else None."""
    shape, _ = next(iter(model.inputs.values()))
    return shape[0] if shape[0] and shape[0] > 0 else None
