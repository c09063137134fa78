"""Text to text: translation, dialogue and other texts that are written for a text."""

from common.inference.task import Task
from common.text.vocabulary import Vocabulary
from common.text.wordpiece import ModelPieces, load_sentencepiece

BLANK = "\u2581"  # SentencePiece's sign of a space
UNKNOWN = "\u2047"  # what it writes for the unknown piece


class TextToText(Task):
    """Writes one or several texts for each text.

    Args:
        model (str | None): the SentencePiece model of the texts that are written; null where they are of words.
        vocab (str | None): the vocabulary file of their words.
        unknown (str): the unknown token of the vocabulary.
        added (list[str]): additional tokens, appended to those of the file.
        end (str): the token that ends a text.
        joiner (str): between words; empty for Chinese characters.
        pairs (bool): a line has two texts with a tab between, such as a dialogue and the facts that are known.
    """

    input = "text"
    files = ("model", "vocab")
    columns = {"text": "written", "score": "score"}

    def __init__(self, model=None, vocab=None, unknown="<unk>", added=(), end="</s>", joiner=" ", pairs=False):
        if (model is None) == (vocab is None):
            raise ValueError("texts are written in the pieces of a model or in the words of a vocab: give one of them")
        if model:
            pieces = ModelPieces(load_sentencepiece(model), model)
            self.tokens, numbers = list(pieces.tokens), pieces.need(end)
            self.tokens[pieces.unknown] = UNKNOWN
        else:
            words = Vocabulary(vocab, unknown, added)
            self.tokens, numbers = words.tokens, words.need(end)
        self.pieces, self.joiner, self.end, self.pairs = bool(model), joiner, numbers[0], pairs

    def read_line(self, line):
        """The sample of one line of input: a text, or with `pairs` two with a tab between."""
        first, tab, second = line.partition("\t")
        return {"text_a": first, "text_b": second} if self.pairs and tab else super().read_line(line)

    def records(self, outputs, samples, labels, threshold):
        """The texts that are written for each text.

        Args:
            outputs (dict[str, ndarray]): `ids` int64 [N, n, T], `lengths` int64 [N, n] with the end token, `scores`
                float32 [N, n].
            samples (list[dict]): not used.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each text, the best first: `text` and `score`, its log-probability in nats, divided by
                the penalty of its length in a beam search.
        """
        return [
            [
                {"text": self.text_of(ids), "score": round(float(score), 4)}
                for ids, length, score in zip(*row, strict=True)
                if length
            ]
            for row in zip(outputs["ids"], outputs["lengths"], outputs["scores"], strict=True)
        ]

    def text_of(self, ids):
        """The text of tokens int64 [T] before their end."""
        numbers = [int(number) for number in ids]
        numbers = numbers[: numbers.index(self.end)] if self.end in numbers else numbers
        words = [self.tokens[number] for number in numbers]
        return "".join(words).replace(BLANK, " ").strip(" ") if self.pieces else self.joiner.join(words)

    def line(self, sample, records):
        """The best text."""
        return records[0]["text"] if records else ""
