"""Boxes to train the second stage of PointRCNN on (https://arxiv.org/abs/1812.04244, section 3.4, and its program).

Shapes in this file:
    K proposals and G objects of a cloud, B drawn boxes.  A box is (x, y, z, h, w, l, ry).
"""

import numpy as np

from common.vision.boxes_3d import overlaps_3d

UNMOVED = 0.2  # probability that a try keeps the box as it is
MOVES = (  # largest shift in meters, change of size, and rotation; one of them is drawn for each move
    (0.2, 0.10, np.pi / 12),
    (0.3, 0.15, np.pi / 12),
    (0.5, 0.15, np.pi / 9),
    (0.8, 0.15, np.pi / 6),
    (1.0, 0.15, np.pi / 3),
)


class BoxSampler:
    """Draws boxes that hold an object, and boxes of the background, most of them near an object, and moves them a bit.

    The objects themselves are candidates, so that there are boxes to learn from when the proposals are still bad.

    Args:
        count (int): B.
        positive_share (float): share of boxes with an object, as far as there are enough.
        regress (float): boxes that overlap an object in space by this much are moved onto it.
        positive (float): those that overlap one by this much hold it.
        negative (float): those that overlap every object by less are background.
        easy (float): background that overlaps every object by less is easy, the other is hard.
        hard_share (float): share of hard boxes of the background.
        tries (int): a box with an object is moved at random so often at most, until it overlaps the object enough.
    """

    def __init__(
        self,
        count=64,
        positive_share=0.5,
        regress=0.55,
        positive=0.6,
        negative=0.45,
        easy=0.05,
        hard_share=0.8,
        tries=10,
    ):
        if not 0 <= easy <= negative <= regress <= positive <= 1:
            raise ValueError(
                f"BoxSampler got easy {easy}, negative {negative}, regress {regress}, positive {positive}; "
                "they rise from 0 to 1"
            )
        if count < 1 or tries < 1 or not 0 <= min(positive_share, hard_share) <= max(positive_share, hard_share) <= 1:
            raise ValueError("BoxSampler draws 1 box or more by 1 try or more; shares are from 0 to 1")
        self.count, self.positive_share, self.hard_share, self.tries = count, positive_share, hard_share, tries
        self.regress, self.positive, self.negative, self.easy = regress, positive, negative, easy

    def __call__(self, proposals, objects, rng):
        """Boxes of a cloud: float64 [B, 7], those with an object first.

        Args:
            proposals (ndarray): [K, 7].
            objects (ndarray): [G, 7].
            rng (Generator): randomness.

        Returns:
            tuple[ndarray, ndarray, ndarray]: the boxes, their overlap in space with the object they overlap most [B],
                and that object [B, 7], zeros without objects.
        """
        objects = np.asarray(objects, np.float64).reshape(-1, 7)
        every = np.concatenate([np.asarray(proposals, np.float64).reshape(-1, 7), objects])
        if not len(every):
            return np.zeros((self.count, 7)), np.zeros(self.count), np.zeros((self.count, 7))
        overlaps = overlaps_3d(every, objects)[1] if len(objects) else np.zeros((len(every), 1))
        nearest, most = overlaps.argmax(1), overlaps.max(1)
        chosen, moves = self.draw(most, rng)
        boxes, found = every[chosen].copy(), most[chosen]
        targets = objects[nearest[chosen]] if len(objects) else np.zeros((self.count, 7))
        if len(objects):
            for row in range(self.count):
                boxes[row], found[row] = self.move(boxes[row], targets[row], self.tries if row < moves else 1, rng)
        return boxes, found, targets

    def draw(self, most, rng):
        """Places of B boxes by their overlaps [K + G], and how many of them, the first ones, hold an object."""
        inside = np.flatnonzero(most >= self.regress)
        hard = np.flatnonzero((most < self.negative) & (most >= self.easy))
        simple = np.flatnonzero(most < self.easy)
        if not len(inside) + len(hard) + len(simple):
            return rng.integers(len(most), size=self.count), 0
        positives = min(round(self.positive_share * self.count), len(inside))
        if not len(hard) + len(simple):
            positives = self.count
        drawn = rng.permutation(inside)[:positives]
        if len(drawn) < positives:
            drawn = rng.choice(inside, positives)
        rest = self.count - positives
        difficult = round(self.hard_share * rest) if len(hard) and len(simple) else rest * bool(len(hard))
        for places, size in ((hard, difficult), (simple, rest - difficult)):
            drawn = np.concatenate([drawn, rng.choice(places, size)]) if size else drawn
        return drawn, positives

    def move(self, box, target, tries, rng):
        """A box moved at random, and its overlap with its object; the last try counts if none overlaps enough."""
        for _ in range(tries):
            moved = box if rng.random() < UNMOVED else moved_at_random(box, rng)
            overlap = overlaps_3d(moved[None], target[None])[1][0, 0]
            if overlap >= self.regress:
                break
        return moved, overlap


def moved_at_random(box, rng):
    """A box [7] with another place, size and rotation, by one of :data:`MOVES`."""
    shift, size, turn = MOVES[rng.integers(len(MOVES))]
    change = rng.uniform(-1, 1, 7)
    return np.concatenate(
        [box[:3] + shift * change[:3], box[3:6] * (1 + size * change[3:6]), box[6:] + turn * change[6:]]
    )
