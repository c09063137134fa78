"""Creates sequences of frames with one object to track, among others that move, over a ground that moves too.

python PaddleCV/tools/make_tracks.py --out dataset/tracks
"""

import os
import pathlib
import shutil
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402
from common.vision.writers import encode_jpeg  # noqa: E402

FINEST = 3  # octaves that a texture may leave out
MOST_OTHERS = 5


def make_tracks(out, train=60, evaluation=6, size=240, frames=16, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `<split>/<number>/img/0001.jpg` and so on, and `<split>/<number>/groundtruth_rect.txt`, as OTB has them;
    `<split>/<number>/mask/0001.png` has the pixels of the object that are seen.

    Args:
        out (str | Path): output folder.
        train (int): training sequences.
        evaluation (int): evaluation sequences.
        size (int): width of a frame in pixels; its height is three quarters of it.
        frames (int): frames of a sequence.
        seed (int): random seed.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for part, (split, count) in enumerate((("train", train), ("val", evaluation))):
            for number in range(count):
                folder = temporary / split / f"{number:04d}"
                for name in ("img", "mask"):
                    (folder / name).mkdir(parents=True)
                video, boxes, masks = draw_track(size * 3 // 4, size, frames, random_for(seed, part, number))
                for place, (frame, mask) in enumerate(zip(video, masks), 1):
                    (folder / "img" / f"{place:04d}.jpg").write_bytes(encode_jpeg(frame, 85))
                    (folder / "mask" / f"{place:04d}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
                lines = "".join(",".join(f"{value:.1f}" for value in box) + "\n" for box in boxes)
                (folder / "groundtruth_rect.txt").write_text(lines, encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def draw_track(height, width, count, rng):
    """A sequence: frames uint8 [count, height, width, 3], the boxes of its object float64 [count, 4], and its masks.

    The masks, uint8 [count, height, width] of 0 and 255, are of the pixels that no other thing covers.
    """
    margin = width // 3
    ground = texture(height + 2 * margin, width + 2 * margin, rng)
    for _ in range(rng.integers(5, 25)):  # things that stand still
        thing, mask = make_thing(int(rng.integers(8, width // 4)), int(rng.integers(8, height // 3)), rng)
        paste(ground, thing, mask, rng.uniform(0, ground.shape[1]), rng.uniform(0, ground.shape[0]), 1.0, 0.0)
    pan = smooth_path(count, rng, margin * rng.uniform(0, 0.8), 2)
    others = [Mover(height, width, count, rng) for _ in range(rng.integers(0, MOST_OTHERS))]
    target = Mover(height, width, count, rng)
    if others and rng.random() < 0.3:  # one that looks the same
        others[0].thing, others[0].mask = target.thing, target.mask
    light = 1 + smooth_path(count, rng, rng.uniform(0, 0.3), 1)[:, 0]
    blur, video, boxes, masks = rng.choice([0, 0, 0, 3, 5]), [], [], []
    front = rng.random(len(others)) < 0.2
    for number in range(count):
        left, top = np.clip((margin + pan[number]).round().astype(int), 0, 2 * margin)
        frame = ground[top : top + height, left : left + width].copy()
        for other, above in zip(others, front):
            if not above:
                other.paste(frame, number)
        box, seen = target.paste(frame, number)
        for other, above in zip(others, front):
            if above:
                seen = np.minimum(seen, 1 - other.paste(frame, number)[1])
        boxes.append(box)
        masks.append(np.where(seen >= 0.5, 255, 0).astype(np.uint8))
        frame = cv2.GaussianBlur(frame, (int(blur), int(blur)), 0) if blur else frame
        noise = rng.normal(0, 4, frame.shape[:2])[..., None]
        video.append(np.clip(frame * light[number] + noise, 0, 255).astype(np.uint8))
    return np.stack(video), np.array(boxes), np.stack(masks)


class Mover:
    """A thing with a path, sizes and angles of every frame.

    Args:
        height (int): of the frame.
        width (int): of the frame.
        count (int): frames.
        rng (Generator): decides everything.
    """

    def __init__(self, height, width, count, rng):
        area, shape = rng.uniform(14, height / 2.5), np.exp(rng.uniform(-0.7, 0.7))
        self.thing, self.mask = make_thing(max(8, int(area * shape)), max(8, int(area / shape)), rng)
        start = rng.uniform([0.2 * width, 0.2 * height], [0.8 * width, 0.8 * height])
        path = start + smooth_path(count, rng, rng.uniform(10, 60), 2)
        self.path = np.clip(path, [0.08 * width, 0.08 * height], [0.92 * width, 0.92 * height])
        self.scales = np.exp(smooth_path(count, rng, rng.uniform(0, 0.35), 1)[:, 0])
        self.angles = smooth_path(count, rng, rng.uniform(0, 15), 1)[:, 0]

    def paste(self, frame, number):
        """Draws the thing of a frame, and returns its box x, y, w, h and its opacity, float32 [H, W] of 0 to 1."""
        (x, y), scale, angle = self.path[number], self.scales[number], self.angles[number]
        return paste(frame, self.thing, self.mask, x, y, scale, angle)


def make_thing(width, height, rng):
    """A textured thing float32 [height, width, 3] and its shape, float32 [height, width] of 0 to 1."""
    thing, shape = texture(height, width, rng), rng.integers(4)
    mask = np.zeros((height, width), np.uint8)
    if shape == 0:
        mask[:] = 255
    elif shape == 1:
        cv2.ellipse(mask, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 12)))
        angles = np.concatenate([angles, np.arange(4) * np.pi / 2])
        reach = np.where(np.arange(len(angles)) < len(angles) - 4, rng.uniform(0.6, 1, len(angles)), 1.0)
        order = np.argsort(angles)
        points = np.stack([np.cos(angles) * reach, np.sin(angles) * reach], 1)[order]
        points = (points + 1) / 2 * [width - 1, height - 1]
        cv2.fillPoly(mask, [points.round().astype(np.int32)], 255)
    if rng.random() < 0.6:  # parts of other colors
        for _ in range(rng.integers(1, 4)):
            h, w = rng.integers(height // 4, height // 2 + 2), rng.integers(width // 4, width + 1)
            y, x = rng.integers(0, max(1, height - h)), rng.integers(0, max(1, width - w))
            thing[y : y + h, x : x + w] = texture(h, w, rng)[: height - y, : width - x]
    return thing, mask.astype(np.float32) / 255


def texture(height, width, rng):
    """A texture of several octaves of noise between two or three colors, float32 [height, width, 3]."""
    low, high, third = rng.uniform(0, 255, (3, 3))
    if rng.random() < 0.4:  # little color
        low, high, third = (0.2 * c + 0.8 * c.mean() for c in (low, high, third))
    weight = noise(height, width, rng)
    image = low + (high - low) * weight[..., None]
    if rng.random() < 0.5:
        image = image + (third - image) * (noise(height, width, rng) > rng.uniform(0.4, 0.7))[..., None]
    return image.astype(np.float32)


def noise(height, width, rng):
    """Noise of octaves that are stretched at random, float32 [height, width] from 0 to 1."""
    total, stretch = np.zeros((height, width), np.float32), np.exp(rng.uniform(-1, 1))
    skipped = int(rng.integers(0, FINEST))
    for octave in range(6):
        cells = 2 ** (octave + 1) if octave < 6 - skipped else 0
        if not cells:
            continue
        rows, columns = max(1, int(cells * stretch)), max(1, int(cells / stretch))
        values = rng.random((min(rows, height), min(columns, width)), np.float32)
        total += cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC) * rng.uniform(0.3, 1) * 0.7**octave
    return (total - total.min()) / max(float(np.ptp(total)), 1e-6)


def smooth_path(count, rng, reach, columns):
    """A smooth random walk from 0 over `count` frames, float64 [count, columns], `reach` from one knot to the next."""
    knots = max(2, count // 8 + 1)
    steps = np.cumsum(rng.normal(0, 1, (knots, columns)) * reach * 0.5, 0)
    places = np.linspace(0, knots - 1, count)
    path = np.stack([np.interp(places, np.arange(knots), column) for column in steps.T], 1)
    return path - path[0]


def paste(frame, thing, mask, x, y, scale, angle):
    """Draws a thing about (x, y), scaled and turned, into float32 [H, W, 3]; returns its box and opacity [H, W]."""
    height, width = mask.shape
    move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale)
    move[:, 2] += [x - (width - 1) / 2, y - (height - 1) / 2]
    size = (frame.shape[1], frame.shape[0])
    alpha = cv2.warpAffine(mask, move, size, flags=cv2.INTER_LINEAR)[..., None]
    drawn = cv2.warpAffine(thing, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    frame[:] = frame * (1 - alpha) + drawn * alpha
    rows, columns = np.nonzero(mask > 0.5)
    corners = np.stack([columns, rows, np.ones(len(rows))], 1) @ move.T
    low, high = corners.min(0), corners.max(0) + 1
    box = [float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])]
    return box, alpha[..., 0]


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_tracks.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_tracks.py --out dataset/tracks",
    )
    options.add_made_set("dataset/tracks", 60, 6, 240, "sequences")
    options.add_argument("--frames", type=int, default=16, help="frames of a sequence (default: 16)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_tracks(args.out, args.train, args.eval, args.size, args.frames, args.seed)
    logger.info("%s written: sequences of %d frames, %d pixels wide", args.out, args.frames, args.size)


if __name__ == "__main__":
    main()
