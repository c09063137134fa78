"""Creates a small dataset of keypoints: stick figures with COCO's 17 keypoints, in COCO's format.

python PaddleCV/tools/make_people.py --out dataset/people
"""

import itertools
import json
import os
import pathlib
import shutil
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402

JOINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow")
JOINTS += ("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee")
JOINTS += ("left_ankle", "right_ankle")
BONES = ((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10))
LIMBS = ((5, 7, 9), (6, 8, 10), (11, 13, 15), (12, 14, 16))  # from the trunk outward
MARGIN = 0.1  # of the box around the joints
COLORS = {"left": (70, 120, 250), "right": (250, 90, 60)}


def make_people(out, train=24, evaluation=8, size=96, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `images/*.png` and `annotations/person_keypoints_{train,val}.json`.

    Args:
        out (str | Path): output folder.
        train (int): number of training images, of one or two people each.
        evaluation (int): number of evaluation images.
        size (int): side of an image in pixels.
        seed (int): random seed; the same seed gives the same files.
    """
    out = pathlib.Path(out)
    for name, value, least in (("train", train, 1), ("eval", evaluation, 1), ("size", size, 32), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"--{name} is {value}; it must be at least {least}")
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for folder in ("images", "annotations"):
            (temporary / folder).mkdir(parents=True)
        for number, (split, count) in enumerate((("train", train), ("val", evaluation))):
            content = write_split(temporary, split, count, size, (seed, number))
            text = json.dumps(content)
            (temporary / f"annotations/person_keypoints_{split}.json").write_text(text, encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_split(folder, split, count, size, seeds):
    """Writes the images of a split; returns its annotations in COCO's format."""
    import cv2

    images, people = [], []
    for index in range(count):
        name = f"{split}_{index:04d}.png"
        pixels, bodies = draw_scene(size, (*seeds, index))
        (folder / "images" / name).write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
        images.append({"id": index, "file_name": name, "width": size, "height": size})
        for points in bodies:
            people.append(describe(points, len(people) + 1, index, size))
    bones = [[one + 1, other + 1] for one, other in BONES]
    category = {"id": 1, "name": "person", "keypoints": list(JOINTS), "skeleton": bones}
    return {"images": images, "annotations": people, "categories": [category]}


def describe(points, number, image, size):
    """The annotation of a person whose joints are at `points` [17, 2], in pixels from 0 to `size`."""
    import numpy as np

    low, high = points.min(0), points.max(0)
    low, high = ((edge + sign * MARGIN * (high - low)).clip(0, size) for edge, sign in ((low, -1), (high, 1)))
    x, y, width, height = (round(float(value), 1) for value in (*low, *(high - low)))
    inside = (points >= 0).all(1) & (points < size).all(1)
    rows = np.concatenate([np.floor(points), np.full((len(points), 1), 2)], 1) * inside[:, None]
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int(inside.sum()),
        "bbox": [x, y, width, height],
        "area": round(width * height * 0.6, 1),
        "keypoints": rows.astype(int).ravel().tolist(),
    }


def draw_scene(size, seeds):
    """An image RGB uint8 [size, size, 3] and the joints of its people, a list of [17, 2]; a function of the seeds."""
    import cv2
    import numpy as np

    from common.data.transform import random_for

    rng = random_for(*seeds)
    ground = cv2.resize(rng.uniform(0, 90, (size // 8, size // 8, 3)), (size, size), interpolation=cv2.INTER_CUBIC)
    image = (ground + rng.normal(0, 6, ground.shape)).clip(0, 255).astype(np.uint8)
    count = int(rng.integers(1, 3))
    bodies = []
    for place in range(count):
        center = np.array([(place + 0.5) / count, 0.5]) * size + rng.normal(0, 0.03, 2) * size
        points = pose(rng) * rng.uniform(0.3, 0.4) * size + center
        bodies.append(points)
        thick = max(1, size // 32)
        for one, other in BONES:
            side = JOINTS[one].split("_")[0]
            color = COLORS[side] if JOINTS[other].startswith(side) else (230, 230, 120)
            ends = (tuple(int(value) for value in points[joint]) for joint in (one, other))
            cv2.line(image, *ends, color, thick, cv2.LINE_AA)
        nose, neck = points[0], points[[5, 6]].mean(0)
        radius = int(max(2, np.linalg.norm(points[3] - points[4]) / 2))
        cv2.line(image, *(tuple(int(value) for value in end) for end in (nose, neck)), (230, 230, 120), thick)
        cv2.circle(image, tuple(int(value) for value in nose), radius, (240, 200, 170), cv2.FILLED, cv2.LINE_AA)
        for joint in range(1, 5):
            color = COLORS[JOINTS[joint].split("_")[0]]
            cv2.circle(image, tuple(int(value) for value in points[joint]), thick, color, cv2.FILLED)
    return image, bodies


def pose(rng):
    """Joints [17, 2] of a person about 2 high, seen from the front, around its middle, with limbs at random angles."""
    import numpy as np

    points = np.zeros((len(JOINTS), 2))
    points[0] = rng.normal(0, 0.04), -0.8
    for joint, (x, y) in zip(range(1, 5), ((0.07, -0.06), (-0.07, -0.06), (0.14, -0.02), (-0.14, -0.02))):
        points[joint] = points[0] + (x, y)
    for joint, (x, y) in {5: (0.25, -0.5), 6: (-0.25, -0.5), 11: (0.17, 0.1), 12: (-0.17, 0.1)}.items():
        points[joint] = x, y
    for number, limb in enumerate(LIMBS):
        outward = 1 if number % 2 == 0 else -1
        angle = rng.normal(0.5, 0.6) if number < 2 else rng.normal(0.15, 0.25)
        for before, after in itertools.pairwise(limb):
            points[after] = points[before] + (0.36 if number < 2 else 0.42) * np.array(
                [outward * np.sin(angle), np.cos(angle)]
            )
            angle += rng.normal(0.3, 0.5) if number < 2 else rng.normal(-0.1, 0.15)
    return points


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_people.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_people.py --out dataset/people",
    )
    options.add_made_set("dataset/people", 24, 8, 96)
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_people(args.out, args.train, args.eval, args.size, args.seed)
    logger.info("%s written: %d + %d images of %d pixels", args.out, args.train, args.eval, args.size)


if __name__ == "__main__":
    main()
