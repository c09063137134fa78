"""The rows of `video.py` that run in PyAV and torchvision; started by it, prints one line of JSON."""

import argparse
from pathlib import Path

import av
import torch
import video as shared
from input_pipeline import worker_seconds
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2


class Clips(Dataset):
    """Clips of random frames of equal parts of videos, transformed alike.

    Args:
        folder (Path): as `video.write_videos` left it.
    """

    def __init__(self, folder):
        self.paths = sorted(str(path) for path in folder.glob("*.mp4"))
        self.transform = v2.Compose(
            [
                v2.RandomResizedCrop(shared.SIZE, antialias=False),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(shared.MEAN, shared.STD),
            ]
        )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with av.open(self.paths[index]) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            part = stream.frames / shared.SEGMENTS
            numbers = [int((k + float(torch.rand(()))) * part) for k in range(shared.SEGMENTS)]
            wanted, frames = set(numbers), {}
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    frames[number] = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
                if number >= numbers[-1]:
                    break
        return {"clip": self.transform(torch.stack([frames[number] for number in numbers])), "label": 0}


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--child", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    loader = DataLoader(
        Clips(Path(args.child)),
        shared.BATCH,
        shuffle=True,
        num_workers=args.workers,
        drop_last=True,
        persistent_workers=args.workers > 0,
    )

    def seconds_of_workers():
        running = getattr(loader, "_iterator", None)
        return worker_seconds(worker.pid for worker in getattr(running, "_workers", ()))

    shared.measure_epochs(lambda _: iter(loader), args.epochs, seconds_of_workers)


if __name__ == "__main__":
    main()
