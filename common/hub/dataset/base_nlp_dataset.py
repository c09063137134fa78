"""The base class of datasets of texts, and one example of them.

    class Reviews(BaseNLPDataset):
        def __init__(self):
            super().__init__(base_path="reviews", train_file="train.tsv", dev_file="dev.tsv", label_list=["0", "1"])

A file is tab-separated: `text_a<tab>label` or `text_a<tab>text_b<tab>label`, UTF-8; with a header where that is said.
`get_train_examples`, `get_dev_examples` and `get_test_examples` may be overridden to make the examples instead.
"""

from pathlib import Path

from common.config.yaml import display_path
from common.errors import ConfigError, DataError
from common.files import read_lines

PHASES = ("train", "dev", "test", "predict")
COLUMNS = {2: ["text_a", "label"], 3: ["text_a", "text_b", "label"]}


class InputExample:
    """One example.

    Args:
        guid (object): its number or name.
        text_a (str): the text.
        text_b (str): the second text of a pair.
        label (str): its label.
    """

    def __init__(self, guid=None, text_a="", text_b=None, label=None):
        self.guid, self.text_a, self.text_b, self.label = guid, text_a, text_b, label

    def __str__(self):
        pair = "" if self.text_b is None else f"\ttext_b={self.text_b}"
        return f"text={self.text_a}{pair}\tlabel={self.label}"


class BaseNLPDataset:
    """Texts with labels in the files of a folder.

    Args:
        base_path (str | Path): the folder.
        train_file (str): of the training data, in the folder.
        dev_file (str): of the validation data.
        test_file (str): of the test data.
        predict_file (str): of texts without labels.
        label_file (str): the labels, one per line.
        label_list (list[str]): the labels; those of the training data in their order when neither is given.
        train_file_with_header (bool): the first line names columns.
        dev_file_with_header (bool): the same of the validation data.
        test_file_with_header (bool): the same of the test data.
        predict_file_with_header (bool): the same of the texts without labels.

    Raises:
        ConfigError: the folder is not there, or the labels are given twice.
    """

    def __init__(
        self, base_path=None, train_file=None, dev_file=None, test_file=None, predict_file=None, label_file=None,
        label_list=None, train_file_with_header=False, dev_file_with_header=False, test_file_with_header=False,
        predict_file_with_header=False,
    ):  # fmt: skip
        if label_file and label_list:
            raise ConfigError(f"{type(self).__name__}: give label_list or label_file")
        self.base_path = Path(base_path or ".")
        if not self.base_path.is_dir():
            raise ConfigError(f"{type(self).__name__}: {display_path(self.base_path)}: there is no such folder")
        self.files = dict(zip(PHASES, (train_file, dev_file, test_file, predict_file), strict=True))
        headers = (train_file_with_header, dev_file_with_header, test_file_with_header, predict_file_with_header)
        self.headers = dict(zip(PHASES, headers, strict=True))
        self.label_list = read_lines(self.base_path / label_file) if label_file else label_list

    def has(self, phase):
        """True if there are examples of a phase: train, dev, test or predict."""
        return bool(self.files.get(phase)) or self.makes(phase)

    def makes(self, phase):
        """True if a subclass makes the examples of a phase itself."""
        name = f"get_{phase}_examples"
        return getattr(type(self), name, None) is not getattr(BaseNLPDataset, name, None)

    def get_train_examples(self):
        """The examples to train on (list[InputExample])."""
        return self.read_examples("train")

    def get_dev_examples(self):
        """The examples to validate on (list[InputExample])."""
        return self.read_examples("dev")

    def get_test_examples(self):
        """The examples to test on (list[InputExample])."""
        return self.read_examples("test")

    def get_predict_examples(self):
        """The examples without labels (list[InputExample])."""
        return self.read_examples("predict")

    def get_labels(self):
        """The labels in the order of their numbers (list[str])."""
        if self.label_list is None:
            self.label_list = sorted({str(example.label) for example in self.get_train_examples()})
        return list(self.label_list)

    @property
    def num_labels(self):
        """The number of labels."""
        return len(self.get_labels())

    def read_examples(self, phase):
        """The examples of a file (list[InputExample]); none where the dataset has no such file.

        Raises:
            DataError: a line has another number of fields.
        """
        if not self.files[phase]:
            return []
        path, found = self.base_path / self.files[phase], []
        lines = read_lines(path)
        header = lines[0].split("\t") if lines and self.headers[phase] else None
        for number, line in enumerate(lines[bool(header) :], 1 + bool(header)):
            fields = line.split("\t")
            names = header if header and "text_a" in header else COLUMNS.get(len(fields))
            names = ["text_a", "text_b"][: len(fields)] if phase == "predict" and not header else names
            if names is None or len(fields) != len(names):
                wanted = len(names) if names and header else "2 or 3"
                raise DataError(f"error[D118] {path}:{number}: {len(fields)} fields where {wanted} are expected")
            row = {name: value for name, value in zip(names, fields, strict=True) if name != "qid"}
            found.append(InputExample(number, **row))
        return found

    def split_of(self, phase, folder):
        """The place of the examples of a phase in a configuration: `root`, `file` and maybe `columns` (dict).

        Args:
            phase (str): train, dev or test.
            folder (Path): where the examples are written that are not in a file that is read as it is.
        """
        name, source = self.files.get(phase), self.base_path / str(self.files.get(phase))
        if not self.makes(phase) and name.endswith((".json", ".txt", ".jsonl")):
            return {"root": str(self.base_path), "file": name}
        if not self.makes(phase):
            first = next(iter(read_lines(source)), "").split("\t")
            if self.headers[phase] and "text_a" in first:
                return {"root": str(self.base_path), "file": name}
            if not self.headers[phase] and len(first) in COLUMNS:
                return {"root": str(self.base_path), "file": name, "columns": COLUMNS[len(first)]}
        examples = getattr(self, f"get_{phase}_examples")()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{phase}.tsv").write_text(examples_as_tsv(examples), encoding="utf-8")
        return {"root": str(folder), "file": f"{phase}.tsv"}


def examples_as_tsv(examples):
    """Examples as a tab-separated text with a header."""
    names = ["text_a", "text_b", "label"] if any(e.text_b is not None for e in examples) else ["text_a", "label"]
    rows = [[" ".join(str(getattr(example, name)).split("\t")) for name in names] for example in examples]
    return "".join("\t".join(row) + "\n" for row in [names, *rows])
