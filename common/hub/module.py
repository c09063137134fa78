"""One installed module: predictions in one line.

from common import hub

hub.Module(name="lac").lexical_analysis(texts=["百度是一家高科技公司"])
hub.Module(name="mobilenet_v2_imagenet").classification(images=["cat.jpg"])
"""

import re
from pathlib import Path

import numpy as np

from common.errors import ConfigError
from common.hub.card import read_card, verify_module
from common.hub.context import Program, context_of
from common.hub.home import Home
from common.hub.trainable import FOLDER, Trainable
from common.suggest import did_you_mean

METHODS = {  # a name that people call -> the tasks that it runs
    "lexical_analysis": ("SequenceLabeling",),
    "cut": ("SequenceLabeling",),
    "sentiment_classify": ("TextClassification",),
    "text_classification": ("TextClassification",),
    "classification": ("ImageClassification",),
    "object_detection": ("Detection", "InstanceSegmentation"),
    "face_detection": ("Detection", "FaceDetection"),
    "keypoint_detection": ("KeypointDetection",),
    "instance_segmentation": ("InstanceSegmentation",),
    "segmentation": ("SemanticSegmentation",),
    "recognize_text": ("TextReading", "TextRecognition"),
    "speech_synthesis": ("SpeechSynthesis",),
    "speech_recognition": ("SpeechRecognition", "HybridRecognition", "StreamingRecognition", "SpeechTranscription"),
    "reading_comprehension": ("ReadingComprehension",),
    "ranking": ("Ranking",),
    "embed": ("SentenceEmbedding", "Embedding"),
    "similarity": ("SentenceEmbedding", "Embedding"),
}
GIVEN = {  # input of a task -> the keyword of its inputs, and the keys of the old `data={...}`
    "text": ("texts", ("text",)),
    "image": ("images", ("image", "paths")),
    "audio": ("recordings", ("audio", "sound")),
    "video": ("videos", ("video", "paths")),
    "features": ("features", ("features", "paths")),
    "points": ("clouds", ("clouds", "paths")),
    "table": ("rows", ("row",)),
}
UNPUBLISHED = re.compile(r"(ernie|bert|roberta|electra|rbt)[a-z0-9_.-]*\Z")  # encoders that no registry carries


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
            self.folder = find_installed(name if version is None else f"{name}=={version}")
            self.card = read_card(self.folder)
        self.engine, self._model = engine, None

    @property
    def model(self):
        """The exported model (Predictor | TextReader), loaded when it is first needed."""
        if self._model is None:
            from common.inference.text_reader import load_model, reads_text

            if not (self.folder / "infer.yml").is_file() and not reads_text(self.folder):
                raise ConfigError(f"{self.card}: is to be fine-tuned and predicts nothing by itself; see context()")

            self._model = load_model(self.folder, engine=self.engine)
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

    def context(self, trainable=True, max_seq_len=128, pretrained=True, **ignored):
        """The context that a task is built on: `inputs, outputs, program = module.context(trainable=True)`.

        Args:
            trainable (bool): whether the weights of the module are trained, or those of the task alone.
            max_seq_len (int): tokens of a text at most, where the reader does not say it.
            pretrained (bool): False starts from random weights instead, to compare with.
            ignored (object): `sign_name`, `for_test`, `regularizer`, `learning_rate`: the strategy has these here.

        Returns:
            tuple: the inputs (name -> Variable), the features (name -> Feature), the Program; see
                `common.hub.context`.

        Raises:
            ConfigError: the module has no weights to fine-tune, or an argument is not known.
        """
        unknown = set(ignored) - {"sign_name", "for_test", "regularizer", "learning_rate"}
        if unknown:
            raise ConfigError(f"{self.card}: context has no argument '{min(unknown)}'")
        return context_of(Program(str(self.card), self.trainable(), trainable, pretrained, max_seq_len))

    def trainable(self):
        """The weights of the module that are fine-tuned (Trainable).

        Raises:
            ConfigError: it has none.
        """
        if not (self.folder / FOLDER).is_dir():
            raise ConfigError(
                f"{self.card}: the module predicts, and has no weights to fine-tune\n  fix: make it again with them: "
                f"python tools/hub.py create RUN --name {self.card.name} --trainable, or reinstall a shipped module"
            )
        return Trainable(self.folder / FOLDER)

    def get_vocab_path(self):
        """The vocabulary of the module's tokens (str).

        Raises:
            ConfigError: it has none.
        """
        found = next((node["vocab"] for node in self.trainable().transforms if node.get("vocab")), None)
        if found is None:
            raise ConfigError(f"{self.card}: the module has no vocabulary")
        return found

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
        if isinstance(others, str):  # list() of it were its letters
            raise ConfigError(f"{self.card}: others=[...] is a list")
        vectors = _embeddings(self._call(**inputs))
        return (vectors @ (vectors if others is None else _embeddings(self._call(list(others)))).T).tolist()


def find_installed(reference):
    """The folder of an installed module (Path).

    Raises:
        ConfigError: it is not installed; of an encoder that no registry carries, how it is had.
    """
    try:
        return Home().find(reference)
    except ConfigError as error:
        name = reference.partition("==")[0]
        if not UNPUBLISHED.match(name) or "this version" in str(error):
            raise
        raise ConfigError(
            f"{str(error).splitlines()[0]}\n  no registry of packages carries its weights\n"
            f"  fix: python tools/hub.py create FOLDER --name {name} --install, where FOLDER has vocab.txt and the "
            "published weights\n       (.pdparams or .safetensors); or fine-tune a module that is there, such as lac"
        ) from None


def _embeddings(found):
    """The vectors of the records of `Embedding` or `SentenceEmbedding`, scaled to length 1: [N, E]."""
    from common.inference.nearest import unit_rows

    return unit_rows(np.array([records[0]["embedding"] for records in found], np.float64))
