"""The rows of `input_pipeline.py` that run in torchvision; started by it, prints one line of JSON."""

import argparse
from pathlib import Path

import input_pipeline as shared
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2


class Images(Dataset):
    """The same samples, decoded and transformed.

    Args:
        folder (Path): as `input_pipeline.write_images` left it.
        task (str): detection or classification.
    """

    def __init__(self, folder, task):
        self.samples, size = shared.Images(folder, task), (shared.SIZES[task],) * 2
        fill = {tv_tensors.Image: shared.FILL, "others": 0}
        transforms = {
            "detection": [
                v2.RandomPhotometricDistort(p=0.5),
                v2.RandomZoomOut(fill=fill, p=0.5),
                v2.RandomIoUCrop(),
                v2.RandomHorizontalFlip(),
                v2.Resize(size, antialias=False),
                v2.SanitizeBoundingBoxes(),
            ],
            "classification": [v2.RandomResizedCrop(size, antialias=False), v2.RandomHorizontalFlip()],
        }
        normalize = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(shared.MEAN, shared.STD)]
        self.transform = v2.Compose(transforms[task] + normalize)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        sample = self.samples[index]
        image = tv_tensors.Image(decode_image(read_file(sample["path"]), mode=ImageReadMode.RGB))
        if "label" in sample:
            return {"image": self.transform(image), "label": torch.tensor(sample["label"])}
        boxes = tv_tensors.BoundingBoxes(
            torch.from_numpy(sample["boxes"]), format="XYXY", canvas_size=(shared.HEIGHT, shared.WIDTH)
        )
        return self.transform({"image": image, "boxes": boxes, "labels": torch.from_numpy(sample["labels"])})


def collate(samples):
    """Stacks the images and pads boxes and labels, as `common.data.collate` does."""
    batch = {"image": torch.stack([sample["image"] for sample in samples])}
    if "label" in samples[0]:
        return batch | {"label": torch.stack([sample["label"] for sample in samples])}
    for name, fill in shared.Images.padding.items():
        values = [sample[name] for sample in samples]
        batch[name] = torch.nn.utils.rnn.pad_sequence(values, batch_first=True, padding_value=fill)
    return batch


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=shared.SIZES, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--child", required=True)
    args = parser.parse_args()
    loader = DataLoader(
        Images(Path(args.child), args.task),
        shared.BATCH,
        shuffle=True,
        num_workers=args.workers,
        collate_fn=collate,
        drop_last=True,
        persistent_workers=args.workers > 0,
    )

    def seconds_of_workers():
        running = getattr(loader, "_iterator", None)
        return shared.worker_seconds(worker.pid for worker in getattr(running, "_workers", ()))

    shared.measure_epochs(lambda _: iter(loader), shared.SIZES[args.task], args.epochs, seconds_of_workers)


if __name__ == "__main__":
    main()
