"""Benchmark of generation: the exported Transformer that translates, against decoding without caches, transformers and
CTranslate2 with the same weights.

    memory            the model in memory, keys and values carried on
    without caches    exported; every step computes all tokens before it again
    caches, repeated  exported, keys and values carried on; each beam has a copy of the encoded text
    ours              the same, but the beams of a text share it
    transformers      M2M100, whose network is the same, in torch
    CTranslate2       the same network, float32

All write the same number of tokens for random texts on one thread, in processes of their own, in rounds; their logits
and their tokens are compared first.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import measure

SIZE = {"hidden_size": 256, "inner_size": 1024, "layers": 3, "heads": 4}
VOCABULARY, START, END, TEXT = 8000, 0, 2, 24
ROWS = ("memory", "without caches", "caches, repeated", "ours")
PEERS = {"transformers": 1.0, "CTranslate2": 0.7}  # least tokens of ours for each of theirs
ONE = {"KIT_THREADS": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}


def main():
    """Runs all measurements and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beams", type=int, default=1, help="hypotheses of a text (1: greedy search)")
    parser.add_argument("--texts", type=int, default=8, help="texts a batch (8)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens written for each (64)")
    parser.add_argument("--steps", type=int, default=2, help="measured batches a round (2)")
    parser.add_argument("--rounds", type=int, default=2, help="processes a row (2)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        sys.path.insert(0, str(measure.REPOSITORY))
        print(json.dumps(child(args)))
        return None
    with tempfile.TemporaryDirectory() as folder:
        return compare(args, folder)


def compare(args, folder):
    """Measures all rows in turn, and compares their tokens."""
    torch, found, results = measure.torch_python(), {}, {}
    programs = dict.fromkeys(ROWS, (sys.executable, "generation.py"))
    programs |= {row: (torch, "torch_generation.py") for row in PEERS if torch}
    if not torch:
        print(f"  {measure.NO_TORCH}")
    for _ in range(args.rounds):
        for row, (python, script) in programs.items():
            options = [f"--{name}={getattr(args, name)}" for name in ("beams", "texts", "tokens", "steps")]
            answer = measure.run_child(python, script, "--child", row, "--folder", folder, *options, **ONE)
            found.setdefault(row, answer | {"cpu": []})["cpu"] += answer["cpu"]
    count = args.texts * args.tokens
    speed = {row: count / measure.median(answer["cpu"]) for row, answer in found.items()}
    lines = []
    for row, answer in found.items():
        same = sum(a == b for a, b in zip(answer["tokens"], found["ours"]["tokens"], strict=True)) / args.texts
        results[f"{row}: texts that are the same"] = (same, ">=", 1.0)
        lines.append([row, speed[row], speed["ours"] / speed[row], same])
    title = f"{args.texts} texts of {TEXT} tokens, {args.tokens} tokens each, beams of {args.beams}, one thread"
    measure.table(title, ["", "tokens / CPU s", "ours is x", "same texts"], lines)
    if torch:
        results["logits: largest difference from transformers"] = (found["transformers"]["difference"], "<=", 1e-4)
    results["caches: ours / without, tokens a CPU second"] = (speed["ours"] / speed["without caches"], ">=", 4.0)
    for row, least in PEERS.items():
        if row in speed:
            results[f"tokens a CPU second: ours / {row}"] = (speed["ours"] / speed[row], ">=", least)
    return measure.finish(results, args.json)


def inputs(texts):
    """Ids and lengths of random texts: int64 [N, T], [N]."""
    import numpy as np

    ids = np.random.default_rng(0).integers(3, VOCABULARY, (texts, TEXT))
    return ids, np.full(texts, TEXT)


def models():
    """The model of each row (dict of classes)."""
    import paddle

    from common.layers.decoding import repeat_beams
    from PaddleNLP.models.assemblies.translation_transformer import TranslationTransformer

    class WithoutCaches(TranslationTransformer):
        """The state is the tokens, all of which each step computes again."""

        def begin(self, memory, beams):
            repeated = [tuple(repeat_beams(list(pair), beams)) for pair in memory[0]], repeat_beams(memory[1], beams)

            def step(tokens, state):
                written = paddle.concat([state["written"], tokens.unsqueeze(1)], 1)  # the first stands for nothing
                places = paddle.arange(paddle.shape(written)[1] - 1)
                later = (places.unsqueeze(0) > places.unsqueeze(1)).astype("float32")
                x, _ = self.decode(written[:, 1:], places, repeated, later * -1e9)
                return self.logits(x[:, -1]), {"written": written}

            nobody = paddle.zeros_like(memory[1][:, 0, 0, 0]).astype("int64")
            return step, {"written": nobody.unsqueeze(1)}

    class Repeated(TranslationTransformer):
        """Each hypothesis has a copy of what was encoded."""

        def begin(self, memory, beams):
            repeated = [tuple(repeat_beams(list(pair), beams)) for pair in memory[0]], repeat_beams(memory[1], beams)
            return super().begin(repeated, 1)[0], super().begin(memory, 1)[1]

    plain = TranslationTransformer
    return {"memory": plain, "without caches": WithoutCaches, "caches, repeated": Repeated, "ours": plain}


def child(args):
    """CPU seconds of one row of this project, and its tokens; writes weights and logits for the peers."""
    from common.system import runtime

    runtime.prepare()
    import numpy as np
    import paddle

    from common.inference.predictor import load_engine, run_engine
    from common.layers.token_search import TokenSearch
    from common.testing import save_program

    paddle.seed(0)
    search = {"max_length": args.tokens, "min_length": args.tokens, "beam_size": args.beams, "length_penalty": 0.0}
    model = models()[args.child](VOCABULARY, START, END, search=TokenSearch(**search), **SIZE)
    rng = np.random.default_rng(1)
    for parameter in model.parameters():  # as far from the first values as a trained model
        parameter.set_value(parameter + paddle.to_tensor(0.05 * rng.standard_normal(parameter.shape), "float32"))
    model.eval()
    ids, length = inputs(args.texts)
    given = dict(zip(model.inputs, (ids, length)))
    if args.child == "memory":
        tensors = [paddle.to_tensor(value) for value in given.values()]
        with paddle.no_grad():
            taught = model.teach(tensors[0], model.encode(*tensors)).numpy()
        arrays = {name: value.numpy() for name, value in model.state_dict().items()}
        np.savez(Path(args.folder) / "ours.npz", taught=taught, positions=model.positions.numpy(), **arrays)

        def run():
            with paddle.no_grad():
                return model(*tensors)[0].numpy()
    else:
        program = Path(args.folder) / str(ROWS.index(args.child))
        save_program(model, program)
        engine = load_engine(program)

        def run():
            return run_engine(engine, given)[0]

    return measured(run, args.steps)


def measured(run, steps):
    """CPU seconds of each of some calls, after one that does not count, and the tokens of each text's best."""
    run()
    watch, found = measure.Stopwatch(), None
    for _ in range(steps):
        found = run()
        watch.lap()
    return {"cpu": watch.cpu, "tokens": [[int(token) for token in row[0]] for row in found]}


if __name__ == "__main__":
    main()
