"""Learns the subwords of texts by byte pair encoding (SentencePiece): a model for both languages of a translation.

python tools/make_subwords.py dataset/mine/train.en dataset/mine/train.de --size 8000 --out dataset/mine/pieces.model
"""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError, EnvironmentProblem  # noqa: E402
from common.files import read_lines  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(prog="make_subwords.py", description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[2])
    options.add_argument("texts", nargs="+", help="text files, a text a line; of columns separated by tabs, all")
    options.add_argument("--size", type=int, default=8000, help="subwords, with the special ones (default 8000)")
    options.add_argument("--kind", choices=("bpe", "unigram"), default="bpe", help="of the model (default bpe)")
    options.add_argument("--out", required=True, metavar="FILE.model", help="output file")
    return options


def write(args):
    """Writes the model; `<s>` has the id 0, `</s>` 1 and `<unk>` 2."""
    try:
        import sentencepiece
    except ImportError:
        raise EnvironmentProblem("SentencePiece needs the package sentencepiece: pip install sentencepiece") from None
    out = pathlib.Path(args.out)
    if out.suffix != ".model":
        raise ConfigError(f"--out is {args.out}; a SentencePiece model is named FILE.model")
    texts = (text for file in args.texts for line in read_lines(file) for text in line.split("\t") if text.strip())
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "wb") as file:
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=texts, model_writer=file, vocab_size=args.size, model_type=args.kind, bos_id=0,
                eos_id=1, unk_id=2, pad_id=-1, character_coverage=0.9998, minloglevel=2,
            )  # fmt: skip
        except (RuntimeError, ValueError) as error:
            raise ConfigError(f"no model of {args.size} subwords: {' '.join(str(error).split())[-160:]}") from None
    sys.stdout.write(f"{args.out}: {args.size} subwords; set vocab_size of the model to {args.size}\n")


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


if __name__ == "__main__":
    main()
