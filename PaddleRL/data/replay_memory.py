"""The replay memory: the last steps of an agent, a frame each, from which random steps are drawn."""

import numpy as np

NO_ACTION = -1  # of the last frame of an episode


class ReplayMemory:
    """A ring of frames with what was done after each; stacks of frames are put together when they are drawn.

    A frame is held once, however many observations it is a part of: 10^6 Atari frames take 7.1 GB, and no more than
    are there.

    Args:
        capacity (int): frames.
        frame (ndarray): any frame, for shape and dtype.
        stack (int): frames in an observation, see Player.
    """

    def __init__(self, capacity, frame, stack=1):
        self.capacity, self.stack, self.count, self.position = capacity, stack, 0, 0
        self.frames = np.zeros((capacity, *frame.shape), frame.dtype)  # pages are taken when they are written to
        self.actions, self.rewards = np.zeros(capacity, np.int64), np.zeros(capacity, np.float32)
        self.terminated, self.first = np.zeros(capacity, np.uint8), np.zeros(capacity, np.uint8)

    @property
    def columns(self):
        """The arrays by name."""
        names = ("frames", "actions", "rewards", "terminated", "first")
        return {name: getattr(self, name) for name in names}

    def add(self, frame, action=NO_ACTION, reward=0.0, terminated=False, first=False):
        """Adds a frame and what followed; without an action it is the last one of its episode.

        Args:
            frame (ndarray): what was seen.
            action (int): what was done then.
            reward (float): what it brought.
            terminated (bool): True if the episode ended by that.
            first (bool): True for the first frame of an episode.
        """
        for column, value in zip(self.columns.values(), (frame, action, reward, terminated, first)):
            column[self.position] = value
        self.position = (self.position + 1) % self.capacity
        self.count = min(self.count + 1, self.capacity)

    def sample(self, size, rng):
        """Draws steps at random.

        Args:
            size (int): N.
            rng (np.random.Generator): to draw with.

        Returns:
            dict[str, ndarray]: a batch of `DQN.loss`.
        """
        youngest = self.count - 1  # its next frame is not there
        oldest = self.stack - 1 if self.count == self.capacity else 0  # a whole stack is there
        start = self.position - self.count
        ages = rng.integers(oldest, youngest, size)
        while (empty := self.actions[(start + ages) % self.capacity] == NO_ACTION).any():
            ages[empty] = rng.integers(oldest, youngest, int(empty.sum()))
        rows = (start + ages) % self.capacity
        return {
            "observation": self.stacked(rows),
            "action": self.actions[rows],
            "reward": self.rewards[rows],
            "next_observation": self.stacked((rows + 1) % self.capacity),
            "terminated": self.terminated[rows].astype("float32"),
        }

    def stacked(self, rows):
        """The observations float32 [N, stack, ...] that end with the frames of rows [N]; [N, ...] with a stack of 1.

        Before the first frame of an episode is that frame again.
        """
        if self.stack == 1:
            return self.frames[rows].astype("float32")
        places = [rows]
        for _ in range(self.stack - 1):
            places.append(np.where(self.first[places[-1]] == 1, places[-1], places[-1] - 1) % self.capacity)
        return self.frames[np.stack(places[::-1], 1)].astype("float32")

    def state(self):
        """The filled part and the position, as arrays."""
        filled = {name: column[: self.count] for name, column in self.columns.items()}
        return filled | {"ring": np.array([self.capacity, self.count, self.position])}

    def load(self, arrays):
        """The inverse of `state`; raises ValueError for the state of another capacity."""
        capacity, self.count, self.position = arrays["ring"].tolist()
        if capacity != self.capacity:
            raise ValueError(f"the replay memory of the checkpoint has {capacity} frames, this one {self.capacity}")
        for name, column in self.columns.items():
            column[: self.count] = arrays[name]
