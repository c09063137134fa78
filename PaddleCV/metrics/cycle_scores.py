"""Scores of translation without pairs: the way back, and whether a judge takes the images for the other kind.

Shapes in this file:
    N images of 3 channels and H x W pixels from -1 to 1.
"""

import numpy as np
import paddle

from .generation_scores import cell_means, frechet_distance
from .judge import Judge


class CycleScores:
    """Distances of images that went to the other kind and back, and of the translated images to real ones.

    `cycle` is the mean absolute difference after the return, a mean of both directions.  `frechet` is the squared
    Fréchet distance of mean gray levels of 7 x 7 cells of translated and real images; `frechet_untranslated` is that of
    the images as they were: the baseline.  With a judge, a classifier of two classes, the second one being B,
    `flipped` is the share of images of A that it takes for B once they are translated, `unflipped` before.

    Args:
        judge (dict | None): `config` and `weights` of a classifier, see Judge.
        second (int): the number of the judge's class that stands for kind B.
    """

    needs = "model"
    primary = "frechet"
    higher_is_better = False

    def __init__(self, judge=None, second=1):
        self.judge, self.second = Judge(**judge) if judge else None, second
        self.reset()

    def reset(self):
        """Forgets all images."""
        self.parts = {name: [] for name in ("a", "b", "made_a", "made_b", "cycle", "flipped", "unflipped")}

    def update(self, model, batch):
        """Adds a batch.

        Args:
            model (nn.Layer): CycleGAN.
            batch (dict): `image` and `image_b` float32 [N, 3, H, W].
        """
        images = [np.asarray(batch[key]) for key in ("image", "image_b")]
        errors = []
        for number, (source, target) in enumerate(("ab", "ba")):
            with paddle.no_grad():
                there, back = (t.numpy() for t in model.cycle(paddle.to_tensor(images[number]), number))
            errors.append(np.abs(back - images[number]).mean(axis=(1, 2, 3)))
            self.parts[source].append(cell_means(images[number]))
            self.parts[f"made_{target}"].append(cell_means(there))
            if self.judge and not number:
                for name, shown in (("flipped", there), ("unflipped", images[0])):
                    self.parts[name].append((self.judge(shown)[1].argmax(axis=1) == self.second).astype(np.float64))
        self.parts["cycle"].append(np.mean(errors, axis=0))

    def state(self):
        """The arrays of this process, {name: float64 [I, ...]}."""
        return {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in self.parts.items()}

    def merge(self, states):
        """Replaces the images by those of all processes."""
        self.parts = {name: [state[name] for state in states if len(state[name])] for name in self.parts}

    def compute(self):
        """`cycle`, `frechet`, `frechet_untranslated`, and with a judge `flipped` and `unflipped`."""
        state = self.state()
        found = {
            "cycle": float(state["cycle"].mean()),
            "frechet": np.mean([frechet_distance(state[k], state[f"made_{k}"]) for k in "ab"]).item(),
            "frechet_untranslated": frechet_distance(state["a"], state["b"]),
        }
        if self.judge:
            found |= {name: float(state[name].mean()) for name in ("flipped", "unflipped")}
        return found
