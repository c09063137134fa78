"""Labels texts and variants of them by a teacher, for a small student to learn from (data distillation).

python tools/distill_texts.py train.tsv --teacher output/reviews_bilstm/export --out slim.tsv
python tools/distill_texts.py train.tsv more.txt --teacher output/ernie_chnsenticorp/export --lac lac --out slim.tsv
python tools/distill_texts.py train.tsv --teacher http://127.0.0.1:8888 --out slim.tsv

Writes a TSV of text_a, label and scores, which configurations read by LabeledTexts: the student learns the scores of
the teacher, which may be a running encoder service (deploy/serving/encoder_server.py --layer scores), also on another
machine. Files ending in .txt hold a text a line, others are those that LabeledTexts reads.
"""

import importlib
import os
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError, EnvironmentProblem  # noqa: E402
from common.files import read_lines, replace_controls  # noqa: E402
from common.log import counted, logger  # noqa: E402

BATCH = 32
SCORES = "scores"  # the layer of an encoder service


def parser():
    """The command-line parser."""
    lines = __doc__.splitlines()
    options = Parser(prog="distill_texts.py", description=lines[0], epilog="\n".join(lines[2:]))
    options.add_argument(
        "texts", nargs="+", metavar="FILE", help="labeled texts (.tsv, .jsonl), or a text a line (.txt)"
    )
    options.add_argument(
        "--teacher", required=True, metavar="DIR", help="exported text classifier, or the address of an encoder service"
    )
    options.add_argument("--connections", type=int, default=10, help="requests to the service at a time (default 10)")
    options.add_argument("--out", required=True, metavar="FILE", help="output file (.tsv)")
    options.add_argument("--times", type=int, default=10, help="variants of each text at most (default 10); 0 for none")
    options.add_argument("--mask", type=float, default=0.1, help="probability of masking a word (default 0.1)")
    options.add_argument("--replace", type=float, default=0.1, help="of another of its part of speech (default 0.1)")
    options.add_argument("--cut", type=float, default=0.25, help="of cutting a text to 1 to 5 words (default 0.25)")
    options.add_argument("--lac", metavar="MODULE", help="module or export that gives words and parts of speech (lac)")
    options.add_argument("--hard", action="store_true", help="write the labels of the teacher without its scores")
    options.add_argument("--seed", type=int, default=0, help="of the random numbers (default 0)")
    return options


def texts_of(file):
    """The distinct texts of a file, in their order (list of str)."""
    if file.endswith(".txt"):
        lines = [replace_controls(line)[0].strip() for line in read_lines(file)]
    else:
        path = pathlib.Path(file)
        samples = importlib.import_module(f"{KIT.name}.data.labeled_texts").LabeledTexts(path.parent, path.name).samples
        if any("text_b" in sample for sample in samples):
            raise ConfigError(f"{file}: has pairs of texts (text_b); variants are made of single texts")
        lines = [sample["text_a"] for sample in samples]
    return list(dict.fromkeys(line for line in lines if line))


def tagged(texts, module):
    """Each text as (word, part of speech): by a module, else words of a text with blanks, else characters.

    Args:
        texts (list[str]): not empty.
        module (str | None): the name of an installed module, or the folder of an export.

    Returns:
        tuple[list, str]: lists of pairs, and what is between the words.
    """
    if module is None:
        logger.warning("without --lac no word is replaced by another of its part of speech; words are only masked")
        spaced = sum(" " in text for text in texts) > len(texts) / 2
        return [[(word, None) for word in (text.split() if spaced else text)] for text in texts], " " * spaced
    from common.inference.predictor import predict

    model, found = load(module), []
    for samples in batches([{"text_a": text, "path": "", "place": ""} for text in texts]):
        records = predict(model, [model.decode(sample) for sample in samples])
        found += [[(record["text"], record["label"]) for record in one] for one in records]
    return found, ""


def load(module):
    """The Predictor of an export's folder or of an installed module."""
    from common.inference.predictor import Predictor

    if pathlib.Path(module).is_dir():
        return Predictor(module)
    from common.hub.module import Module

    return Module(name=module).model


