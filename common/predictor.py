"""Runs an exported model from Python; the one class that inference, evaluation and the server use."""

import importlib
from pathlib import Path

import numpy as np
import yaml

from common import namespace
from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.errors import ConfigError, EnvironmentProblem
from common.manifest import verify_manifest


class Predictor:
    """An exported folder, loaded.

    Args:
        folder (str | Path): what `export` wrote.
        threads (int): threads of the math library; 0 for what `common.runtime` has chosen.

    Raises:
        EnvironmentProblem: a file is missing, truncated or altered (the framework itself would run and answer
            garbage), or no export is there.
    """

    def __init__(self, folder, threads=0):
        self.folder = Path(folder)
        if not (self.folder / "infer.yml").is_file():
            raise EnvironmentProblem(f"{self.folder} is no exported model: infer.yml is not there (tools/export.py)")
        verify_manifest(self.folder)
        self.about = yaml.safe_load((self.folder / "infer.yml").read_text(encoding="utf-8"))
        self.labels, self.task = self.about["labels"], self.about["task"]
        self.inputs = {entry["name"]: (entry["shape"], entry["dtype"]) for entry in self.about["inputs"]}
        self.outputs = self.about["outputs"]
        self.engine = self.load(threads)
        self.pipeline = Pipeline(self.preprocess())

    def load(self, threads):
        import os

        from paddle import inference

        config = inference.Config(str(self.folder / "model.json"), str(self.folder / "model.pdiparams"))
        config.disable_gpu()
        config.enable_new_ir(True)
        config.enable_new_executor()
        config.enable_memory_optim()
        config.disable_glog_info()
        config.enable_mkldnn()
        if "leaky_relu" in (self.folder / "model.json").read_text(encoding="utf-8"):
            config.delete_pass("conv_activation_onednn_fuse_pass")  # it reads the slope, a double, as a float: SIGSEGV
        config.set_cpu_math_library_num_threads(threads or int(os.environ.get("OMP_NUM_THREADS", "1")))
        return inference.create_predictor(config)

    def preprocess(self):
        """The transforms of infer.yml, built from `common` alone."""
        index = namespace.Namespace(Path(__file__).resolve().parent)
        transforms = []
        for entry in self.about["preprocess"]:
            arguments = {key: value for key, value in entry.items() if key != "type"}
            transforms.append(index.resolve(entry["type"])(**arguments))
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
        for name in self.engine.get_input_names():
            value = np.ascontiguousarray(inputs[name]) if name in inputs else None
            self.check(name, value)
            self.engine.get_input_handle(name).copy_from_cpu(value)
        self.engine.run()
        names = self.engine.get_output_names()
        return {
            name: self.engine.get_output_handle(raw).copy_to_cpu()
            for name, raw in zip(self.outputs, names, strict=True)
        }

    def check(self, name, value):
        shape, dtype = self.inputs[name]
        if value is None:
            raise ConfigError(f"the model's input '{name}' is not given; it takes {', '.join(self.inputs)}")
        fits = value.ndim == len(shape) and all(
            want in (None, -1, size) for want, size in zip(shape, value.shape, strict=True)
        )
        if not fits or str(value.dtype) != dtype:
            raise ConfigError(f"input '{name}' is {value.dtype}{list(value.shape)}; the model takes {dtype}{shape}")

    def task_module(self):
        """`common.tasks.<task>`: turns outputs into records and draws them."""
        return importlib.import_module(f"common.tasks.{self.task}")

    def decode(self, sample):
        """The sample with its picture decoded by the first transform; raises BadSample."""
        return self.pipeline.transforms[0](dict(sample), random_for(0))


class ModelInMemory:
    """A checkpoint in the model it was trained in, asked the same way as an exported one.

    Args:
        model (nn.Layer): with `inputs`, `outputs` and `task`.
        transforms (list[Transform]): the pre-processing.
        labels (list[str]): class names.
    """

    def __init__(self, model, transforms, labels):
        from common.assemble import answer_of

        model.eval()
        self.run = answer_of(model)
        self.inputs, self.labels, self.task = model.inputs, labels, model.task
        self.pipeline = Pipeline(transforms)

    @classmethod
    def from_config(cls, config):
        """The model of a checked configuration on its `weights`."""
        from common import assemble

        labels = assemble.labels_of(config)
        model = assemble.build_model(config, labels)
        assemble.load_weights(model, config, required=True)
        split = next((s for s in ("eval", "test") if config.get(f"data.{s}")), "train")
        return cls(model, assemble.build_transforms(config, split, labels=labels, num_classes=len(labels)), labels)

    task_module = Predictor.task_module
    decode = Predictor.decode


def predict(model, samples, threshold=0.5):
    """The records of decoded samples, run as one batch.

    Args:
        model (Predictor | ModelInMemory): asked.
        samples (list[dict]): as `decode` leaves them; they are not changed.
        threshold (float): answers that score less are left out.

    Returns:
        list[list[dict]]: what `common.tasks.<task>.records` gives, a list for each sample.
    """
    rest = Pipeline(model.pipeline.transforms[1:])
    prepared = [rest.sample([dict(sample)], 0, 0) for sample in samples]
    prepared = rest.batch(prepared, 0, 0)
    batch = {name: np.stack([sample[name] for sample in prepared]) for name in model.inputs}
    return model.task_module().records(model.run(batch), model.labels, threshold)
