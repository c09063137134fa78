"""Baselines of texts: TF-IDF with logistic regression, and the most frequent tag of each token.

Shapes in this file:
    N texts of T tokens (padded).
"""

from collections import Counter, defaultdict

import numpy as np

from .baseline import Baseline, LabeledBaseline, sklearn

WORD = r"(?u)\b\w+\b"


class TfidfRegression(LabeledBaseline):
    """Logistic regression on the TF-IDF of words, pairs of words, and 2 to 5 characters.

    A pair of texts has the values of both texts, their products and their differences.
    """

    title = "TF-IDF, logistic regression"

    def features(self, batch):
        """The texts of a batch, a list of tuples."""
        keys = [key for key in ("text_a", "text_b") if key in batch]
        return list(zip(*([str(text) for text in batch[key]] for key in keys)))

    def learn(self, features, labels):
        """Fits the vectors, then the regression."""
        vectorizer = sklearn("feature_extraction.text").TfidfVectorizer
        union = sklearn("pipeline").make_union(
            vectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD),
            vectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        )
        union.fit([text for texts in features for text in texts])

        def vectors(rows):
            parts = [union.transform([row[side] for row in rows]) for side in range(len(rows[0]))]
            if len(parts) == 1:
                return parts[0]
            from scipy import sparse

            a, b = parts
            return sparse.hstack([a, b, a.multiply(b), abs(a - b)], format="csr")

        score = self.regression(vectors(features), labels, C=10.0, solver="liblinear", dual=True)
        return lambda rows: score(vectors(rows))


class MajorityTag(Baseline):
    """The most frequent tag of all, for every token."""

    title = "majority tag"

    def __init__(self, num_classes=None):
        self.counts = Counter()

    def see(self, batch):
        """Counts the tags."""
        for _, tag in tagged_tokens(batch):
            self.counts[tag] += 1

    def predict(self, batch):
        """`tags` int64 [N, T]."""
        return {"tags": np.full(np.shape(batch["input_ids"]), self.counts.most_common(1)[0][0], np.int64)}


class FrequentTag(MajorityTag):
    """The most frequent tag of each token; that of all tokens for those that the training texts do not have."""

    title = "most frequent tag of each token"

    def __init__(self, num_classes=None):
        super().__init__()
        self.by_token = defaultdict(Counter)

    def see(self, batch):
        """Counts the tags of each token."""
        super().see(batch)
        for token, tag in tagged_tokens(batch):
            self.by_token[token][tag] += 1

    def predict(self, batch):
        """`tags` int64 [N, T]."""
        tags = super().predict(batch)["tags"]
        for place, token in np.ndenumerate(np.asarray(batch["input_ids"])):
            if token in self.by_token:
                tags[place] = self.by_token[token].most_common(1)[0][0]
        return {"tags": tags}


def tagged_tokens(batch):
    """(token id, tag) of every token that has a tag."""
    ids, tags = np.asarray(batch["input_ids"]), np.asarray(batch["tags"])
    return zip(ids[tags >= 0].tolist(), tags[tags >= 0].tolist())
