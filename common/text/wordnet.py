"""The files of WordNet 3.0 (https://wordnet.princeton.edu/documentation/wndb5wn): words, concepts and relations.

A concept is named by its first word, its part of speech and its place in the file: `bank.n.09213565`.
"""

import collections
import pathlib

import numpy as np

from common.errors import DataError, DataIssue, EnvironmentProblem
from common.files import read_lines

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
ENDINGS = {  # of inflected words -> of their base form, by part of speech
    "n": (("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
          ("ies", "y")),
    "v": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}  # fmt: skip


class WordNet:
    """The words of WordNet with their concepts, the most frequent meaning first, and the relations of all concepts.

    Args:
        folder (str): with index.noun, data.noun, noun.exc and those of verbs, adjectives and adverbs.

    Raises:
        EnvironmentProblem: the files are not there.
        DataError: a line has another form; names it.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        lacking = [f"{kind}.{part}" for kind in ("index", "data") for part in PARTS]
        lacking = [name for name in lacking if not (self.folder / name).is_file()]
        if lacking:
            raise EnvironmentProblem(
                f"{folder}: no {lacking[0]}; these files are in the Debian package wordnet-base\n"
                "  fix: apt-get install wordnet-base, or --wordnet with the folder of a WordNet 3.0"
            )
        self.names, self.relations = {}, []  # (part, place) -> name; pairs of such keys
        self.index, self.irregular = collections.defaultdict(dict), collections.defaultdict(dict)
        for part, letter in PARTS.items():
            self.read_data(self.folder / f"data.{part}", letter)
            self.read_index(self.folder / f"index.{part}", letter)
            if (self.folder / f"{part}.exc").is_file():
                for line in read_lines(self.folder / f"{part}.exc"):
                    word, *bases = line.split()
                    self.irregular[letter][word] = bases

    def read_data(self, path, letter):
        """Reads the concepts of a part of speech and their relations."""
        for number, fields in fields_of(path):
            try:
                count = int(fields[3], 16)
                self.names[letter, fields[0]] = f"{fields[4].lower()}.{letter}.{fields[0]}"
                begin = 5 + 2 * count
                for k in range(begin, begin + 4 * int(fields[begin - 1]), 4):
                    other = "a" if fields[k + 2] == "s" else fields[k + 2]
                    self.relations.append(((letter, fields[0]), (other, fields[k + 1])))
            except (ValueError, IndexError):
                raise wordnet_error(path, number) from None

    def read_index(self, path, letter):
        """Reads the words of a part of speech with the places of their concepts."""
        for number, fields in fields_of(path):
            try:
                places = fields[-int(fields[2]) :]
                self.index[letter][fields[0]] = [self.names[letter, place] for place in places]
            except (ValueError, IndexError, KeyError):
                raise wordnet_error(path, number) from None

    def words(self):
        """All words and phrases, with blanks, and the irregular forms (set)."""
        known = {word.replace("_", " ") for index in self.index.values() for word in index}
        return known | {word.replace("_", " ") for forms in self.irregular.values() for word in forms}

    def concepts_of(self, word):
        """The concepts of a word or of its base forms, by turns of the parts of speech, the most frequent first."""
        by_part = []
        for letter, index in self.index.items():
            forms = self.base_forms(word.lower().replace(" ", "_"), letter)
            by_part.append(list(dict.fromkeys(name for form in forms for name in index[form])))
        most = max(map(len, by_part))
        return [names[k] for k in range(most) for names in by_part if k < len(names)]

    def base_forms(self, word, letter):
        """The word itself, its irregular base forms, and those without an ending, as far as they are known."""
        forms = [word, *self.irregular[letter].get(word, ())]
        forms += [word.removesuffix(end) + base for end, base in ENDINGS[letter] if word.endswith(end)]
        return [form for form in dict.fromkeys(forms) if form in self.index[letter]]


def fields_of(path):
    """(line number, fields) of the lines of a file; those of the license begin with blanks."""
    for number, line in enumerate(read_lines(path), 1):
        if not line.startswith("  "):
            yield number, line.partition(" | ")[0].split()


def wordnet_error(path, number):
    """The DataError for a line of another form."""
    return DataError(str(DataIssue("D118", "error", str(path), "not a line of WordNet's files", f"line {number}")))


def random_vectors(net, names, size, rng):
    """Random vectors of length 1, float64 [len(names), size]; not trained."""
    return unit(rng.standard_normal((len(names), size)))


def graph_vectors(net, names, size, rng):
    """Vectors of length 1 of the graph of all relations (FastRP, https://arxiv.org/abs/1908.11512): the sum of random
    vectors averaged over the neighbors once, twice and three times, each scaled to length 1; not trained.

    Args:
        net (WordNet): with the relations.
        names (list[str]): concepts whose vectors are wanted.
        size (int): numbers of a vector.
        rng (Generator): of the random vectors.
    """
    from scipy.sparse import coo_matrix

    place = {key: k for k, key in enumerate(net.names)}
    pairs = np.array([(place[a], place[b]) for a, b in net.relations if a in place and b in place])
    ends = np.concatenate([pairs, pairs[:, ::-1], np.repeat(np.arange(len(place)), 2).reshape(-1, 2)])
    matrix = coo_matrix((np.ones(len(ends), np.float32), ends.T), (len(place), len(place))).tocsr()
    matrix.data /= np.repeat(np.asarray(matrix.sum(1)).ravel(), np.diff(matrix.indptr))
    x, total = rng.standard_normal((len(place), size)).astype(np.float32), 0.0
    for _ in range(3):
        x = matrix @ x
        total = total + unit(x)
    where = {name: place[key] for key, name in net.names.items()}
    return unit(total[[where[name] for name in names]])


def unit(x):
    """Rows scaled to length 1."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