def batches(samples):
    """Some samples at a time."""
    for first in range(0, len(samples), BATCH):
        yield samples[first : first + BATCH]


def asked_teacher(address, connections):
    """The client of an encoder service that gives scores (EncoderClient), with the `labels` of its model.

    Raises:
        ConfigError: there is no such service, or its model is no classifier that gives scores.
    """
    from common.inference.encoder_client import EncoderClient, EncoderError

    key = os.environ.get("KIT_API_KEY")
    try:
        client = EncoderClient(address, layer=SCORES, connections=connections, key=key, deadline=600.0)
        about = client.about()
    except (EncoderError, ValueError) as error:
        raise ConfigError(f"--teacher {address}: {error}") from None
    client.labels = about["labels"]
    if SCORES not in about["vectors"] or len(client.labels) != about["vectors"][SCORES]:
        raise ConfigError(f"--teacher {address}: serves {', '.join(about['vectors'])}; start it with --layer {SCORES}")
    return client


def asked_scores(client, texts):
    """The probabilities of the classes of each text by a service (list of arrays); raises EnvironmentProblem."""
    from common.inference.encoder_client import EncoderError

    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    try:
        with client:
            found = client.encode([texts[number] for number in order])
    except EncoderError as error:
        raise EnvironmentProblem(f"--teacher {client.address}: {error}") from None
    return [scores for _, scores in sorted(zip(order, found), key=lambda pair: pair[0])]


def scores_of(teacher, texts):
    """The probabilities of the classes of each text by the teacher (list of arrays)."""
    if not hasattr(teacher, "task"):
        return asked_scores(teacher, texts)
    from common.inference.predictor import check_finite, prepare_samples, stack

    found = []
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for samples in batches([{"text_a": texts[number], "path": "", "place": ""} for number in order]):
        prepared = prepare_samples(teacher, [teacher.decode(sample) for sample in samples])
        outputs = teacher.run(stack(teacher, prepared))
        check_finite(outputs)
        found += list(outputs["scores"][: len(samples)])
    return [scores for _, scores in sorted(zip(order, found), key=lambda pair: pair[0])]


def write(args):
    """Makes the variants, labels all, writes the file."""
    from common.text.augmentation import TextAugmentation
    from common.weights.safetensors import write_atomically

    remote = args.teacher.startswith("http://")
    teacher = asked_teacher(args.teacher, args.connections) if remote else load(args.teacher)
    if not remote and teacher.task.name != "TextClassification":
        raise ConfigError(f"--teacher {args.teacher}: predicts {teacher.task.name}; a text classifier is needed")
    texts = list(dict.fromkeys(text for file in args.texts for text in texts_of(file)))
    if args.times:
        words, joiner = tagged(texts, args.lac)
        augmentation = TextAugmentation(args.mask, args.replace, args.cut, joiner=joiner)
        augmentation.learn(words)
        made = [
            other
            for number, text in enumerate(words)
            if text
            for other in augmentation.variants(text, args.times, random_for(args.seed, number))
        ]
        logger.info("%s made of %s", counted(len(made), "variant"), counted(len(texts), "text"))
        texts = list(dict.fromkeys(texts + made))
    lines = ["text_a\tlabel" + ("" if args.hard else "\tscores")]
    for text, scores in zip(texts, scores_of(teacher, texts), strict=True):
        fields = [text.replace("\t", " "), teacher.labels[int(scores.argmax())]]
        if not args.hard:
            scores = scores.astype("float64") / scores.astype("float64").sum()
            fields.append(" ".join(f"{score:.6f}" for score in scores))
        lines.append("\t".join(fields))
    out = pathlib.Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, [("\n".join(lines) + "\n").encode()])
    sys.stdout.write(f"{args.out}: {counted(len(lines) - 1, 'text')}, labels: {', '.join(teacher.labels)}\n")


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


if __name__ == "__main__":
    main()
