"""Image transforms for samples with several images (`On`) and for video clips (`PerFrame`).

Shapes in this file:
    T frames of H x W pixels.
"""

import numpy as np

from common.data.pipeline import error_line
from common.data.refusals import bad_file
from common.data.transform import Transform, random_for
from common.errors import ConfigError, KitError
from common.vision.decode import Decode


class On(Transform):
    """Applies image transforms to one or several named images of a sample, such as an image pair.

    Image K is the sample's key `K`, and its annotations have keys with the prefix `K_`: `K_path`, `K_mask`, `K_boxes`,
    `K_im_shape`. The transforms see them as `image`, `path`, `mask`, ..., so that Decode reads `K_path` and produces
    `K`. All other keys are unchanged. The key `image` applies the transforms to the sample itself.

    Args:
        key (str | list[str]): the name of one or several images.
        transforms (list[Transform]): sample transforms, in order of application.
        same_random (bool): uses the same random numbers for all images, so that images of equal size get the same crop
            and flip; otherwise each image has its own.
    """

    examine = staticmethod(Decode.examine)

    def __init__(self, key, transforms, same_random=False):
        self.keys = [key] if isinstance(key, str) else list(key)
        if not self.keys or len(set(self.keys)) < len(self.keys):
            raise ValueError(f"On got the keys {self.keys}; it needs one name, or several different ones")
        self.transforms = check_nested("On", transforms)
        self.same_random = same_random
        self.augments = any(transform.augments for transform in self.transforms)

    @classmethod
    def from_config(cls, key, transforms, same_random=False, *, build):
        """Builds the transforms."""
        return cls(key, check_nested("On", [build(node) for node in transforms or []], transforms), same_random)

    def __call__(self, sample, rng):
        numbers = rng.integers(2**63, size=1 if self.same_random else len(self.keys))
        for key, number in zip(self.keys, np.resize(numbers, len(self.keys)), strict=True):
            self.transform(key, sample, random_for(int(number)))
        return sample

    def transform(self, key, sample, rng):
        """Applies the transforms to one image of the sample, in place."""
        if key == "image":
            changed = apply_nested(self.transforms, dict(sample), rng, "On image", sample)
            sample.clear()
            sample.update(changed)
            return
        if key not in sample and f"{key}_path" not in sample:
            message = f"the sample has neither '{key}' nor '{key}_path', which On takes; it has {', '.join(sample)}"
            raise bad_file("D100", sample.get("path", "a sample"), message)
        names = {name: name.removeprefix(f"{key}_") for name in sample if name.startswith(f"{key}_")}
        inner = {short: sample.pop(name) for name, short in names.items()}
        if key in sample:
            inner["image"] = sample.pop(key)
        inner = apply_nested(self.transforms, inner | {"epoch": sample.get("epoch", 0)}, rng, f"On {key}", sample)
        del inner["epoch"]
        if "image" in inner:
            sample[key] = inner.pop("image")
        sample.update({f"{key}_{short}": value for short, value in inner.items()})


