"""The interface of a task: what a model predicts from, and what its outputs mean.

A task is a class in `tasks/` of a kit or of `common/inference/`.  A model names it, `task = "Detection"`; the arguments
of its constructor are `postprocess:` of a configuration and of infer.yml.
"""

import re

from common.config.build import Builder, task_node
from common.config.check import task_name
from common.errors import ConfigError, DataError
from common.inference import synthetic

LABELED_BY = {
    "image": "image",
    "video": "video",
    "features": "video",
    "points": "cloud",
    "audio": "audio",
    "table": "row",
}  # input -> the key of a sample's name in JSON
ONE_TEXT = "two texts with a tab between, but this model reads one text per line"


class Task:
    """The input of a model, and the meaning of its outputs: records, lines, drawings.

    Attributes:
        input (str): image, video, features (files of them), points (clouds), text, audio, table, or tensors, which the
            caller prepares.
        threshold (float): predictions that score less are left out, unless a caller asks for another threshold. If
            an argument of this name is None by default, the threshold of maximum F1 of the evaluation is used.
        threshold_of (str): what the threshold is compared with, as the log names it.
        files (tuple[str]): arguments of the constructor that name files; an export carries these.
        parts (tuple[type]): classes that a node among the arguments may name, besides transforms.
        columns (dict[str, str | tuple]): key of a record -> its column in csv, or those of a list of fixed length;
            empty: the records are written as JSON.
        original_pixels (bool): records are in pixels of the original image, so that pre-processing must be undone.
        exclusive (bool): the scores of the records of a sample add up to 1 at most.
        sequential (bool): follows an object from a first box, frame by frame, see :mod:`common.inference.tracks`.
        asks (str | None): key of a sample under which it finds the text that a caller asks with, such as a `sentence`
            (`--text` beside --input).
        column (str | None): column of the text in tables of a user, besides the usual names.
        writes (tuple[str]): suffixes of files that the records of a sample are written to, by `file_of`.
    """

    input = "image"
    threshold = 0.0
    threshold_of = "score"
    files = ()
    parts = ()
    columns = {}
    original_pixels = False
    exclusive = False
    sequential = False
    asks = None
    column = None
    writes = ()

    @property
    def name(self):
        """The name that models and infer.yml use."""
        return type(self).__name__

    @property
    def draws(self):
        """True if the task draws its records on images."""
        return type(self).draw is not Task.draw

    def read_line(self, line):
        """The sample of one line of input, for tasks that read texts: one text; raises DataError for a pair."""
        if "\t" in line.strip():
            raise DataError(ONE_TEXT)
        return {"text_a": line}

    def synthetic(self, inputs):
        """A synthetic sample for the golden of an export whose data are not here; None where none can be made.

        Args:
            inputs (dict[str, tuple]): of the model: name -> (shape, dtype).
        """
        return synthetic.sample_for(self.input, inputs)

    def split(self, sample):
        """The parts of a decoded sample that are predicted one by one, such as its boxes; usually the sample itself."""
        return [sample]

    def records(self, outputs, samples, labels, threshold):
        """The predictions of a batch.

        Args:
            outputs (dict[str, ndarray]): of the model, by name.
            samples (list[dict]): as the transforms left them; for a table, its rows.
            labels (list[str] | None): class names.
            threshold (float): predictions that score less are left out.

        Returns:
            list[list[dict]]: for each sample its predictions as dicts of plain values, the best first.
        """
        raise NotImplementedError(f"{self.name} does not define records")

    def draw(self, image, records):
        """A copy of an image (RGB uint8 [H, W, 3]) with the records drawn on it."""
        raise NotImplementedError(f"{self.name} does not draw")

    def file_of(self, records):
        """The bytes of the file of a sample, for a task that `writes` such files."""
        raise NotImplementedError(f"{self.name} does not write files")

    def beside(self, labels):
        """The number of records that csv has beside each other in the row of a sample; 0 for a row per record.

        Args:
            labels (list[str] | None): class names.
        """
        return 0

    def identify(self, sample):
        """The keys beside the predictions of a sample in JSON: its texts, its file, or the number of its row."""
        texts = {key: sample[key] for key in ("text_a", "text_b", "question", "context") if key in sample}
        return texts or {LABELED_BY.get(self.input, self.input): sample["name"]}

    def line(self, sample, records):
        """The predictions of a sample for people: the best label or the number of boxes, then a line for each."""
        boxes = any("box" in record for record in records)
        best = f"{records[0]['label']} {records[0]['score']:.3f}" if records and not boxes else f"{len(records)} found"
        lines = [f"{sample['name']}: {best}"]
        for record in records:
            box = ", ".join(f"{value:.1f}" for value in record.get("box", []))
            lines.append(f"  {record['label']} {record['score']:.3f}" + (f" [{box}]" if box else ""))
        return "\n".join(lines)


def in_words(name):
    """`TextClassification` -> `text classification`"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def samples_of(batch):
    """The samples that a batch (dict of arrays [N, ...] and lists of N) was made of, as dicts of their values."""
    return [dict(zip(batch, values)) for values in zip(*batch.values())]


def check_threshold(threshold, default=None):
    """The threshold, or the default for None; raises ValueError where it is not from 0 to 1."""
    threshold = default if threshold is None else threshold
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; allowed: 0 to 1")
    return threshold


def check_decision(decision):
    """The score from which the second of two classes is the answer; raises ValueError where it is not from 0 to 1."""
    if decision is not None and not 0 <= decision <= 1:
        raise ValueError(f"decision is {decision}; allowed: 0 to 1, or null")
    return decision


def task_of(config, model=None):
    """The task of a configuration: the one that `postprocess.type` names, else the model's, with its arguments.

    Args:
        config (Config): checked.
        model (nn.Layer | None): built of it; without one, the class of the model says its task.

    Returns:
        Task | None: None where the class of the model does not name its task and there is no model.

    Raises:
        ConfigError: there is no such task, it is no Task, or it refuses its arguments.
        DataError: a file that it reads is missing or damaged.
    """
    named = task_name(config.tree, config.namespace)
    if model is not None and "type" not in (config.tree.get("postprocess") or {}):
        named = model.task
    if named is None:
        return None
    task = Builder(config.namespace.tasks, {}).build(task_node(config, named))
    if not isinstance(task, Task):
        raise ConfigError(
            f"{config.place('postprocess')}: {named} is no task: it does not derive from {Task.__module__}.Task"
        )
    return task
