"""Runs a model over the samples of a source, and writes the predictions as lines, as JSON, as csv and as drawings."""

import itertools
import json
import sys

from common.data.coverage import Coverage
from common.data.issues import issue_line
from common.errors import BadSample, DataError, DataIssue, NotFinite
from common.inference.predictor import fixed_batch, predict_prepared, prepare_samples
from common.inference.record_files import RecordFiles
from common.inference.result_files import describe_sample, is_result_file, open_results, refuse_drawings
from common.inference.rows import predict_rows
from common.inference.tracks import predict_tracks
from common.log import logger, printable
from common.vision.writers import ImageWriter

PARTS_AT_A_TIME = 16  # of a sample that is split


def run_inference(model, source, args):
    """Predicts every sample of `source`; one that cannot be read is named, and the rest go on.

    Args:
        model (Predictor | ModelInMemory): predicts batches.
        source (Images | Video | Texts | Recordings | Rows): see `common.inference.sources`.
        args (Namespace): json, out, threshold, batch.

    Returns:
        int: 0, or 3 when a sample could not be read.
    """
    task = model.task
    log_threshold(model, args.threshold)
    drawing, table = open_outputs(args.out, model, source, args.threshold)
    source.labels = model.labels
    predict = predicts_by(model)
    bad = total = 0
    coverage = Coverage(source.name)
    for samples in batches(source, fixed_batch(model) or args.batch or source.batch):
        predictions, problems = predict(model, samples, args.threshold)
        for error in problems:
            if not source.many:
                raise error
            logger.error(issue_line(error.issue) if isinstance(error, BadSample) else str(error))
        bad += len(problems)
        if table:
            table.add(predictions)
        for sample, records in predictions:
            if "error" in sample:
                text = json.dumps(describe_sample(task, sample, []), ensure_ascii=False) if args.json else ""
                sys.stdout.write(text + "\n")
                continue
            total += 1
            coverage.add([sample.get("coverage", {})])
            found = describe_sample(task, sample, records) if args.json else None
            text = json.dumps(found, ensure_ascii=False) if args.json else task.line(sample, records)
            sys.stdout.write(printable(text) + "\n")
            sys.stdout.flush()
            if drawing:
                drawing.draw(task, sample, records)
    for transform in model.pipeline.transforms:
        transform.end_of_rows()
    if drawing or table:
        (drawing or table).close()
        logger.info("%s: %s", "drawn" if drawing and not task.writes else "written", args.out)
    coverage.report()
    if total == 0 and bad == 0:
        raise DataError(f"{source.name}: no {source.what} was found")
    if bad:
        logger.error("%s: %d of %d %ss could not be read", source.name, bad, bad + total, source.what)
    return 3 if bad else 0


def log_threshold(model, given):
    """Logs the threshold that is used and its source, of a task that takes that of maximum F1 or a given one.

    Args:
        model (Predictor | ModelInMemory): predicts.
        given (float | None): by the caller.
    """
    if given is not None or model.threshold_from:
        source = model.threshold_from if given is None else "--threshold"
        number = model.task.threshold if given is None else given
        logger.info("%s threshold %g: %s", model.task.threshold_of, number, source)


def open_outputs(out, model, source, threshold=None):
    """(the writer of drawings, the writer of a file of predictions) for `--out`; None for what is not asked for."""
    if not out:
        return None, None
    refuse_drawings(out, model.task, source)
    if is_result_file(out):
        return None, open_results(out, model.task, model.labels, source.name, threshold)
    if model.task.writes:
        return RecordFiles(out, source.many, model.task.writes), None
    return source.drawing(out) if hasattr(source, "drawing") else ImageWriter(out, source.many), None


def predict_one(model, sample, threshold=None):
    """(decoded sample, records) of one sample of a source; raises DataError where it cannot be read."""
    predictions, problems = predicts_by(model)(model, [sample], threshold)
    if problems:
        raise problems[0]
    return predictions[0]


def batches(source, size):
    """Lists of `size` samples; the last may be shorter."""
    iterator = iter(source)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def predicts_by(model):
    """The function that predicts samples: that of a model of several networks, or that of the input of its task."""
    if model.task.sequential:
        return predict_tracks
    return getattr(type(model), "predict_samples", None) or BY_INPUT.get(model.task.input, predict_samples)


def predict_samples(model, samples, threshold):
    """The predictions of samples that are prepared one by one; one that is `blank` has no records and is not run.

    Args:
        model (Predictor | ModelInMemory): predicts.
        samples (list[dict]): from a source.
        threshold (float | None): see :func:`common.inference.predictor.predict`.

    Returns:
        tuple[list[tuple], list[DataError]]: (decoded sample, records) of those that can be read, in order, and of texts
            (sample with `error`, []) of the others; the errors of the others.
    """
    decoded, ready, problems = [], [], []
    for sample in samples:
        try:
            if "error" in sample:
                raise sample["error"]
            if not sample.get("blank"):
                prepared = model.decode(sample)
                parts = prepare_samples(model, model.task.split(prepared))
                ready.append(parts)
                given = {
                    key: sample[key] for key in ("text_a", "text_b") if key in sample
                }  # not as a transform cleans it
                sample = prepared | given | {"coverage": parts[-1].get("coverage", {}) if parts else {}}
            decoded.append(sample)
        except DataError as error:
            problems.append(error)
            if model.task.input == "text" and "place" in sample:
                decoded.append(sample | {"error": in_file(error, sample)})
    found = iter(predict_parts(model, ready, threshold))
    empty = ("blank", "error")
    predictions = [(sample, [] if any(key in sample for key in empty) else next(found)) for sample in decoded]
    bad = [(sample, error) for sample, error in predictions if isinstance(error, NotFinite)]
    problems += [DataError(f"{error}\n  {sample.get('name') or sample.get('path', '')}") for sample, error in bad]
    return [pair for pair in predictions if not isinstance(pair[1], NotFinite)], problems


def in_file(error, sample):
    """The BadSample of an error in a sample."""
    if isinstance(error, BadSample):
        return error
    return BadSample(DataIssue("D100", "error", sample["path"], str(error), sample["place"]))


def predict_parts(model, parts, threshold):
    """The records of samples that were split into parts, which are run together (list[list[dict] | NotFinite]).

    Args:
        model (Predictor | ModelInMemory): predicts.
        parts (list[list[dict]]): of each sample its prepared parts; none gives no records.
        threshold (float | None): see :func:`common.inference.predictor.predict`.
    """
    every = [part for own in parts for part in own]
    most = fixed_batch(model) or max(len(parts), PARTS_AT_A_TIME)
    found = iter([one for chunk in batches(every, most) for one in predict_all(model, chunk, threshold)])
    joined = []
    for own in parts:
        mine = list(itertools.islice(found, len(own)))
        bad = next((records for records in mine if isinstance(records, NotFinite)), None)
        joined.append(bad or [record for records in mine for record in records])
    return joined


def predict_all(model, samples, threshold):
    """The records of prepared samples, as one batch; where its outputs are not finite one by one.

    Returns:
        list[list[dict] | NotFinite]: for each sample its records, or why it has none.
    """
    try:
        return predict_prepared(model, samples, threshold)
    except NotFinite as error:
        if len(samples) == 1:
            return [error]
    return [predict_all(model, [sample], threshold)[0] for sample in samples]


BY_INPUT = {"table": predict_rows}  # inputs whose samples are not prepared one by one
