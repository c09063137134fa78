"""Benchmark of classification from raw text, tokenizer included: C++, Python, and onnxruntime with tokenizers.

    cpp paddle, cpp openvino   kit_infer --text --repeat (make cpp first; openvino where its wheel is)
    python                     common.inference, as tools/infer.py runs it: from lines to records
    onnxruntime                the same model.onnx behind the package tokenizers, from lines to the best class

Lines of about 60 characters, Chinese and English, one and eight at a time.  Rows run in their own processes, in turn.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import measure
from inference import KIT_INFER, clean, timed
from text import lines

MODELS = {  # configuration, and the size of its encoder's vocabulary
    "small ERNIE (3 layers of 128)": ("PaddleNLP/configs/matching/matching_small.yml", 1800),
    "BERT base": ("PaddleNLP/configs/matching/bert_mrpc.yml", 30522),
}
FRAME = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
TEXTS = 8


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, action="append", help="some of them; default all")
    parser.add_argument("--batch", type=int, action="append", help="texts at a time; default 1 and 8")
    parser.add_argument("--threads", type=int, default=1, help="of each row (1)")
    parser.add_argument("--repeat", type=int, default=30, help="runs over 8 texts per row and round (30)")
    parser.add_argument("--rounds", type=int, default=2, help="processes per row; the lower median counts (2)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return CHILDREN[args.child](args)
    if not KIT_INFER.is_file():
        sys.exit(f"{KIT_INFER} is not built: make cpp")
    results = {}
    with tempfile.TemporaryDirectory() as place:
        for name in args.model or MODELS:
            folder = Path(place) / name.split(" (")[0].replace(" ", "_")
            run = ("--child", "export", "--model", name, "--folder", folder)
            measure.run_child(sys.executable, "raw_texts.py", *run)
            for batch in args.batch or (1, 8):
                results |= compare(name, folder, batch, args)
    return measure.finish(results, args.json)


def compare(name, folder, batch, args):
    """Measures the rows of one model: {aim: (ratio, comparison, goal)}."""
    child = ("--batch", batch, "--repeat", args.repeat, "--folder", folder)

    def in_python(kind):
        return measure.run_child(sys.executable, "raw_texts.py", "--child", kind, *child, **clean(args.threads))

    def in_cpp(engine):
        given = ("--text", folder / "texts.txt", "--batch", batch, "--threads", args.threads, "--engine", engine)
        report = measure.run_program(
            KIT_INFER, "--model", folder / "export", *given, "--repeat", args.repeat, "--json", **clean(args.threads)
        )
        total, share = report["latency_ms"]["total"], report["latency_ms"]["tokenize"]["p50"]
        return total | {"cpu": report["cpu_ms"] * batch, "tokenize": share}

    rows = {kind: (lambda kind=kind: in_python(kind)) for kind in ("onnxruntime", "python")}
    rows["cpp paddle"] = lambda: in_cpp("paddle")
    if (KIT_INFER.parent / "libkit_openvino.so").is_file():
        rows["cpp openvino"] = lambda: in_cpp("openvino")
    found = {row: [] for row in rows}
    for _ in range(args.rounds):
        for row, run in rows.items():
            found[row].append(run())
    keys = ("p50", "min", "cpu", "tokenize")
    best = {row: [min(run.get(key, 0.0) for run in runs) for key in keys] for row, runs in found.items()}
    table = [[row, *times, times[2] / best["onnxruntime"][2]] for row, times in best.items()]
    title = f"{name}, {batch} text(s) at a time, {args.threads} thread(s): ms per batch"
    measure.table(title, ["", "median", "least", "CPU", "tokens", "CPU ratio"], table)
    ours = min(best[row][2] for row in best if row.startswith("cpp"))
    return {
        f"{name}, batch {batch}: C++ / Python, CPU": (best["cpp paddle"][2] / best["python"][2], "<=", 1.0),
        f"{name}, batch {batch}: our fastest / onnxruntime and tokenizers, CPU": (
            ours / best["onnxruntime"][2],
            "<=",
            1.05,
        ),
    }


# In a separate process ---------------------------------------------------------------------------------------------


def read_batches(args):
    """The lines of the file in lists of a batch."""
    texts = (Path(args.folder) / "texts.txt").read_text(encoding="utf-8").splitlines()
    (size,) = args.batch
    return [texts[k : k + size] for k in range(0, len(texts), size)]


def in_turn(run, batches):
    """A function that runs the next batch each time."""
    state = {"next": 0}

    def once():
        run(batches[state["next"] % len(batches)])
        state["next"] += 1

    return once


def run_python(args):
    """From lines to records in Python."""
    from common.inference.given import as_sample
    from common.inference.predictor import Predictor
    from common.inference.run import predict_samples

    model, batches = Predictor(Path(args.folder) / "export"), read_batches(args)

    def run(texts):
        predictions, problems = predict_samples(model, [as_sample(model.task, text) for text in texts], None)
        assert len(predictions) == len(texts) and not problems

    timed(in_turn(run, batches), args.repeat * len(batches))


def run_onnxruntime(args):
    """The package tokenizers, and onnxruntime with as many threads."""
    import numpy as np
    import onnxruntime
    import yaml
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder = Path(args.folder) / "export"
    about = yaml.safe_load((folder / "infer.yml").read_text(encoding="utf-8"))
    vocab = (folder / about["preprocess"][0]["vocab"]).read_text(encoding="utf-8").splitlines()
    numbers = {token: number for number, token in enumerate(vocab)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", numbers["[SEP]"]), ("[CLS]", numbers["[CLS]"]))
    tokenizer.enable_truncation(about["preprocess"][0]["max_length"])
    tokenizer.enable_padding(pad_id=0)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["KIT_THREADS"])
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    wanted, batches = {entry.name for entry in session.get_inputs()}, read_batches(args)

    def run(texts):
        found = tokenizer.encode_batch(texts)
        inputs = {
            "input_ids": np.array([row.ids for row in found], np.int64),
            "token_type_ids": np.array([row.type_ids for row in found], np.int64),
            "length": np.array([sum(row.attention_mask) for row in found], np.int64),
        }
        return session.run(None, {name: array for name, array in inputs.items() if name in wanted})[0].argmax(1)

    timed(in_turn(run, batches), args.repeat * len(batches))


def write_export(args):
    """Writes the export of a model with random weights, and the texts."""
    from common.system import runtime

    runtime.prepare()
    from common.build.model import build_model
    from common.config import load_config
    from common.export.write import export

    (name,) = args.model
    path, size = MODELS[name]
    folder = Path(args.folder)
    folder.mkdir(parents=True)
    texts = lines()[:TEXTS]
    letters = sorted({letter for text in lines() for letter in text if letter != " "})
    known = [*FRAME, "the", "quick", "brown", "fox", "over", *letters, *(f"##{letter}" for letter in letters)]
    known = list(dict.fromkeys([*known, *(f"[unused{k}]" for k in range(size))]))[:size]
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in known), encoding="utf-8")
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    config = load_config(path, [f"vocab={folder / 'vocab.txt'}", "export.tolerance=1e-3"])
    config.check()
    model = build_model(config, ["0", "1"])
    model.eval()
    inputs = example_batch(config, model, texts)
    export(model, config, ["0", "1"], inputs, folder / "export", onnx=True)
    print("{}")


def example_batch(config, model, texts):
    """The inputs of a model for texts, as its configuration prepares them."""
    import numpy as np

    from common.build.data import build_transforms
    from common.data.pipeline import Pipeline

    pipeline = Pipeline(build_transforms(config, "eval", labels=["0", "1"], num_classes=2))
    samples = list(pipeline.batch([pipeline.sample([{"text_a": text}], 0, 0) for text in texts], 0, 0))
    return {name: np.stack([sample[name] for sample in samples]) for name in model.inputs}


CHILDREN = {"python": run_python, "onnxruntime": run_onnxruntime, "export": write_export}


if __name__ == "__main__":
    sys.path.insert(0, str(measure.REPOSITORY))
    main()
