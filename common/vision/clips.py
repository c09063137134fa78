"""Transforms that choose frames of a video: of equal parts of it (segments), or of short runs of frames (clips).

A sample names its video by `path`, or holds its content (`data`, bytes) or its frames (`clip`).  With `start` and
`end`, frame numbers, it is that part of the video alone.  What is chosen becomes `clip`, a list of T frames, to which
`PerFrame` applies image transforms.

Shapes in this file:
    L frames of a video or of the part of it, S segments, F frames of each; V clips of F frames.
"""

import numpy as np

from common.data.refusals import add_list_line, bad_file
from common.data.transform import Transform
from common.errors import BadSample
from common.vision.decode import PIXEL_LIMIT, Decode
from common.vision.video import FrameList, VideoFile


class FrameSampler(Transform):
    """Base class of transforms that choose frames of a video.

    A child class defines `numbers(length, rng)`, the numbers of frames of a video of this length, int64 [T].

    Args:
        random (bool): chooses at random, for training.
        max_pixels (int): maximum number of pixels of a frame.
    """

    examine = staticmethod(Decode.examine)

    def __init__(self, random=False, max_pixels=PIXEL_LIMIT):
        self.random, self.max_pixels = random, max_pixels
        self.augments = random

    def __call__(self, sample, rng):
        try:
            with self.open(sample) as video:
                start, end = part_of(sample, video.count)
                sample["clip"] = video.frames(start + self.numbers(end - start, rng))
                sample["rate"], sample["duration"] = float(video.rate), (end - start) / video.rate
        except BadSample as error:
            raise add_list_line(error, sample) from None
        return sample

    def open(self, sample):
        """The video of a sample; raises BadSample."""
        if "clip" in sample:
            sample["source_clip"] = sample["clip"]
            return FrameList(sample["clip"], sample.get("rate", 25.0))
        if "data" in sample:
            return VideoFile(sample.pop("data"), sample["path"], self.max_pixels)
        if "path" not in sample:
            raise bad_file("D100", "a video", f"the sample has no path; it has {', '.join(map(str, sample))}")
        return VideoFile(sample["path"], max_pixels=self.max_pixels)

    def numbers(self, length, rng):
        """The numbers of the chosen frames of a video of `length` frames, int64 [T]."""
        raise NotImplementedError(f"{type(self).__name__} does not define numbers")


class SampleSegments(FrameSampler):
    """Takes a run of frames from each of S equal parts (TSN, https://arxiv.org/abs/1608.00859, section 3.1).

    The run is in the middle of its part, in training at a random place of it. T is S * F.

    Args:
        segments (int): S.
        frames (int): F, consecutive frames of each part.
        random (bool): random places, for training.
        max_pixels (int): maximum number of pixels of a frame.
    """

    def __init__(self, segments=8, frames=1, random=False, max_pixels=PIXEL_LIMIT):
        super().__init__(random, max_pixels)
        check_counts("SampleSegments", segments=segments, frames=frames)
        self.segments, self.frames = segments, frames

    def numbers(self, length, rng):
        """See FrameSampler."""
        places = rng.random(self.segments) if self.random else np.full(self.segments, 0.5)
        return segment_frames(length, self.segments, self.frames, places)


class SampleClips(FrameSampler):
    """Takes V clips of F frames, `interval` frames apart (https://arxiv.org/abs/1711.07971, section 4.1).

    In training one clip at a random place; otherwise V clips spread over the whole video, one after the other. T is
    V * F; a model averages the scores of the clips.

    Args:
        frames (int): F.
        interval (int): frames from one frame of a clip to the next.
        clips (int): V; one in training.
        random (bool): a random place, for training.
        max_pixels (int): maximum number of pixels of a frame.
    """

    def __init__(self, frames=8, interval=8, clips=1, random=False, max_pixels=PIXEL_LIMIT):
        super().__init__(random, max_pixels)
        check_counts("SampleClips", frames=frames, interval=interval, clips=clips)
        if random and clips > 1:
            raise ValueError(f"SampleClips with random: true takes one clip, not {clips}")
        self.frames, self.interval, self.clips = frames, interval, clips

    def numbers(self, length, rng):
        """See FrameSampler."""
        places = rng.random(1) if self.random else (np.arange(self.clips) + 0.5) / self.clips
        if self.clips > 1:
            places = np.linspace(0, 1, self.clips)
        return clip_frames(length, self.frames, self.interval, places)


class ThreeCrops(Transform):
    """Square crops at the start, the middle and the end of the longer side, of every frame of the clip.

    T frames [H, W, 3] become 3 T of [size, size, 3], crop by crop, so that a model that averages over clips averages
    over crops as well.

    Args:
        size (int): side of a crop in pixels, at most that of the frames.
    """

    def __init__(self, size):
        check_counts("ThreeCrops", size=size)
        self.size = size

    def __call__(self, sample, rng):
        height, width = np.shape(sample["clip"][0])[:2]
        if min(height, width) < self.size:
            message = f"frames of {width}x{height} have no crop of {self.size} pixels"
            raise bad_file("D100", sample.get("path", "a clip"), message, fix="resize them before ThreeCrops")
        down, across = (height - self.size) / 2, (width - self.size) / 2
        tall = height >= width
        corners = [
            (round(down * step), round(across)) if tall else (round(down), round(across * step)) for step in range(3)
        ]
        sample["clip"] = [
            frame[top : top + self.size, left : left + self.size] for top, left in corners for frame in sample["clip"]
        ]
        return sample


def part_of(sample, count):
    """The first frame of a sample's part of a video of `count` frames, and the one after the last.

    Raises:
        BadSample: D118, the part is empty or begins after the end of the video.
    """
    start, end = int(sample.get("start", 0)), int(sample.get("end", count))
    if not 0 <= start < min(end, count):
        message = f"the part from frame {start} to {end} is not in the video, which has {count} frames"
        raise bad_file("D118", sample.get("path", "a video"), message)
    return start, min(end, count)


def segment_frames(length, segments, frames, places):
    """The numbers of the frames of each of S equal parts.

    Args:
        length (int): L.
        segments (int): S.
        frames (int): F.
        places (ndarray): of each run within its part, float64 [S], 0 for its start to 1 for its end.

    Returns:
        ndarray: int64 [S F]; of a part that is shorter than F some frames are those after it, or the last one again.
    """
    part = length / segments
    starts = np.floor(np.arange(segments) * part + places * max(part - frames, 0))
    starts = np.minimum(starts, max(length - frames, 0))
    return np.minimum(starts[:, None] + np.arange(frames), length - 1).astype(np.int64).reshape(-1)


def clip_frames(length, frames, interval, places):
    """The numbers of the frames of V clips.

    Args:
        length (int): L.
        frames (int): F.
        interval (int): frames from one to the next.
        places (ndarray): of each clip, float64 [V], 0 for the start of the video to 1 for its end.

    Returns:
        ndarray: int64 [V F]; a clip that is longer than the video repeats its last frame.
    """
    room = max(length - (frames - 1) * interval - 1, 0)
    starts = np.floor(places * room + 0.5)
    return np.minimum(starts[:, None] + np.arange(frames) * interval, length - 1).astype(np.int64).reshape(-1)


def check_counts(name, **counts):
    """Raises ValueError for a count below 1."""
    for key, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} got {key} {value}; it is 1 or more")
