"""`PaddleCV/tools/retrieve.py`: finds the most similar images of a gallery for an image, or for each of a folder.

Needs an exported model of embeddings (metric learning).  --index keeps the embeddings of the gallery in a file, which
is refused when the model or an image has changed.  A query that is in the gallery does not find itself.
"""

import argparse
import json
import sys
from pathlib import Path

from common.commands.main import ENGINES, run_command
from common.commands.parser import Parser, positive_int

EXAMPLES = """examples:
  cd PaddleCV
  python tools/retrieve.py --model output/sop_npairs/export --gallery products/ --query chair.jpg
  python tools/retrieve.py --model output/sop_npairs/export --gallery products/ --index all.npz --query a/ --out a.csv
  python tools/retrieve.py --model output/sop_npairs/export --index all.npz --query chair.jpg --out sheet.png
"""
MOST_ROWS = 50  # queries on a contact sheet
SHEETS = (".png", ".jpg", ".jpeg")


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="retrieve.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--model", required=True, metavar="DIR", help="exported model of embeddings")
    options.add_argument("--query", required=True, metavar="PATH", help="an image, or a folder of images")
    options.add_argument("--gallery", metavar="PATH", help="folder to search in (default: the images of --index)")
    options.add_argument("--index", metavar="FILE.npz", help="keep the embeddings of the gallery in this file")
    options.add_argument("--rebuild", action="store_true", help="write --index again, whatever it holds")
    options.add_argument(
        "--count", type=positive_int, default=10, help="images to find for each query (default: %(default)s)"
    )
    options.add_argument("--json", action="store_true", help="print one JSON object per query")
    options.add_argument(
        "--out", metavar="PATH", help="file.csv, .jsonl or .json, or a contact sheet: file.png or .jpg"
    )
    options.add_argument("--faiss", action="store_true", help="search with faiss (pip install faiss-cpu)")
    options.add_argument("--threads", type=int, default=0, help="CPU threads (default: by the number of cores)")
    options.add_argument("--engine", choices=ENGINES, help="inference engine (default: that of infer.yml)")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run_retrieve, argv)


def run_retrieve(args):
    """Runs the command and returns its exit code."""
    check_arguments(args)
    from common.errors import DataError
    from common.inference.exported import Exported
    from common.inference.predictor import Predictor
    from common.inference.retrieval import digest_of_model, embed, neighbors
    from common.vision.sources import open_images

    check_gives_embeddings(Exported(args.model))
    queries = open_images(args.query)
    gallery = open_images(args.gallery) if args.gallery else None
    model = Predictor(args.model, args.threads, args.engine)
    rows, paths, bad = gallery_of(args, model, gallery, digest_of_model(args.model))
    asked, vectors, bad_queries = embed(model, queries)
    if not asked or not paths:
        raise DataError(f"{args.query if paths else args.gallery}: no image could be read")
    found = neighbors(vectors, rows, [sample["path"] for sample in asked], paths, args.count, args.faiss)
    results = [
        {
            "image": sample["name"],
            "nearest": [{"image": paths[row], "score": round(score, 4)} for row, score in pairs],
        }
        for sample, pairs in zip(asked, found)
    ]
    for result in results:
        sys.stdout.write((json.dumps(result, ensure_ascii=False) if args.json else as_lines(result)) + "\n")
    if args.out:
        write_results(args.out, results, [sample["path"] for sample in asked])
    return 3 if bad + bad_queries else 0


def check_arguments(args):
    """Raises ConfigError for arguments that do not fit each other."""
    from common.errors import ConfigError

    suffix = Path(args.out).suffix.lower() if args.out else ""
    if args.gallery is None and (args.index is None or args.rebuild or not Path(args.index).exists()):
        raise ConfigError("--gallery: write which folder to search in; only an --index that exists needs none")
    if args.index and Path(args.index).suffix != ".npz":
        raise ConfigError(f"--index {args.index}: its name ends in .npz")
    if args.rebuild and not args.index:
        raise ConfigError("--rebuild is for --index, which is not given")
    if args.out and suffix not in (*SHEETS, ".csv", ".json", ".jsonl"):
        raise ConfigError(f"--out {args.out}: results are written to .csv, .jsonl, .json, contact sheets to .png, .jpg")


