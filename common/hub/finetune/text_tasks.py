"""Tasks on texts: classification, several labels, tags, numbers, and answers in texts."""

from common.errors import ConfigError
from common.hub.finetune.task import BaseTask

SUBWORDS = ("WordPiece", "SentencePiece", "QuestionWindows")
SPLITTERS = ("SplitCharacters", "SplitWords", "SplitByDictionary")


class TextTask(BaseTask):
    """Base class of tasks on texts."""

    def tokenizer(self, kind=None):
        """The transform that makes ids of the module's tokens (dict), with the lengths and letters of the reader.

        Args:
            kind (str): the class to use instead of the module's own for subwords.

        Raises:
            ConfigError: the reader has another vocabulary than the module, or the module reads no texts.
        """
        node = self.trainable.find(*SUBWORDS, "TokenIds")
        if node is None:
            raise ConfigError(f"{self.program.module}: has no tokenizer, so it reads no texts")
        given = self.reader.vocab_path
        if given is not None and not same_file(given, node.get("vocab")):
            raise ConfigError(
                f"vocab_path is {given}, but {self.program.module} was trained with {node.get('vocab')}\n"
                "  fix: vocab_path=module.get_vocab_path()"
            )
        found = {key: value for key, value in node.items() if key != "labels"}
        found["max_length"] = self.reader.max_seq_len or self.program.max_seq_len
        if self.reader.do_lower_case is not None and node["type"] != "TokenIds":
            found["lowercase"] = self.reader.do_lower_case
        if node["type"] == "QuestionWindows":
            found = {key: found[key] for key in ("vocab", "lowercase", "max_length")} | {"type": "WordPiece"}
        return found | ({"type": kind} if kind else {})

    def transforms(self, training):
        node = self.tokenizer()
        before = [] if node["type"] in SUBWORDS else [self.trainable.find(*SPLITTERS)]
        return [*filter(None, before), node, {"type": "PadText"}]

    def split(self, split):
        found = super().split(split)
        if split == "train":
            found["sampler"] = {"type": "LengthSampler"}
            if self.reader.in_tokens:
                found["sampler"]["tokens"] = self.config.batch_size
        return found

    def train_section(self):
        examples = {"batch_size": 64} if self.reader.in_tokens else {}  # the sampler counts tokens
        return super().train_section() | examples

    def eval_batch(self):
        return 32 if self.reader.in_tokens else super().eval_batch()

    def unused(self):
        """The groups of the optimizer for weights that the task does not use: a pooler, of tasks on tokens."""
        pooler = "encoder.pooler."
        has = any(name.startswith(pooler) for name in self.trainable.parameter_names())
        return [{"match": f"{pooler}*", "freeze": True}] if self.takes == "sequence_output" and has else []

    def optimizer(self):
        found = super().optimizer()
        unused = self.unused()
        return found | ({"groups": [*found.get("groups", []), *unused]} if unused else {})


class TextClassifierTask(TextTask):
    """The class of a text, or of a pair of texts.

    Args:
        feature (Feature): `outputs["pooled_output"]`.
        data_reader (ClassifyReader): with the dataset.
        num_classes (int): `dataset.num_labels`.
        feed_list (list[str]): names of inputs.
        config (RunConfig): the settings.
        hidden_units (list[int]): sizes of hidden layers before the classes.
        metrics_choices (list[str] | str): acc, f1, matthews.
        more (object): further arguments of :class:`BaseTask`.
    """

    metrics = {
        "acc": {"type": "TextAccuracy"},
        "f1": {"type": "TextAccuracy", "primary": "F1"},
        "matthews": {"type": "MatthewsCorrelation"},
    }

    def __init__(
        self, feature=None, data_reader=None, num_classes=None, feed_list=None, config=None, hidden_units=None,
        metrics_choices="default", **more,
    ):  # fmt: skip
        super().__init__(feature, data_reader, num_classes, feed_list, config, metrics_choices, **more)
        self.hidden_units = list(hidden_units or [])

    head = "TextClassHead"

    def model(self):
        head = {"type": self.head, "hidden": self.hidden_units, "dropout": 0.1}
        return {"type": "TextClassifier", "encoder": self.trainable.node, "head": head}


class MultiLabelClassifierTask(TextClassifierTask):
    """All the classes of a text, which do not exclude each other; arguments as of :class:`TextClassifierTask`."""

    metrics = {"auc": {"type": "LabelAUC"}}
    head = "MultiLabelTextHead"

    def result_of(self, records):
        """The classes whose scores reach the threshold (list[str])."""
        return [record["label"] for record in records]


