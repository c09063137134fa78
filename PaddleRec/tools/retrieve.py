"""Retrieves the nearest items for a session or a list of words, from an index of the items of a trained matcher.

    python PaddleRec/tools/retrieve.py -c configs/gru4rec.yml -o weights=output/gru4rec/best --query "12 7 31" --top-k 5
    python PaddleRec/tools/retrieve.py -c configs/gru4rec.yml -o weights=output/gru4rec/best --save items.index

Queries come from --query, or one per line from standard input; the results are one JSON object per line.
"""

import argparse
import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import add_config_arguments, open_config, run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.log import logger  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_arguments(options)
    options.add_argument("--query", metavar="WORDS", help="items separated by spaces; default: standard input")
    options.add_argument("--top-k", type=positive_int, default=20, help="results per query (default 20)")
    options.add_argument("--engine", choices=["brute", "faiss"], default="brute", help="search engine (default brute)")
    options.add_argument("--save", metavar="FILE", help="write the index and exit")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), retrieve, argv)


def retrieve(args):
    """Builds the index and answers the queries."""
    config = open_config(args, KIT)
    if config is None:
        return 0
    from common.build.data import build_transforms
    from common.build.model import build_model, load_weights, read_configured_weights
    from common.system import runtime

    arrays = read_configured_weights(config)
    runtime.prepare()
    import numpy as np
    import paddle

    model = build_model(config, None)
    load_weights(model, arrays, config)
    model.eval()
    if model.task != "Retrieval":
        raise ConfigError(f"{type(model).__name__} is not a retrieval model; its task is {model.task}")
    with paddle.no_grad():
        vectors = model.item_vectors().numpy()
    index = config.namespace.resolve("ItemIndex")(vectors, args.engine)
    if args.save:
        index.save(args.save)
        sys.stdout.write(f"{args.save}: {len(vectors)} items with {vectors.shape[1]} features\n")
        return 0
    (name,) = model.inputs
    transforms = build_transforms(config, "eval")
    numbers = next(item for item in transforms if name in getattr(item, "columns", ()))
    names = transforms[-1] if "target" in getattr(transforms[-1], "columns", ()) else numbers
    given = sys.stdin.buffer if args.query is None else [args.query.encode("utf-8", "surrogateescape")]

    def search(words):
        ids = numbers.table({name: np.array([[word.encode() for word in words]], "S")})[name]
        with paddle.no_grad():
            query = model.predict(paddle.to_tensor(ids)).numpy()
        items, scores = index.search(query, args.top_k)
        return [{"item": k, "score": round(s, 6)} for k, s in zip(names.names(items[0]), scores[0].tolist()) if k]

    bad = respond(given, search)
    numbers.end_of_rows()
    return 3 if bad else 0


def respond(lines, search):
    """Writes the items of each query (bytes); the number of those that cannot be read, which are named."""
    bad = 0
    for place, data in enumerate(lines, 1):
        try:
            line = read_query(data)
        except DataError as error:
            logger.error("%s", str(error).replace("line 1", f"line {place}"))
            bad += 1
            continue
        sys.stdout.write(json.dumps({"query": line, "items": search(line.split())}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    if bad:
        logger.error("%d queries could not be read", bad)
    return bad


def read_query(data):
    """The query of a line (bytes); raises DataError for a byte that is not UTF-8, or without an item."""
    try:
        line = data.decode().strip()
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1}, 0x{data[error.start]:02x}"
        raise DataError(f"error[D131] the queries: line 1: {byte} is not valid utf-8; save them as UTF-8") from None
    if not line:
        raise DataError("error[D126] the queries: line 1: there is no item")
    return line


if __name__ == "__main__":
    main()
