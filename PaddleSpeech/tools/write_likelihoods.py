"""Writes the log likelihoods of the states of every frame, log p(state | frame) - log p(state), for Kaldi's decoders.

python tools/write_likelihoods.py --model output/deepasr/export --features feats.scp --out out.ark --priors counts.txt

`latgen-faster-mapped TRANS_MDL HCLG ark:out.ark ark:lattices` reads them.
"""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.audio.kaldi_files import Writer, read_archive_index, read_value  # noqa: E402
from common.audio.word_decoder import read_priors  # noqa: E402
from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(
        prog="write_likelihoods.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("--model", required=True, metavar="FOLDER", help="an exported model, such as deepasr's")
    options.add_argument("--features", type=pathlib.Path, required=True, metavar="SCP", help="index of the features")
    options.add_argument("--out", type=pathlib.Path, required=True, metavar="ARK", help="the archive to write")
    options.add_argument("--priors", metavar="FILE", help="counts of states, in place of those of the export")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write_likelihoods, argv)


def write_likelihoods(args):
    """Writes the archive and its index.

    Raises:
        ConfigError: the export is of another task.
        DataError: the features or the counts do not fit the model.
    """
    from common.inference.predictor import Predictor, prepare_samples, stack

    predictor, total = Predictor(args.model), 0
    if "log_probs" not in predictor.outputs or "feature_length" not in predictor.inputs:
        raise ConfigError(f"--model {args.model}: gives no log probabilities of frames")
    priors = read_priors(args.priors) if args.priors else getattr(predictor.task, "priors", None)
    with Writer(args.out) as archive:
        for key, path, offset, _ in read_archive_index(args.features):
            features = read_value(path, offset)
            sample = {"path": path, "name": key, "features": features, "feature_length": len(features)}
            batch = stack(predictor, prepare_samples(predictor, [predictor.decode(sample)]))
            found = predictor.run(batch)["log_probs"][0]
            if priors is not None and len(priors) != found.shape[1]:
                raise DataError(f"--priors: {len(priors)} counts; the model has {found.shape[1]} states")
            archive.write(key, found if priors is None else found - priors.astype(np.float32))
            total += 1
    sys.stdout.write(f"{args.out}: {total} utterances\n")


if __name__ == "__main__":
    main()