class RegressionTask(TextClassifierTask):
    """A number for a text, or for a pair of texts; arguments as of :class:`TextClassifierTask`, without classes."""

    metrics = {
        "spearman": {"type": "Correlation", "primary": "spearman"},
        "pearson": {"type": "Correlation", "primary": "pearson"},
    }

    def check_classes(self, given):
        """There are no classes; 1 is accepted."""
        if given not in (None, 1):
            raise ConfigError(f"RegressionTask: num_classes is {given}; a number has no classes")

    def model(self):
        return {"type": "TextRegressor", "encoder": self.trainable.node, "hidden": self.hidden_units, "dropout": 0.1}

    def result_of(self, records):
        """The number."""
        return records[0]["value"] if records else None


class SequenceLabelTask(TextTask):
    """The tag of each token.

    Args:
        feature (Feature): `outputs["sequence_output"]`.
        data_reader (SequenceLabelReader): with the dataset.
        max_seq_len (int): tokens of a text at most; the reader's when None.
        num_classes (int): `dataset.num_labels`.
        feed_list (list[str]): names of inputs.
        config (RunConfig): the settings.
        add_crf (bool): a conditional random field over the tags.
        metrics_choices (list[str] | str): f1.
        more (object): further arguments of :class:`BaseTask`.
    """

    takes = "sequence_output"
    metrics = {"f1": {"type": "ChunkF1"}}

    def __init__(
        self, feature=None, data_reader=None, max_seq_len=None, num_classes=None, feed_list=None, config=None,
        add_crf=False, metrics_choices="default", **more,
    ):  # fmt: skip
        super().__init__(feature, data_reader, num_classes, feed_list, config, metrics_choices, **more)
        self.add_crf, self.max_seq_len = add_crf, max_seq_len

    def model(self):
        head = {"type": "CRFHead"} if self.add_crf else {"type": "SoftmaxTagHead"}
        labels = list(map(str, self.dataset.get_labels()))
        head |= {"outside": labels.index("O")} if self.add_crf and "O" in labels else {}
        return {"type": "SequenceLabeler", "encoder": self.trainable.node, "head": head}

    def tokenizer(self, kind=None):
        return super().tokenizer(kind) | ({"max_length": self.max_seq_len} if self.max_seq_len else {})

    def transforms(self, training):
        found = super().transforms(training)
        return [{"type": "SplitCharacters"}, *found] if found[0]["type"] in SUBWORDS else found

    def result_of(self, records):
        """The spans as `text/label` (list[str])."""
        return [f"{record['text']}/{record['label']}" for record in records]


class ReadingComprehensionTask(TextTask):
    """The answer to a question as a span of a text.

    Args:
        feature (Feature): `outputs["sequence_output"]`.
        data_reader (ReadingComprehensionReader): with the dataset.
        feed_list (list[str]): names of inputs.
        config (RunConfig): the settings.
        sub_task (str): squad, squad2.0, cmrc2018 or drcd.
        null_score_diff_threshold (float): of squad2.0: no answer where its score is higher by more than this.
        n_best_size (int): answers that are tried.
        max_answer_length (int): tokens of an answer at most.
        metrics_choices (list[str] | str): f1, em.
        more (object): further arguments of :class:`BaseTask`.
    """

    takes = "sequence_output"
    metrics = {"f1": {"type": "AnswerF1"}}
    styles = {"squad": "squad", "squad2.0": "squad", "cmrc2018": "cmrc", "drcd": "cmrc"}

    def __init__(
        self, feature=None, data_reader=None, feed_list=None, config=None, sub_task="squad",
        null_score_diff_threshold=0.0, n_best_size=20, max_answer_length=30, metrics_choices="default", **more,
    ):  # fmt: skip
        super().__init__(feature, data_reader, None, feed_list, config, metrics_choices, **more)
        if sub_task not in self.styles:
            raise ConfigError(f"ReadingComprehensionTask: sub_task is {sub_task!r}; it is {', '.join(self.styles)}")
        self.metric |= {"style": self.styles[sub_task]}
        nothing = null_score_diff_threshold if sub_task == "squad2.0" else None
        self.postprocess = {"max_answer": max_answer_length, "n_best": n_best_size, "null_threshold": nothing}

    def check_classes(self, given):
        """There are no classes."""

    @property
    def configuration(self):
        """As of :class:`BaseTask`, with the choice of answers."""
        return super().configuration | {"postprocess": self.postprocess}

    def model(self):
        return {"type": "ReadingComprehension", "encoder": self.trainable.node}

    def transforms(self, training):
        if self.trainable.find("WordPiece", "QuestionWindows") is None:
            raise ConfigError(f"{self.program.module}: reads no word pieces, of which questions and texts are made")
        windows = {"stride": self.reader.doc_stride, "max_query": self.reader.max_query_length}
        return [self.tokenizer("QuestionWindows") | windows, {"type": "PadWindows"}]

    def result_of(self, records):
        """The best answer (str)."""
        return records[0]["text"] if records else ""


def same_file(one, other):
    """True if two paths are of one file, or of the same content."""
    from pathlib import Path

    one, other = Path(one), Path(str(other))
    return one == other or (one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes())
