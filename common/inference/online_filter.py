"""A filter that is learned while tracking, by Gauss-Newton steps of conjugate gradients (arxiv.org/abs/1811.07628).

The filter w answers to projected features, s = w * (a y); the objective is the weighted squared error of act(s) from
Gaussian labels, with weight decay of w and a (section 3.2).  In the first frame both are learned, later w alone.  It is
all in NumPy, for it runs beside any engine.

Shapes in this file:
    M samples of C channels and h x w cells, D channels after the projection, filters of k x k cells, R = h + 1.
"""

import numpy as np

BEND = 0.05  # responses below zero count little: act(s) = BEND (exp(s / BEND) - 1)
DECAY, PROJECTION_DECAY = 0.1, 1e-4
MEMORY = 250  # samples
FIRST_SHARE = 0.25  # of the weight, which the samples of the first frame keep


class OnlineFilter:
    """A projection and a filter with the memory of samples that they are learned from.

    Args:
        projection (ndarray): float [D, C], to begin with.
        kernel (int): k, even.
    """

    def __init__(self, projection, kernel):
        self.projection = np.asarray(projection, np.float32)
        self.filter = np.zeros((len(projection), kernel, kernel), np.float32)
        self.maps, self.labels, self.weights, self.firsts = [], [], np.zeros(0), 0

    def begin(self, features, labels, rounds=6, steps=10):
        """Learns projection and filter from the samples of the first frame.

        Args:
            features (ndarray): float32 [M, C, h, w].
            labels (ndarray): float32 [M, R, R].
            rounds (int): of Gauss-Newton.
            steps (int): of conjugate gradients in each.
        """
        features = np.ascontiguousarray(features.transpose(1, 0, 2, 3))
        weights = np.full(len(labels), 1 / len(labels), np.float32)
        problem = Problem(features, labels, weights, learns_projection=True)
        for _ in range(rounds):
            self.projection, self.filter = problem.step(self.projection, self.filter, steps)
        maps = np.tensordot(self.projection, features, 1)
        self.maps, self.labels = list(maps.transpose(1, 0, 2, 3)), list(labels)
        self.weights, self.firsts = np.float64(weights), len(labels)

    def add(self, features, label, rate):
        """Adds a sample, features [C, h, w] and label [R, R], with a share `rate` of the weight."""
        self.weights = self.weights * (1 - rate)
        if (first := self.weights[: self.firsts].sum()) < FIRST_SHARE * (1 - rate):
            self.weights[: self.firsts] *= FIRST_SHARE * (1 - rate) / max(first, 1e-12)
        if len(self.maps) >= MEMORY:
            oldest = self.firsts + int(self.weights[self.firsts :].argmin())
            self.weights = np.delete(self.weights, oldest)
            del self.maps[oldest], self.labels[oldest]
        self.maps.append(np.tensordot(self.projection, features, 1).astype(np.float32))
        self.labels.append(label)
        self.weights = np.append(self.weights, rate)
        self.weights /= self.weights.sum()

    def improve(self, steps=5):
        """Learns the filter from the memory, by one Gauss-Newton step."""
        maps = np.ascontiguousarray(np.stack(self.maps, 1))
        problem = Problem(maps, np.stack(self.labels), np.float32(self.weights), learns_projection=False)
        self.filter = problem.step(self.projection, self.filter, steps)[1]


