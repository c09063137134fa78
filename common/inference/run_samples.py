"""Runs a model over pictures, texts or recordings, and writes the answers as lines, as JSON and as drawings."""

import itertools
import json
import sys

from common.data.issues import issue_line
from common.errors import BadSample, ConfigError, DataError
from common.inference.predictor import answer, fixed_batch, prepared
from common.log import logger


def run_inference(model, source, args):
    """Answers every sample of `source`; one that cannot be read is named, and the rest go on.

    Args:
        model (Predictor | ModelInMemory): answers batches.
        source (Source): iterates over samples; `is_video` tells frames from pictures.
        args (Namespace): json, out, threshold, batch.

    Returns:
        int: 0, or 3 when a sample could not be read.
    """
    what = getattr(source, "what", "picture")
    if args.out and not hasattr(source, "drawing"):
        raise ConfigError("--out draws on pictures; the other answers go to standard output")
    drawing = source.drawing(args.out) if args.out else None
    bad = total = 0
    for samples in batches(source, fixed_batch(model) or args.batch or source.batch):
        good, problems = readable(model, samples)
        for error in problems:
            if not source.many:
                raise error
            logger.error(issue_line(error.issue) if isinstance(error, BadSample) else str(error))
        bad += len(problems)
        for sample, records in answers(model, good, args.threshold):
            total += 1
            show(sample, records, args.json, model.task_module())
            if drawing:
                drawing.add(sample, model.task_module().draw(sample["image"], records))
    if drawing:
        drawing.close()
        logger.info("drawn: %s", args.out)
    if total == 0 and bad == 0:
        raise DataError(f"{source.name}: no {what} was found")
    if bad:
        logger.error("%s: %d of %d %ss could not be read", source.name, bad, bad + total, what)
    return 3 if bad else 0


def answers(model, samples, threshold):
    """(sample, records) of each, in order; one that is `blank` has none and is not run."""
    full = [ready for _, ready in samples if ready is not None]
    found = iter(answer(model, full, threshold) if full else [])
    return [(sample, [] if ready is None else next(found)) for sample, ready in samples]


def batches(source, size):
    """Lists of `size` samples; the last may be shorter."""
    iterator = iter(source)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def readable(model, samples):
    """Splits samples into those that can be read, and the errors of the others.

    Returns:
        tuple[list[tuple], list[DataError]]: (the sample decoded, the same prepared, None where it is `blank`) of each.
    """
    good, problems = [], []
    for sample in samples:
        try:
            if sample.get("blank"):
                good.append((sample, None))
            else:
                decoded = model.decode(sample)
                good.append((decoded, prepared(model, [decoded])[0]))
        except DataError as error:
            problems.append(error)
    return good, problems


def show(sample, records, as_json, task):
    """One sample's answers on standard output; a task with `line(sample, records)` says how they are written."""
    name = sample["name"]
    if hasattr(task, "line"):
        given = {key: sample[key] for key in ("text_a", "text_b", "question", "context") if key in sample}
        given |= {"sound": name} if task.INPUT == "sound" else {}
        text = (
            json.dumps(given | {"predictions": records}, ensure_ascii=False) if as_json else task.line(sample, records)
        )
        sys.stdout.write(text + "\n")
    elif as_json:
        sys.stdout.write(json.dumps({"image": name, "predictions": records}, ensure_ascii=False) + "\n")
    else:
        boxes = any("box" in record for record in records)
        best = f"{records[0]['label']} {records[0]['score']:.3f}" if records and not boxes else f"{len(records)} found"
        sys.stdout.write(f"{name}: {best}\n")
        for record in records:
            box = ", ".join(f"{v:.1f}" for v in record.get("box", []))
            sys.stdout.write(f"  {record['label']} {record['score']:.3f}" + (f" [{box}]" if box else "") + "\n")
    sys.stdout.flush()
