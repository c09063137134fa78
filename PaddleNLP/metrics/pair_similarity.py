"""The similarity of pairs of texts by their embeddings, as a score of whether they mean the same."""

import numpy as np
import paddle

from common.inference.scored import Scored


class PairSimilarity:
    """Area under the ROC curve of the cosine of the embeddings of two texts, and its mean in both kinds of pairs.

    Args:
        dataset (object): gives the labels.
        positive (int): class of the pairs that mean the same.
    """

    needs = "model"
    primary = "AUC"
    undefined = -1.0

    def __init__(self, dataset, positive=1):
        self.labels, self.positive = list(dataset.labels), positive
        self.reset()

    def reset(self):
        """Forgets all pairs."""
        self.cosines, self.same = [], []

    def update(self, model, batch):
        """Adds the pairs of a batch: the inputs and `label` [N]; see `SentenceEncoder.pair`."""
        tensors = {k: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}
        with paddle.no_grad():
            first, second = (value.numpy().astype(np.float64) for value in model.pair(tensors))
        self.cosines.append((first * second).sum(1))
        self.same.append(np.asarray(batch["label"]) == self.positive)

    def state(self):
        """The pairs of this process (dict of arrays)."""
        cosines, same = [np.zeros(0), *self.cosines], [np.zeros(0, bool), *self.same]
        return {"cosines": np.concatenate(cosines), "same": np.concatenate(same)}

    def merge(self, states):
        """Replaces the pairs by those of all processes."""
        self.cosines = [np.asarray(state["cosines"]) for state in states]
        self.same = [np.asarray(state["same"], bool) for state in states]

    def compute(self):
        """`AUC`, `cosine_same` and `cosine_other`; -1 where the pairs are of one kind."""
        state = self.state()
        cosines, same = state["cosines"], state["same"]
        if same.all() or not same.any():
            return {"AUC": -1.0, "cosine_same": -1.0, "cosine_other": -1.0}
        means = {"cosine_same": cosines[same].mean(), "cosine_other": cosines[~same].mean()}
        return {"AUC": Scored.of(cosines, same).auc(), **{name: float(value) for name, value in means.items()}}

    def scored(self):
        """The pairs by their cosine."""
        state = self.state()
        name = self.labels[self.positive] if self.positive < len(self.labels) else str(self.positive)
        return {name: Scored.of(state["cosines"], state["same"])}
