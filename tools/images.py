"""Creates the images of the README from the run of docs/tutorials/own_detector.md; `make images` runs it."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

import common  # noqa: E402, F401  starts again in .venv where this Python lacks the dependencies

RUN = ROOT / "output/digits_small"
IMAGES = ROOT / "dataset/digits_small/JPEGImages"
OUT = ROOT / "docs/images"
SHOWN, SIDE = 4, 256  # images in a row, pixels
WIDTH = 600  # of a plot


def main():
    """Writes digits.jpg (boxes on held-out images), scores.png and loss.png (curves of the training)."""
    if not (RUN / "export").is_dir():
        sys.exit(f"error: {RUN}/export is not there; follow docs/tutorials/own_detector.md first")
    from common.system import runtime

    runtime.prepare()
    OUT.mkdir(parents=True, exist_ok=True)
    draw_detections(OUT / "digits.jpg")
    for name in ("scores", "loss"):
        shrink_plot(RUN / f"plots/{name}.png", OUT / f"{name}.png")


def draw_detections(path):
    """Writes a row of held-out images with the boxes that the exported model predicts."""
    import cv2
    import numpy as np

    from common.api import Predictor

    predictor, row = Predictor(RUN / "export"), []
    for file in sorted(IMAGES.glob("eval_*.jpg"))[:SHOWN]:
        image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        scale = SIDE / image.shape[0]
        records = [
            record | {"box": [value * scale for value in record["box"]]} for record in predictor(image, threshold=0.5)
        ]
        row.append(predictor.model.task.draw(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), records))
    whole = cv2.cvtColor(np.hstack(row), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), whole, [cv2.IMWRITE_JPEG_QUALITY, 75])


def shrink_plot(source, path):
    """Writes a plot of the run in the width of the page."""
    import cv2

    plot = cv2.imread(str(source))
    height = round(plot.shape[0] * WIDTH / plot.shape[1])
    plot = cv2.resize(plot, (WIDTH, height), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), plot, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