class Problem:
    """The least squares of labels of samples, linear about a projection and a filter.

    Args:
        features (ndarray): float32 [C, M, h, w], or [D, M, h, w], projected, where the projection is not learned.
        labels (ndarray): float32 [M, R, R].
        weights (ndarray): float32 [M], of the samples.
        learns_projection (bool): both are learned.
    """

    def __init__(self, features, labels, weights, learns_projection):
        self.features, self.labels, self.both = features, labels, learns_projection
        self.roots = np.sqrt(weights).reshape(-1, 1, 1)

    def step(self, projection, filter, steps):
        """The projection and the filter after a Gauss-Newton step of some steps of conjugate gradients."""
        self.projection, self.filter = projection, filter
        response = respond(self.features, np.tensordot(projection.T, filter, 1) if self.both else filter)
        self.slope = self.roots * np.exp(np.minimum(response, 0) / BEND)
        error = self.roots * (bend(response) - self.labels)
        variables = self.join(projection, filter)
        decay = self.join(np.full_like(projection, PROJECTION_DECAY), np.full_like(filter, DECAY))

        def apply(vector):
            return self.transposed(self.forward(vector)) + decay * vector

        change = conjugate_gradients(apply, -self.transposed(error) - decay * variables, steps)
        new = self.split(variables + change)
        return new if self.both else (projection, new[1])

    def forward(self, vector):
        """The Jacobian times a change of the variables: that of the residuals, [M, R, R]."""
        projection, filter = self.split(vector)
        if self.both:  # both are one filter of C channels
            filter = np.tensordot(self.projection.T, filter, 1) + np.tensordot(projection.T, self.filter, 1)
        return self.slope * respond(self.features, filter)

    def transposed(self, residuals):
        """The transposed Jacobian times residuals [M, R, R]: a vector."""
        by_filter = filter_gradient(self.features, self.slope * residuals, self.filter.shape[1])
        if not self.both:
            return self.join(None, by_filter)
        by_projection = np.tensordot(self.filter, by_filter, ([1, 2], [1, 2]))  # [D, C]
        return self.join(by_projection, np.tensordot(self.projection, by_filter, 1))

    def join(self, projection, filter):
        """The variables as one vector."""
        return np.concatenate([projection.ravel(), filter.ravel()]) if self.both else filter.ravel()

    def split(self, vector):
        """The inverse of `join`."""
        if not self.both:
            return None, vector.reshape(self.filter.shape)
        count = self.projection.size
        return vector[:count].reshape(self.projection.shape), vector[count:].reshape(self.filter.shape)


def conjugate_gradients(apply, right, steps):
    """The solution of apply(x) = right after some steps from 0; `apply` is symmetric and positive definite.

    Args:
        apply (Callable): a vector to a vector.
        right (ndarray): a vector.
        steps (int): at most.
    """
    found, rest = np.zeros_like(right), right.copy()
    direction, size = rest.copy(), float(rest @ rest)
    for _ in range(steps):
        if size <= 1e-20:
            break
        image = apply(direction)
        length = size / float(direction @ image)
        found += length * direction
        rest -= length * image
        before, size = size, float(rest @ rest)
        direction = rest + size / before * direction
    return found


def bend(response):
    """Responses, bent below zero; see BEND."""
    return np.where(response > 0, response, BEND * np.expm1(np.minimum(response, 0) / BEND))


def respond(maps, filter):
    """The correlation of maps [D, M, h, w] with a filter [D, k, k], with k / 2 cells of zeros around: [M, R, R]."""
    channels, count, height, width = maps.shape
    kernel, pad = filter.shape[1], filter.shape[1] // 2
    taps = (filter.reshape(channels, -1).T @ maps.reshape(channels, -1)).reshape(-1, count, height, width)
    found = np.zeros((count, height + 2 * kernel, width + 2 * kernel), taps.dtype)
    for tap, (i, j) in zip(taps, np.ndindex(kernel, kernel)):
        top, left = kernel + pad - i, kernel + pad - j
        found[:, top : top + height, left : left + width] += tap
    side = 2 * pad - kernel + 1
    return found[:, kernel : kernel + height + side, kernel : kernel + width + side]


def filter_gradient(maps, residuals, kernel):
    """The transposed of `respond` by the filter: [D, k, k] of residuals [M, R, R]."""
    channels, count, height, width = maps.shape
    pad, around = kernel // 2, np.pad(residuals, ((0, 0), (kernel, kernel), (kernel, kernel)))
    moved = np.empty((kernel * kernel, count, height, width), maps.dtype)
    for tap, (i, j) in enumerate(np.ndindex(kernel, kernel)):
        top, left = kernel + pad - i, kernel + pad - j
        moved[tap] = around[:, top : top + height, left : left + width]
    return (maps.reshape(channels, -1) @ moved.reshape(kernel * kernel, -1).T).reshape(channels, kernel, kernel)
