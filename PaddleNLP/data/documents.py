"""Documents of raw text, cut into runs of sentences, for the pre-training of encoders."""

from pathlib import Path

from common.data.issues import IssueList, raise_on_errors
from common.files import has_lone_surrogate, read_lines, replace_controls
from common.log import counted, logger
from common.text.masked_words import UNIT


class Documents:
    """A file with a sentence a line and an empty line between documents.

    The words of a segmented text are separated by spaces; those of a tagged one are `word/tag`, as LAC writes them.
    Consecutive sentences of a document, two at least, become a sample until they have `size` words (or characters):
        sentences   list of str
        entities    of a tagged text, for each sentence a list of 1 for a word that is an entity, else 0
        document    its number
        path, place

    Args:
        root (str): the folder.
        file (str): the file in it.
        size (int): words of a sample; two sentences that have more are cut by the tokenizer.
        tagged (bool): reads `word/tag`.
        entities (list[str]): tags of entities.
        encoding (str | None): character encoding of the file; null for UTF-8.

    Raises:
        DataError: the file cannot be read or holds no sentence, or a word has no tag; lists the lines.
    """

    what = "run of sentences"
    labels = None
    padding = {}

    def __init__(
        self, root, file, size=100, tagged=False, entities=("PER", "LOC", "ORG", "TIME", "nr", "ns", "nt", "nw", "nz"),
        encoding=None,
    ):  # fmt: skip
        if size < 1:
            raise ValueError(f"size is {size}; it is 1 or more")
        self.source, self.size, self.tagged, self.tags = str(Path(root) / file), size, tagged, frozenset(entities)
        self.samples, self.counts, self.problems = [], [], IssueList(self.source)
        document, open_ = 0, None  # open_: the sample that takes more sentences
        for number, line in enumerate(read_lines(self.source, encoding), 1):
            text = self.clean(line, number)
            if not text:
                document, open_ = document + (open_ is not None), None
                continue
            open_ = self.add(text, number, document, open_)
        if not self.samples and not self.problems.errors:
            self.problems.error("D117", "holds no sentence", fix="check that this is the right file")
        if self.samples and self.samples[-1]["document"] == 0:
            message = "is one document: second segments that do not follow are drawn from it, too"
            self.problems.warn("D127", message, fix="an empty line between documents")
        self.issues = self.problems.all()
        raise_on_errors(self.issues, "error", len(self.samples))
        documents = self.samples[-1]["document"] + 1
        logger.info("%s: %s of %s", self.source, counted(len(self.samples), "run"), counted(documents, "document"))

    def clean(self, line, number):
        """The text of a line without control characters; empty where it cannot be used."""
        line, changed = replace_controls(line)
        if changed:
            self.problems.warn("D125", "control characters are read as spaces", f"line {number}")
        if has_lone_surrogate(line):
            self.problems.error("D123", "the text contains an unpaired surrogate", f"line {number}", image=number)
            return ""
        return " ".join(line.split())

    def add(self, text, number, document, sample):
        """Adds a sentence to a sample, or to a new one where that is None or full; returns the one it is in."""
        flags = None
        if self.tagged:
            text, flags = self.untag(text, number)
        count = len(UNIT.findall(text))
        if sample is None or (self.counts[-1] + count > self.size and len(sample["sentences"]) > 1):
            sample = {"sentences": [], "document": document, "path": self.source, "place": f"line {number}"}
            sample |= {"entities": []} if self.tagged else {}
            self.samples.append(sample)
            self.counts.append(0)
        sample["sentences"].append(text)
        if self.tagged:
            sample["entities"].append(flags)
        self.counts[-1] += count
        return sample

    def untag(self, text, number):
        """(words separated by spaces, 1 for each that is an entity) of words with tags."""
        pairs = [word.rpartition("/") for word in text.split(" ")]
        wrong = next((word for word, mark, tag in pairs if not (word and mark and tag)), None)
        if wrong is not None:
            fix = "write word/tag, or tagged: false for words alone"
            self.problems.error("D118", "a word without a tag", f"line {number}", text[:60], fix, image=number)
        return " ".join(word or tag for word, _, tag in pairs), [int(tag in self.tags) for _, _, tag in pairs]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """One sample, a new dict."""
        return dict(self.samples[index])

    def lengths(self):
        """The words of each sample (list[int])."""
        return self.counts

    def check(self, deep=False, cache=None):
        """The issues found while reading the file; there is nothing more to check."""
        return self.issues