class PerFrame(Transform):
    """Applies image transforms to every frame of a video clip with the same random numbers: one crop and flip for all.

    The clip is an array uint8 [T, H, W, 3] or a list of frames [H, W, 3]; if the sample has `clip_paths` instead,
    Decode as the first transform reads the frames. The result is an array [T, H, W, 3], or float32 [T, 3, H, W] with
    Normalize as the last transform, and [N, T, 3, H, W] in a batch.

    Args:
        transforms (list[Transform]): image transforms, in order of application.
        key (str): the name of the clip; the paths are in `<key>_paths`.
    """

    examine = staticmethod(Decode.examine)

    def __init__(self, transforms, key="clip"):
        self.transforms = check_nested("PerFrame", transforms)
        self.key = key
        self.augments = any(transform.augments for transform in self.transforms)

    @classmethod
    def from_config(cls, transforms, key="clip", *, build):
        """Builds the transforms."""
        return cls(check_nested("PerFrame", [build(node) for node in transforms or []], transforms), key)

    def __call__(self, sample, rng):
        number, frames = int(rng.integers(2**63)), []
        for index, frame in enumerate(self.frames(sample)):
            inner = frame | {"epoch": sample.get("epoch", 0)}
            changed = apply_nested(self.transforms, inner, random_for(number), f"frame {index} of {self.key}", sample)
            frames.append(changed["image"])
            if frames[-1].shape != frames[0].shape or frames[-1].dtype != frames[0].dtype:
                first, other = (f"{image.dtype} {list(image.shape)}" for image in (frames[0], frames[-1]))
                raise self.refusal(sample, f"frame 0 is {first} and frame {index} is {other}; resize them to one size")
        sample[self.key] = np.stack(frames)
        return sample

    def frames(self, sample):
        """The frames as samples with `image` or `path`."""
        frames, paths = sample.get(self.key), sample.get(f"{self.key}_paths")
        if frames is None and paths is None:
            raise self.refusal(sample, f"the sample has neither it nor '{self.key}_paths'; it has {', '.join(sample)}")
        if frames is not None and not (isinstance(frames, list) or (hasattr(frames, "ndim") and frames.ndim == 4)):
            shape = f"{frames.dtype} {list(frames.shape)}" if hasattr(frames, "shape") else type(frames).__name__
            raise self.refusal(sample, f"it is {shape}; expected [T, H, W, 3] or a list of frames")
        found = [{"path": path} for path in paths] if frames is None else [{"image": frame} for frame in frames]
        if not found:
            raise self.refusal(sample, "it has no frames")
        return found

    def refusal(self, sample, message):
        """The BadSample for a clip."""
        return bad_file("D100", sample.get("path", "a clip"), f"the clip '{self.key}': {message}")


def check_nested(owner, transforms, nodes=None):
    """Refuses transforms that cannot be nested in another one; returns them as a list.

    Args:
        owner (str): the name of the outer transform.
        transforms (list[Transform]): the nested transforms.
        nodes (list[Node]): their configuration nodes, for messages.

    Raises:
        ConfigError: with the place of the node.
    """
    if not transforms:
        raise ValueError(f"{owner} got no transforms")
    for number, transform in enumerate(transforms):
        name, place = type(transform).__name__, getattr(nodes[number], "place", "") if nodes else ""
        if not isinstance(transform, Transform):
            why = f"{name} is not a transform"
        elif transform.per_batch or transform.extra:
            what = "works on batches" if transform.per_batch else "mixes in other samples"
            why = f"{name} {what}; use it outside of {owner}, where it works on `image`"
        elif hasattr(transform, "fit") or getattr(transform, "files", ()):
            why = f"{name} has files that belong to the model; use it outside of {owner}"
        else:
            continue
        raise ConfigError(f"{place}: {owner} takes image transforms of one sample: {why}".removeprefix(": "))
    return list(transforms)


def apply_nested(transforms, inner, rng, where, sample):
    """Applies nested transforms to the inner sample.

    Args:
        transforms (list[Transform]): in order of application.
        inner (dict): the inner sample.
        rng (Generator): the random number generator.
        where (str): the part of the outer sample, for messages.
        sample (dict): the outer sample, for messages.

    Raises:
        BadSample: D100, a transform failed; names it. A KitError of a transform is passed on.
    """
    for transform in transforms:
        name, path = type(transform).__name__, inner.get("path") or sample.get("path") or "(file unknown)"
        try:
            inner = transform(inner, rng)
        except KitError:
            raise
        except Exception as error:
            raise bad_file("D100", path, f"{where}: {name} failed: {error_line(error)}") from error
        if not isinstance(inner, dict):
            raise bad_file("D100", path, f"{where}: {name} returned {type(inner).__name__} instead of the sample")
    return inner
