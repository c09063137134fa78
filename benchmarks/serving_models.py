"""Exported models for the benchmarks of the inference server."""

from pathlib import Path


def fully_connected(folder):
    """A wide network, whose weights (151 MB) are read from memory for every run: 8 rows take little more than one."""
    from common.system import runtime

    runtime.prepare()
    from paddle import nn

    from tests.deploy.tensor_export import export_layer

    hidden = [layer for _ in range(4) for layer in (nn.Linear(3072, 3072), nn.ReLU())]
    wide = nn.Sequential(nn.Linear(64, 3072), nn.ReLU(), *hidden, nn.Linear(3072, 16))
    return export_layer(wide, Path(folder), [-1, 64])


def detector(place, *more):
    """The tiny YOLOv3 after one step, bound by arithmetic: batches help little; (its export, a JPEG of 96 x 96).

    Args:
        place (Path): for the data, the run and the export.
        more (str): KEY=VALUE of its configuration.

    Raises:
        SystemExit: a command failed; what it said.
    """
    from tests.made.commands import command
    from tests.made.made_sets import MadeSets

    digits = MadeSets(Path(place)).folder("digits")
    options = ["-c", "configs/tiny/yolov3.yml", "-o", f"dataset={digits}", f"output_dir={place}/output", *more]
    for arguments in (
        ["train", *options, "train.max_steps=1"],
        ["export", *options, f"weights={place}/output/tiny/yolov3/last"],
    ):
        answer = command(*arguments)
        if answer.code:
            raise SystemExit(answer.err)
    return Path(place) / "output/tiny/yolov3/export", next(iter(sorted(digits.rglob("eval*.jpg"))))


class Ours:
    """`tools/serve.py` while the block runs.

    Args:
        folder (Path): the exported model.
        options (list[str]): of the command.
    """

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options

    def __enter__(self):
        from tests.deploy.serving_process import Serving

        self.server = Serving([f"model={self.folder}"], *self.options)
        self.port = self.server.port
        return self

    def __exit__(self, *_):
        self.server.stop()


PREDICT = "/v1/models/model:predict"
