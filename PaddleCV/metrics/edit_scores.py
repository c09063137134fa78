"""Scores of edited attributes: whether a judge sees the change, and what else the model changes.

Shapes in this file:
    N images of S x S pixels from -1 to 1, C attributes.
"""

import numpy as np
import paddle

from .judge import Judge

KEEP = -1.0


class EditScores:
    """The reconstruction error, and with a judge the share of edited images that show what was asked for.

    `reconstruction` is the mean absolute difference of an image and what the model makes of it without any change.
    With a judge, a trained classifier of the same attributes, `edited` is the share of images in which it sees all
    attributes that `target` asks for; `unedited` is that share of the images as they were: the baseline.  The score of
    attributes by the judge on real images, `judge_accuracy`, bounds them.  The best checkpoint is chosen by `edited`,
    or without a judge by `reconstruction`.

    Args:
        judge (dict | None): `config` and `weights` of a multi-label classifier, see Judge.
        dataset (object): the evaluation data, with `labels`.
    """

    needs = "model"

    def __init__(self, judge=None, dataset=None):
        self.judge = Judge(**judge, labels=list(dataset.labels)) if judge else None
        self.primary = "edited" if judge else "reconstruction"
        self.higher_is_better = bool(judge)
        self.reset()

    def reset(self):
        """Forgets all images."""
        self.sums = np.zeros(5)  # images, their reconstruction errors, edited, unedited, attributes seen rightly

    def update(self, model, batch):
        """Adds a batch.

        Args:
            model (nn.Layer): AttributeEditor.
            batch (dict): `image` float32 [N, 3, S, S], `label` float32 [N, C], `target` float32 [N, C].
        """
        image, target = np.asarray(batch["image"]), np.asarray(batch["target"])
        label = np.asarray(batch["label"])
        given = paddle.to_tensor(image)
        with paddle.no_grad():
            same = model.predict(given, paddle.full(list(target.shape), KEEP))[0].numpy()
            edited = model.predict(given, paddle.to_tensor(target))[0].numpy() if self.judge else None
        self.sums[:2] += [len(image), np.abs(same - image).mean(axis=(1, 2, 3)).sum()]
        if self.judge:
            seen = self.judge(image)[1] > 0
            right = [
                shows(self.judge(edited)[1] > 0, target),
                shows(seen, target),
                (seen == (label > 0.5)).mean(axis=1),
            ]
            self.sums[2:] += [value.sum() for value in right]

    def state(self):
        """The sums of this process."""
        return {"sums": self.sums}

    def merge(self, states):
        """Adds up the sums of all processes."""
        self.sums = sum(state["sums"] for state in states)

    def compute(self):
        """`reconstruction`, and with a judge `edited`, `unedited` and `judge_accuracy`."""
        error, *rest = self.sums[1:] / max(1.0, self.sums[0])
        found = {"reconstruction": float(error)}
        if self.judge:
            found |= {name: float(v) for name, v in zip(("edited", "unedited", "judge_accuracy"), rest)}
        return found


def shows(seen, target):
    """True for images whose attributes bool [N, C] are all that a target float [N, C] asks for: bool [N]."""
    return ((target == KEEP) | (seen == (target > 0.5))).all(axis=1)
