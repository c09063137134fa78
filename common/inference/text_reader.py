"""Reads the text of images by several exported models: one finds lines, one turns them upright, one reads them.

Shapes in this file:
    H x W pixels of an image, h x w pixels of a line cut out of it.
"""

from pathlib import Path

import cv2
import numpy as np

from common.errors import ConfigError, DataError, NotFinite
from common.inference.exported import Exported
from common.inference.predictor import Predictor, predict, predict_prepared, prepare_samples
from common.inference.tasks.text_reading import TextReading

DETECTION, DIRECTION, RECOGNITION = "detection", "direction", "recognition"  # folders; direction may be missing
TASKS = {DETECTION: "TextDetection", DIRECTION: "ImageClassification", RECOGNITION: "TextRecognition"}
AT_A_TIME = 8  # lines that are predicted together
UPRIGHT = 1.5  # a line that is this many times as high as wide is read from bottom to top
TURNED = "180"  # the class of the lines that are upside down


def load_model(folder, threads=0, engine=None, batch=1):
    """The model in a folder: a Predictor, or a TextReader where it holds a detector and a recognizer of text.

    Args:
        folder (str | Path): an export, or a folder of several.
        threads (int): of the math library; 0 for what `common.system.runtime` has chosen.
        engine (str): paddle, onnxruntime, openvino or auto; what infer.yml says when None.
        batch (int): samples that will mostly come together, for the choice of `auto`.

    Raises:
        ConfigError: the folder is not there, or holds no export.
        EnvironmentProblem: see Predictor.
    """
    return (TextReader if reads_text(folder) else Predictor)(folder, threads, engine, batch)


def task_in(folder):
    """The task of the model in a folder, see :func:`load_model`; no weights are loaded."""
    return TextReading() if reads_text(folder) else Exported(folder).task()


def reads_text(folder):
    """True for a folder with the exports of a TextReader."""
    return all((Path(folder) / part / "infer.yml").is_file() for part in (DETECTION, RECOGNITION))


class TextReader:
    """The lines of text in images, by exported models in the folders detection, recognition and perhaps direction.

    It is used as a Predictor is, by `common.inference.run`.

    Attributes:
        task (TextReading): what is predicted.

    Args:
        folder (str | Path): with these folders.
        threads (int): see :func:`load_model`.
        engine (str): see :func:`load_model`.
        batch (int): see :func:`load_model`.

    Raises:
        ConfigError: a part is an export of another task.
        EnvironmentProblem: see Predictor.
    """

    threshold_from = category_ids = None

    def __init__(self, folder, threads=0, engine=None, batch=1):
        self.folder, self.parts = Path(folder), {}
        for name, task in TASKS.items():
            if not (self.folder / name).is_dir():
                continue
            part = self.parts[name] = Predictor(self.folder / name, threads, engine, batch)
            if part.task.name != task:
                raise ConfigError(f"{self.folder / name}: predicts {part.task.name}, but this folder is for {task}")
        self.detection, self.recognition = self.parts[DETECTION], self.parts[RECOGNITION]
        self.direction = self.parts.get(DIRECTION)
        self.engine_name = self.recognition.engine_name
        self.task, self.labels = TextReading(), self.recognition.labels
        self.inputs, self.pipeline, self.about = self.detection.inputs, self.detection.pipeline, self.detection.about

    def clone(self):
        """A reader that shares these weights, for another thread."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.parts = {name: part.clone() for name, part in self.parts.items()}
        twin.detection, twin.recognition = twin.parts[DETECTION], twin.parts[RECOGNITION]
        twin.direction = twin.parts.get(DIRECTION)
        return twin

    def decode(self, sample):
        """The sample with its image, see :meth:`Predictor.decode`."""
        return self.detection.decode(sample)

    def predict_samples(self, samples, threshold=None):
        """The predictions of samples, see :func:`common.inference.run.predict_samples`."""
        predictions, problems = [], []
        for sample in samples:
            try:
                if "error" in sample:
                    raise sample["error"]
                decoded = self.decode(sample)
                predictions.append((decoded, self.read(decoded, threshold)))
            except NotFinite as error:
                problems.append(DataError(f"{error}\n  {sample.get('name') or sample.get('path', '')}"))
            except DataError as error:
                problems.append(error)
        return predictions, problems

    def read(self, sample, threshold=None):
        """The lines of a decoded sample, in reading order: `text`, `score`, `box` and `points` (list[dict]).

        Args:
            sample (dict): with `image`, RGB uint8 [H, W, 3].
            threshold (float): lines whose text scores less are left out; that of the task when None.
        """
        threshold = self.task.threshold if threshold is None else threshold
        (places,) = predict_prepared(self.detection, prepare_samples(self.detection, [sample]))
        lines = [cut_line(sample["image"], place["points"]) for place in places]
        found = self.texts(self.turned_upright(lines))
        return [
            {"text": record["text"], "score": record["score"], "box": place["box"], "points": place["points"]}
            for place, records in zip(places, found)
            for record in records
            if record["text"].strip() and record["score"] >= threshold
        ]

    def turned_upright(self, lines):
        """Lines, those turned around that the model of directions takes to be upside down."""
        if self.direction is None:
            return lines
        found = predict_in_turn(self.direction, lines)
        turned = [bool(r) and r[0]["label"] == TURNED and r[0]["score"] >= self.task.turned for r in found]
        return [line[::-1, ::-1] if around else line for line, around in zip(lines, turned)]

    def texts(self, lines):
        """The records of the recognizer for each line (list[list[dict]])."""
        return predict_in_turn(self.recognition, lines)


def predict_in_turn(model, images):
    """The records of each image, run in batches of similar width (list[list[dict]]).

    Args:
        model (Predictor): takes images.
        images (list[ndarray]): RGB uint8 [h, w, 3].
    """
    order = sorted(range(len(images)), key=lambda k: images[k].shape[1] / images[k].shape[0])
    found = [None] * len(images)
    for start in range(0, len(order), AT_A_TIME):
        chunk = order[start : start + AT_A_TIME]
        samples = [
            model.decode({"path": "line", "name": "line", "image": np.ascontiguousarray(images[k])}) for k in chunk
        ]
        for k, records in zip(chunk, predict(model, samples, 0.0)):
            found[k] = records
    return found


def cut_line(image, points):
    """The part of an image inside a rotated rectangle, upright, uint8 [h, w, 3].

    Args:
        image (ndarray): RGB uint8 [H, W, 3].
        points (list): the corners [x, y], from the upper left one clockwise.
    """
    points = np.float32(points)
    sides = np.linalg.norm(points - np.roll(points, -1, 0), axis=1)  # top, right, bottom, left
    width, height = max(1, int(max(sides[0], sides[2]))), max(1, int(max(sides[1], sides[3])))
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    warp = cv2.getPerspectiveTransform(points, corners)
    line = cv2.warpPerspective(image, warp, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.rot90(line) if height >= UPRIGHT * width else line
