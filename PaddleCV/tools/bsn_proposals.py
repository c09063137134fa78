"""Writes the proposals of a trained TEM, the second stage of BSN: a file of each video, to train the PEM on.

python PaddleCV/tools/bsn_proposals.py -c configs/bsn_tem.yml -o weights=output/bsn_tem/best --out dataset/bsn_proposals
"""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.config import load_config  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.inference.tasks.action_localization import boundary_candidates  # noqa: E402
from common.log import logger  # noqa: E402
from common.vision.segments import segment_overlaps  # noqa: E402


def write_proposals(config, out, split="train", most=500):
    """Writes `<out>/<video>.npz` (segments float32 [A, 2], features [A, 32], overlaps [A]) of each video of a split.

    Args:
        config (Config): of a BSN in its first stage, with `weights`.
        out (str | Path): output folder.
        split (str): train or eval.
        most (int): A, proposals of a video at most, those of the highest product of both boundaries.

    Returns:
        int: the number of proposals.

    Raises:
        ConfigError: the model is no BSN in its first stage.
    """
    from common.build.data import build_dataset, build_transforms
    from common.build.model import build_model, load_weights, read_configured_weights

    arrays = read_configured_weights(config)
    dataset = build_dataset(config, split)
    model = build_model(config, dataset.labels)
    if type(model).__name__ != "BSN" or model.pem is not None:
        raise ConfigError(f"{config.path}: the model is no BSN with `stage: boundaries`")
    load_weights(model, arrays, config)
    return propose(model, dataset, build_transforms(config, "eval"), out, most)


def propose(model, dataset, transforms, out, most):
    """Writes the proposals of every video of a dataset by a model in its first stage, see :func:`write_proposals`."""
    import paddle

    from common.data.pipeline import Pipeline

    model.eval()
    whole = type(model)("proposals", *shape_of(model))
    whole.tem.set_state_dict(model.tem.state_dict())
    pipeline, out, total = Pipeline(transforms), pathlib.Path(out), 0
    out.mkdir(parents=True, exist_ok=True)
    for number in range(len(dataset)):
        sample = pipeline.sample(dataset, number, 0)
        with paddle.no_grad():
            curves = whole.predict(paddle.to_tensor(sample["features"][None]))
            every = whole.proposal_features(curves).numpy()[0]
        start, end = curves.numpy()[0, 1:]
        segments, scores = boundary_candidates(start, end, whole.valid.numpy())
        best = np.argsort(-scores, kind="stable")[:most]
        steps = np.round(segments[best] * whole.length).astype(np.int64)  # start, and the step after the end
        rows = (steps[:, 1] - steps[:, 0] - 1) * whole.length + steps[:, 0]
        overlaps = segment_overlaps(segments[best], sample["segments"]).max(1, initial=0)
        arrays = {"segments": segments[best], "features": every[rows], "overlaps": overlaps}
        name = pathlib.Path(sample["path"]).stem
        np.savez_compressed(out / f"{name}.npz", **{key: value.astype(np.float32) for key, value in arrays.items()})
        total += len(best)
    return total


def shape_of(model):
    """The numbers of features, steps and durations of a BSN, and the channels of its TEM."""
    shape, _ = model.inputs["features"]
    return shape[2], model.length, model.durations, model.tem[0]._out_channels


def parser():
    """The command-line parser."""
    options = Parser(
        prog="bsn_proposals.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/bsn_proposals.py -c configs/bsn_tem.yml -o weights=output/bsn_tem/best "
        "--out dataset/bsn_proposals",
    )
    options.add_argument("-c", "--config", required=True, help="configuration of the first stage")
    options.add_argument("-o", "--override", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    options.add_argument("--out", required=True, help="output folder")
    options.add_argument("--split", default="train", choices=("train", "eval"), help="videos (default: %(default)s)")
    options.add_argument(
        "--most", type=positive_int, default=500, help="proposals of a video at most (default: %(default)s)"
    )
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    from common.system import runtime

    runtime.prepare()
    count = write_proposals(load_config(args.config, args.override), args.out, args.split, args.most)
    logger.info("%s: %d proposals", args.out, count)


if __name__ == "__main__":
    main()