def check_gives_embeddings(exported):
    """Raises ConfigError for a model that gives no embeddings."""
    from common.errors import ConfigError

    if "embedding" not in exported.about["outputs"] or exported.about["task"] != "Embedding":
        raise ConfigError(
            f"{exported.file}: the model's task is {exported.about['task']}; images are retrieved by their embeddings\n"
            "  fix: export a model of metric learning, such as configs/sop_npairs.yml"
        )


def gallery_of(args, model, gallery, digest):
    """The embeddings of the gallery, of --index if it exists, their paths, the number of bad images."""
    from common.inference.retrieval import embed, read_image_index, write_image_index
    from common.log import logger

    if args.index and Path(args.index).exists() and not args.rebuild:
        rows, paths = read_image_index(args.index, digest, None if gallery is None else gallery.items)
        logger.info("%s: %d images", args.index, len(paths))
        return rows, paths, 0
    found, rows, bad = embed(model, gallery)
    paths = [sample["path"] for sample in found]
    if args.index and bad:
        logger.warning("%s is not written: %d images of the gallery cannot be read", args.index, bad)
    elif args.index:
        write_image_index(args.index, rows, paths, digest)
        logger.info("%s: %d images written", args.index, len(paths))
    return rows, paths, bad


def as_lines(result):
    """A query and its nearest images for people."""
    lines = [f"{result['image']}:"] + [f"  {item['score']:.4f} {item['image']}" for item in result["nearest"]]
    return "\n".join(lines)


def write_results(out, results, paths):
    """Writes results to a table, to JSON, or draws them on a contact sheet; `paths` are those of the queries."""
    from common.errors import EnvironmentProblem
    from common.log import logger

    suffix, place = Path(out).suffix.lower(), Path(out)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if suffix in SHEETS:
            draw_results(place, results, paths)
        else:
            place.write_text(TEXTS[suffix](results), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise EnvironmentProblem(f"--out {out}: cannot be written: {error.strerror}") from error
    logger.info("written: %s", out)


def as_csv(results):
    """A row per image that was found: query, rank, image, score."""
    import csv
    import io

    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["query", "rank", "image", "score"])
    for result in results:
        for rank, item in enumerate(result["nearest"], 1):
            table.writerow([result["image"], rank, item["image"], item["score"]])
    return text.getvalue()


TEXTS = {
    ".csv": as_csv,
    ".json": lambda results: json.dumps(results, ensure_ascii=False, indent=1) + "\n",
    ".jsonl": lambda results: "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in results),
}


def draw_results(place, results, paths):
    """Draws a row per query: the query, then what was found."""
    import cv2

    from common.log import logger
    from common.vision.contact_sheet import contact_sheet
    from common.vision.decode import decode_image, read_image_file

    def captioned(path, caption):
        return decode_image(read_image_file(path), path), caption

    if len(results) > MOST_ROWS:
        logger.warning("%s: the first %d of %d queries are drawn", place, MOST_ROWS, len(results))
    rows = [
        [
            captioned(path, Path(path).name),
            *(captioned(i["image"], f"{short(i['image'])} {i['score']:.3f}") for i in near),
        ]
        for path, near in zip(paths, [result["nearest"] for result in results[:MOST_ROWS]])
    ]
    sheet = cv2.cvtColor(contact_sheet(rows), cv2.COLOR_RGB2BGR)
    place.write_bytes(cv2.imencode(place.suffix.lower(), sheet)[1].tobytes())


def short(path):
    """The name of an image with its folder."""
    return "/".join(Path(path).parts[-2:])
