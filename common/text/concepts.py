"""Concepts of a knowledge base that the words of a question and of its context may mean: their files.

A lexicon has a phrase, a tab and the names of its concepts with blanks between on each line:
    bank<tab>bank.n.09213565 bank.n.08420278
A file of vectors has the name of a concept and its numbers with blanks between on each line.

Shapes in this file:
    C concepts of D numbers.
"""

import re

import numpy as np

from common.errors import DataError, DataIssue
from common.files import read_lines

WORD = re.compile(r"\w+(?:[-'’.]\w+)*")  # noqa: RUF001


def concept_numbers(path):
    """{name: number from 1 on} of the concepts of a file of vectors.

    Raises:
        DataError: a name occurs twice; names the line.
    """
    numbers = {}
    for line, text in enumerate(read_lines(path), 1):
        name = text.partition(" ")[0]
        if numbers.setdefault(name, line) != line:
            raise concept_error("D115", path, f"the concept occurs twice, first on line {numbers[name]}", line, name)
    return numbers


def read_vectors(path):
    """(names, vectors float32 [C + 1, D]) of a file of vectors; the first row is 0, for no concept.

    Raises:
        DataError: a line has no numbers, other than the first line has, or one that is not finite; names the line.
    """
    names, rows = list(concept_numbers(path)), []
    for line, text in enumerate(read_lines(path), 1):
        try:
            row = np.array(text.split()[1:], np.float32)
        except ValueError:
            raise concept_error("D118", path, "not a name and numbers with blanks between", line, text[:60]) from None
        if not len(row) or (rows and len(row) != len(rows[0])):
            wanted = f"{len(rows[0])} are expected" if rows else "at least one is expected"
            raise concept_error("D118", path, f"{len(row)} numbers where {wanted}", line, text[:60])
        if not np.isfinite(row).all():
            raise concept_error("D119", path, "a number is not finite", line, text[:60])
        rows.append(row)
    if not rows:
        raise DataError(str(DataIssue("D117", "error", str(path), "holds no vector")))
    return names, np.stack([np.zeros_like(rows[0]), *rows])


def read_concept_lexicon(path, numbers, most, lowercase):
    """{phrase: numbers of its concepts} of a lexicon; a phrase that occurs again, in another case, adds its concepts.

    Args:
        path (str): the file.
        numbers (dict): number of each concept.
        most (int): the first concepts of a phrase that are kept.
        lowercase (bool): converts phrases to lower case.

    Raises:
        DataError: a line has no tab, no phrase or no concept, or names an unknown concept; names the line.
    """
    phrases = {}
    for line, text in enumerate(read_lines(path), 1):
        phrase, tab, names = text.partition("\t")
        words, names = WORD.findall(phrase.lower() if lowercase else phrase), names.split()
        if not tab or not words or not names:
            fix = "a line is a phrase, a tab, and names of concepts with blanks between"
            raise concept_error("D118", path, "no phrase with its concepts", line, text[:60], fix)
        unknown = next((name for name in names if name not in numbers), None)
        if unknown is not None:
            raise concept_error("D109", path, "a concept that has no vector", line, unknown)
        kept = phrases.setdefault(" ".join(words), [])
        kept += [numbers[name] for name in names if numbers[name] not in kept]
        del kept[most:]
    if not phrases:
        raise DataError(str(DataIssue("D117", "error", str(path), "holds no phrase")))
    return phrases


def concept_error(code, path, message, line, value, fix=""):
    """A DataError for a line of a file of concepts."""
    return DataError(str(DataIssue(code, "error", str(path), message, f"line {line}", str(value), fix)))
