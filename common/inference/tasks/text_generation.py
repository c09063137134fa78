"""Text generation: how probable a text is, and how it goes on."""

import numpy as np

from common.inference.task import Task
from common.text.vocabulary import Vocabulary


class TextGeneration(Task):
    """Scores each text by a language model, and continues it.

    Args:
        vocab (str): the vocabulary file.
        unknown (str): the unknown token of the vocabulary.
        added (list[str]): additional tokens, appended to those of the file.
        end (str): the token that ends a text.
        joiner (str): between the words of a continuation; empty for Chinese characters.
    """

    input = "text"
    files = ("vocab",)
    columns = {
        "text": "continuation",
        "score": "score",
        "log_probability": "log_probability",
        "perplexity": "perplexity",
        "backward_perplexity": "backward_perplexity",
    }

    def __init__(self, vocab, unknown="<unk>", added=(), end="<eos>", joiner=" "):
        self.vocabulary, self.end, self.joiner = Vocabulary(vocab, unknown, added), end, joiner
        self.vocabulary.need(end)

    def records(self, outputs, samples, labels, threshold):
        """The probability of each text, and its continuations.

        Args:
            outputs (dict[str, ndarray]): `log_probs` float32 [N, T] of the words of the text, 0 at the padding; `ids`
                int64 [N, n, U], `lengths` int64 [N, n] with the end token, `scores` float32 [N, n] of continuations; of
                a bidirectional model `backward_log_probs` float32 [N, T].
            samples (list[dict]): with `length`, the words of a text and the end token before it.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each text its continuations, the best first: `text`, `score` (log-probability of the
                continuation, in nats), and, of the text itself, `log_probability` (in nats) and `perplexity` a word;
                of a bidirectional model also `backward_perplexity`.
        """
        found = []
        for number, sample in enumerate(samples):
            words = max(1, int(sample["length"]) - 1)
            total = float(np.asarray(outputs["log_probs"][number], np.float64).sum())
            about = {"log_probability": round(total, 4), "perplexity": perplexity(outputs["log_probs"][number], words)}
            if "backward_log_probs" in outputs:
                about["backward_perplexity"] = perplexity(outputs["backward_log_probs"][number], words)
            rows = zip(outputs["ids"][number], outputs["lengths"][number], outputs["scores"][number], strict=True)
            found.append(
                [
                    {"text": self.text_of(ids), "score": round(float(score), 4), **about}
                    for ids, length, score in rows
                    if length
                ]
            )
        return found

    def text_of(self, ids):
        """The words of a continuation, int64 [U], before its end token."""
        words = [self.vocabulary.tokens[int(number)] for number in ids]
        return self.joiner.join(words[: words.index(self.end)] if self.end in words else words)

    def line(self, sample, records):
        """The text and its best continuation, a tab, and the perplexity of the text; an empty line for an empty one."""
        if not records:
            return ""
        best = records[0]
        return f"{sample['text_a']} ... {best['text']}\tperplexity {best['perplexity']:.2f}"


def perplexity(log_probs, words):
    """The perplexity a word (float) of log-probabilities of so many words, 0 elsewhere."""
    return round(float(np.exp(-np.asarray(log_probs, np.float64).sum() / words)), 4)
