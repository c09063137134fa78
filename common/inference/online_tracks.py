"""The loop of a tracker that learns while tracking: its filter sees every frame, and is changed by some of them.

See https://arxiv.org/abs/1811.07628, section 3.3, for what the first frame is augmented with.

Shapes in this file:
    Crops of S x S pixels, R x R places of the response, 16 pixels from one to the next.
"""

import numpy as np

from common.inference.online_filter import OnlineFilter
from common.inference.tracks import Track
from common.vision.tracking import check_first_box

STRIDE = 16
SIGMA = 0.25  # of labels, in sizes of the object
RATE, HARD_RATE = 0.0075, 0.02  # the weight of a frame, and of one with a distractor
EVERY, STEPS = 10, 5  # frames from one improvement to the next, and its steps
ANGLES = (5, -5, 10, -10, 20, -20, 30, -30, 45, -45, 60, -60)
BLURS = ((2, 0.2), (0.2, 2), (3, 1), (1, 3), (2, 2))  # standard deviations across and down
SHIFTS = ((0.6, 0.6), (-0.6, 0.6), (0.6, -0.6), (-0.6, -0.6))  # in sizes of the object
DROPPED, DROPS = 0.2, 7  # share of channels, and samples
NEIGHBORHOOD, DISTRACTOR = 2.2, 0.3  # sizes of the object about it; the second peak in parts of the first


class OnlineTrack(Track):
    """One object that is followed from frame to frame by a filter that learns it.

    Args:
        run (Callable): {input name: array [1, ...]} to {output name: array [1, ...]}, see
            :class:`PaddleCV.models.trackers.atom.ATOM`.
        crops (Transform): see :class:`common.vision.area_crops.AreaCrops`.
        frame (ndarray): the first, RGB uint8 [H, W, 3].
        box (Sequence[float]): x, y, w, h in it.
        path (str): of the sequence, for messages.

    Raises:
        BadSample: the box lies outside of the frame.
    """

    def prepare(self, frame):
        """Learns the object of the first frame."""
        check_first_box(self.first, frame, {"path": self.path})
        sample = self.sample(frame)
        self.inputs = {name: np.float32(sample[name])[None] for name in ("image", "size", *self.crops.beginning)}
        self.frames, size = 0, sample["size"]
        images, shifts = augmented(sample["image"], size)
        found = [self.run(self.inputs | {"image": image[None]}) for image in images]
        features = [one["features"][0] for one in found]
        rng = np.random.default_rng(0)
        for _ in range(DROPS):
            kept = rng.random(len(features[0])) >= DROPPED
            features.append(features[0] * (kept / (1 - DROPPED)).reshape(-1, 1, 1).astype(np.float32))
            shifts.append(np.zeros(2))
        self.side = found[0]["response"].shape[1]
        labels = np.stack([gaussian(self.side, shift, size) for shift in shifts])
        self.filter = OnlineFilter(sample["projection"], sample["filter"].shape[1])
        self.filter.begin(np.stack(features), labels)
        self.inputs |= {"known3": found[0]["own3"], "known4": found[0]["own4"]}
        self.take_filter()

    def take_filter(self):
        """Puts what was learned among the inputs."""
        self.inputs |= {"projection": self.filter.projection[None], "filter": self.filter.filter[None]}
        self.inputs = {name: np.asarray(value, np.float32) for name, value in self.inputs.items()}

    def inputs_of(self, frame):
        """The inputs for a frame."""
        sample = self.sample(frame)
        return self.inputs | {"image": sample["image"][None], "size": sample["size"][None]}

    def learn(self, inputs, outputs):
        """Adds the frame to the memory; changes the filter in every 10th frame, and where a second peak is high."""
        self.frames += 1
        size, shift = inputs["size"][0], np.float64(outputs["box"][0, :2])
        distracted = second_peak(outputs["response"][0], size) > DISTRACTOR * max(float(outputs["response"].max()), 0)
        label = gaussian(self.side, shift, size)
        self.filter.add(outputs["features"][0], label, HARD_RATE if distracted else RATE)
        if distracted or self.frames % EVERY == 0:
            self.filter.improve(STEPS)
            self.take_filter()


def augmented(image, size):
    """Changed crops of the first frame (list of float32 [3, S, S]), and the shifts of the object (list of [2]).

    The first of them is unchanged.

    Args:
        image (ndarray): float32 [3, S, S].
        size (ndarray): [2], of the object in pixels.
    """
    import cv2

    side, plain = image.shape[1], np.ascontiguousarray(image.transpose(1, 2, 0))
    found, shifts = [plain, plain[:, ::-1]], [np.zeros(2)] * (2 + len(ANGLES) + len(BLURS))
    middle = ((side - 1) / 2, (side - 1) / 2)
    moves = [cv2.getRotationMatrix2D(middle, angle, 1.0) for angle in ANGLES]
    found += [cv2.warpAffine(plain, move, (side, side), borderMode=cv2.BORDER_REPLICATE) for move in moves]
    found += [cv2.GaussianBlur(plain, (0, 0), sigmaX=across, sigmaY=down) for across, down in BLURS]
    for part in SHIFTS:
        shifts.append(np.array(part) * size)
        move = np.array([[1, 0, shifts[-1][0]], [0, 1, shifts[-1][1]]], np.float64)
        found.append(cv2.warpAffine(plain, move, (side, side), borderMode=cv2.BORDER_REPLICATE))
    return [np.ascontiguousarray(one.transpose(2, 0, 1), np.float32) for one in found], shifts


def gaussian(side, shift, size):
    """The label of a response, float32 [R, R]: 1 at the place of the object.

    Args:
        side (int): R.
        shift (ndarray): [2], x and y of the object's center from that of the crop, in pixels.
        size (ndarray): [2], of the object in pixels.
    """
    across, down = places(side) - shift[0], places(side) - shift[1]
    sigma = SIGMA * np.sqrt(float(size[0]) * float(size[1]))
    return np.exp(-(across[None] ** 2 + down[:, None] ** 2) / (2 * sigma**2)).astype(np.float32)


def places(side):
    """The places of a response along an axis in pixels from the middle, float64 [R]."""
    return (np.arange(side) - (side - 1) / 2) * STRIDE


def second_peak(response, size):
    """The largest value of a response [R, R] that is not about its first peak (float); -inf if all of it is."""
    row, column = np.unravel_index(response.argmax(), response.shape)
    where = places(len(response))
    near = [np.abs(where - where[at]) <= NEIGHBORHOOD * float(s) / 2 for at, s in ((column, size[0]), (row, size[1]))]
    rest = response[~(near[1][:, None] & near[0][None])]
    return float(rest.max()) if rest.size else -np.inf
