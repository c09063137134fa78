"""Benchmark of BERT base on 128 tokens against transformers on torch: training, inference, tokenization, padding.

    step        forward, backward, AdamW, batch 4
    infer 1, 8  the exported program, against the eager model of transformers
    tokens      lines per second of the WordPiece transform, against transformers' own tokenizer
    padding     fraction of padding with LengthSampler and in random order (not timed)

Rows run on one thread, in separate processes, in rounds.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import measure

SEQUENCE = 128
BATCHES = {"step": 4, "infer 1": 1, "infer 8": 8}
ONE = {"KIT_THREADS": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3, help="measured steps a round (3)")
    parser.add_argument("--rounds", type=int, default=2, help="processes a row (2)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=[*BATCHES, "tokens"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        print(json.dumps(tokens() if args.child == "tokens" else child(args.child, args.steps)))
        return None
    results, torch = padding(), measure.torch_python()
    if not torch:
        print(f"  {measure.NO_TORCH}")
        return measure.finish(results, args.json)
    lines = []
    for row in [*BATCHES, "tokens"]:
        ours, theirs = [], []
        for _ in range(args.rounds):
            common = ("--child", row, "--steps", args.steps)
            ours += measure.run_child(sys.executable, "text.py", *common, **ONE)["cpu"]
            theirs += measure.run_child(torch, "torch_text.py", *common, **ONE)["cpu"]
        lines.append([row, measure.median(ours), measure.median(theirs)])
        results[f"{row}: ours / transformers, CPU"] = (measure.median(ours) / measure.median(theirs), "<=", 1.1)
    measure.table("BERT base, 128 pieces, one thread: CPU seconds", ["", "ours", "transformers"], lines)
    return measure.finish(results, args.json)


def inputs(count):
    """Ids, segments and lengths of full texts: int64 [N, T], [N, T], [N]."""
    import numpy as np

    ids = np.random.default_rng(0).integers(1, 30522, (count, SEQUENCE))
    return ids, np.zeros_like(ids), np.full(count, SEQUENCE)


def child(row, steps):
    """Measures one row of this project in this process."""
    from common.system import runtime

    runtime.prepare()
    import paddle

    from common.build.model import build_model
    from common.config import load_config

    config = load_config("PaddleNLP/configs/bert_mrpc.yml", ["optimizer.lr=1e-5"])
    model = build_model(config, ["0", "1"])
    arrays = inputs(BATCHES[row])
    if row != "step":
        return measured(exported(model, arrays), steps)
    model.train()
    optimizer = config.build("optimizer").build(model)
    batch = dict(zip(model.inputs, map(paddle.to_tensor, arrays))) | {"label": paddle.zeros([len(arrays[0])], "int64")}

    def step():
        total = sum(model.loss(batch).values())
        total.backward()
        optimizer.step(1e-5)
        optimizer.clear()
        total.item()

    return measured(step, steps)


def exported(model, arrays):
    """A function that runs the exported program once."""
    from common.inference.predictor import load_engine, run_engine
    from common.testing import save_program

    model.eval()
    folder = tempfile.TemporaryDirectory()
    save_program(model, Path(folder.name) / "model")
    engine, given = load_engine(Path(folder.name) / "model"), dict(zip(model.inputs, arrays))
    return lambda: (run_engine(engine, given), folder)


def measured(run, steps):
    """CPU seconds of each of some calls, after two that do not count."""
    run(), run()
    watch = measure.Stopwatch()
    for _ in range(steps):
        run()
        watch.lap()
    return {"cpu": watch.cpu, "wall": watch.wall}


def lines():
    """2,000 lines of about 60 characters, Chinese and English."""
    import numpy as np

    rng = np.random.default_rng(0)
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "敏捷",
        "的",
        "棕色",
        "狐狸",
        "跳过",
        "懒狗",
        "2026",
        ",",
        ".",
    ]
    return [" ".join(rng.choice(words, 16)) for _ in range(2000)]


def vocabulary(folder):
    """A vocabulary file for these lines."""
    pieces = sorted({c for line in lines() for c in line if c != " "})
    words = ["the", "quick", "brown", "fox", "over", *pieces, *(f"##{c}" for c in pieces)]
    path = Path(folder) / "vocab.txt"
    path.write_text("\n".join(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])) + "\n", "utf-8")
    return str(path)


def tokens():
    """CPU seconds for 2,000 lines, from text to the arrays that a model takes."""
    from common.text.wordpiece import WordPiece

    with tempfile.TemporaryDirectory() as folder:
        transform, texts = WordPiece(vocabulary(folder)), lines()
        return measured(lambda: [transform({"text_a": text}, None) for text in texts], 3)


def padding():
    """Padding over tokens for lengths as of reviews (log-normal, 10 to 256), batches of 32."""
    import numpy as np

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from common.data.length_sampler import LengthSampler

    class Texts:
        sizes = np.clip(np.random.default_rng(0).lognormal(3.8, 0.9, 20000).astype(int), 10, 256)

        def lengths(self):
            return self.sizes

    sizes, began = Texts.sizes, time.perf_counter()
    samplers = {
        "random order": np.random.default_rng(1).permutation(20000)[: 20000 // 32 * 32].reshape(-1, 32),
        "LengthSampler": LengthSampler(20000, 32, Texts()).batches(0),
        "4096 tokens per batch": LengthSampler(20000, 256, Texts(), tokens=4096).batches(0),
    }
    waste = {}
    for name, batches in samplers.items():
        held = [sizes[np.asarray(batch)] for batch in batches]
        waste[name] = sum(len(x) * x.max() for x in held) / sum(x.sum() for x in held) - 1
    rows = [[name, 100 * value, len(samplers[name])] for name, value in waste.items()]
    measure.table(f"Padding ({time.perf_counter() - began:.1f} s)", ["", "% of the tokens", "batches"], rows)
    return {"padding: LengthSampler / random order": (waste["LengthSampler"] / waste["random order"], "<=", 0.1)}


if __name__ == "__main__":
    main()
