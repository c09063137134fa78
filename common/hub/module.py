"""One installed module: predictions in one line.

from common import hub

hub.Module(name="lac").lexical_analysis(texts=["百度是一家高科技公司"])
hub.Module(name="mobilenet_v2_imagenet").classification(images=["cat.jpg"])
"""

from pathlib import Path

import numpy as np

from common.errors import ConfigError
from common.hub.card import read_card, verify_module
from common.hub.home import Home
from common.suggest import did_you_mean

METHODS = {  # a name that people call -> the tasks that it runs
    "lexical_analysis": ("SequenceLabeling",),
    "cut": ("SequenceLabeling",),
    "sentiment_classify": ("TextClassification",),
    "text_classification": ("TextClassification",),
    "classification": ("ImageClassification",),
    "object_detection": ("Detection", "InstanceSegmentation"),
    "face_detection": ("Detection",),
    "instance_segmentation": ("InstanceSegmentation",),
    "segmentation": ("SemanticSegmentation",),
    "speech_recognition": ("SpeechRecognition", "StreamingRecognition", "SpeechTranscription"),
    "reading_comprehension": ("ReadingComprehension",),
    "ranking": ("Ranking",),
    "embed": ("SentenceEmbedding", "Embedding"),
    "similarity": ("SentenceEmbedding", "Embedding"),
}
GIVEN = {  # input of a task -> the keyword of its inputs, and the keys of the old `data={...}`
    "text": ("texts", ("text",)),
    "image": ("images", ("image", "paths")),
    "audio": ("recordings", ("audio", "sound")),
    "table": ("rows", ("row",)),
}


class Module:
    """An installed module, or one in a folder.

    Beside :meth:`predict` it has a method named by its task, such as `lexical_analysis`, `classification`,
    `object_detection`; `dir(module)` lists them.

    Args:
        name (str): `NAME` or `NAME==VERSION` of an installed module.
        directory (str | Path): instead, the folder of a module; its files are verified.
        version (str): of the module, the newest when None.
        engine (str): inference engine: paddle, onnxruntime or openvino; that of the module when None.

    Raises:
        ConfigError: neither or both are given, or the module is not installed.
        EnvironmentProblem: a file of the folder is damaged.
    """

    def __init__(self, name=None, directory=None, version=None, engine=None):
        if (name is None) == (directory is None):
            raise ConfigError("Module takes either name=, of an installed module, or directory=")
        if directory is not None:
            self.folder = Path(directory)
            self.card = verify_module(self.folder)
        else:
            self.folder = Home().find(name if version is None else f"{name}=={version}")
            self.card = read_card(self.folder)
        self.engine, self._model = engine, None

    @property
    def model(self):
        """The exported model (Predictor), loaded when it is first needed."""
        if self._model is None:
            from common.inference.predictor import Predictor

            self._model = Predictor(self.folder, engine=self.engine)
        return self._model

    def predict(self, inputs, threshold=None):
        """The predictions of each input (Several): its records, as `tools/infer.py --json` prints them.

        Args:
            inputs (list): texts; paths, arrays (RGB uint8 [H, W, 3]) or PIL images; recordings as paths or
                (float32 [T], rate in Hz); rows as dicts.
            threshold (float): minimum score; that of the module when None.

        Raises:
            DataError: an input cannot be read.
        """
        from common.inference.given import as_sample
        from common.inference.results import Predictions, Several
        from common.inference.run import predict_one

        samples = [as_sample(self.model.task, given) for given in inputs]
        return Several(Predictions(self.model, given, *predict_one(self.model, given, threshold)) for given in samples)

    def methods(self):
        """The names of the methods of this module's task."""
        return [name for name, tasks in METHODS.items() if self.model.task.name in tasks]

    def __dir__(self):
        return [*super().__dir__(), *self.methods()]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if name in METHODS and name in self.methods():
            return self._similarity if name == "similarity" else self._call
        raise AttributeError(f"{self.card} has no method '{name}'{did_you_mean(name, ['predict', *self.methods()])}")

    def _call(self, data=None, threshold=None, use_gpu=False, batch_size=1, **inputs):
        """The method of a task: `texts=[...]`, `images=[...]`, ..., or the old `data={"text": [...]}`."""
        keyword, old = GIVEN[self.model.task.input]
        given = inputs.pop(keyword, None)
        for key in (*old, keyword):
            given = inputs.pop(key, None) if given is None else given
            given = data.get(key) if given is None and isinstance(data, dict) else given
        if given is None and data is not None and not isinstance(data, dict):
            given = data
        if inputs or not isinstance(given, list | tuple):
            odd = f"not {', '.join(inputs)}=" if inputs else "a list"
            raise ConfigError(f"{self.card}: give {keyword}=[...], {odd}")
        return self.predict(list(given), threshold)

    def _similarity(self, others=None, **inputs):
        """Cosines of embeddings, a list of rows: of each input with each of `others`, or with each other input."""
        vectors = _embeddings(self._call(**inputs))
        return (vectors @ (vectors if others is None else _embeddings(self._call(list(others)))).T).tolist()


def _embeddings(found):
    """The vectors of the records of `Embedding` or `SentenceEmbedding`, scaled to length 1: [N, E]."""
    from common.inference.nearest import unit_rows

    return unit_rows(np.array([records[0]["embedding"] for records in found], np.float64))
