"""The process that holds one predictor: it predicts batches that come over a socket, and ends when the server does.

    python deploy/serving/worker.py FOLDER SOCKET THREADS

It is a program of its own, so that what goes wrong inside the framework ends this process and not the server.
"""

import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import signal
import socket
import sys
import traceback

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])

from common.audio.reading import decode_audio
from common.data.coverage import is_truncated
from common.data.refusals import bad_file
from common.errors import BadSample, ConfigError, EnvironmentProblem, KitError, NotFinite
from common.inference.fastest import LARGE_BATCH
from common.inference.predictor import check_finite, fixed_batch, prepare_samples, records_of, stack
from common.inference.rows import predict_rows
from common.inference.speech_stream import SpeechStream
from common.inference.text_reader import load_model
from common.inference.tracks import predict_tracks
from common.table.unknown import unknown_rates
from common.text.sources import Texts
from common.vision.decode import decode_image
from common.vision.instance_masks import mask_as_png
from deploy.serving import wire
from deploy.serving.encoding import by_length, encode, pieces_of, sizes_of

MOST_SAMPLES = 32 * 2**20  # of a recording, all channels; 128 MB as they are decoded
SAMPLES_AT_A_TIME = 16  # of items that are split, such as the boxes of images
END_WITH_PARENT = 1  # prctl(2): PR_SET_PDEATHSIG


def main(folder, number, threads):
    """Loads the model, says what it is, and predicts until the other end closes."""
    ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)  # what the framework prints goes to the log
    with socket.socket(fileno=int(number)) as connection, connection.makefile("rb") as requests:
        try:
            model = load_model(folder, int(threads), batch=LARGE_BATCH)
            description = describe(model)
            warm_up(model)
        except (KitError, OSError, ValueError, KeyError) as error:
            code = getattr(error, "exit_code", 4)
            connection.sendall(wire.frame({"error": str(error) or type(error).__name__, "exit_code": code}))
            return
        connection.sendall(wire.frame(description))
        while (request := wire.read(requests)) is not None:
            message, blobs = request
            connection.sendall(response_frame(model, message, blobs))


def describe(model):
    """The description of the model for the server."""
    several = is_whole(model)
    return {
        "task": model.task.name,
        "input": "audio" if is_stream(model) else model.task.input,
        "boxes": (model.task.input == "image" and hasattr(model.task, "label")) or model.task.sequential,
        "threshold": model.task.threshold,
        "threshold_from": model.threshold_from,
        "engine": getattr(model, "engine_name", ""),
        "labels": [] if several else [str(label) for label in model.labels or ()],
        "inputs": []
        if several
        else [{"name": name, "shape": shape, "dtype": dtype} for name, (shape, dtype) in model.inputs.items()],
        "outputs": [] if several else model.outputs,
        "batch": batch_of(model),
        "vectors": {} if several else sizes_of(model),
    }


def warm_up(model):
    """Runs the export's golden once: the first run of a program prepares it and takes longer.

    Raises:
        NotFinite: the outputs are NaN or infinite, as of weights that diverged; such a model is not served.
    """
    for part in model.parts.values() if is_whole(model) else [model]:
        outputs = {}
        with contextlib.suppress(OSError, ConfigError, KeyError), np.load(part.folder / "golden.npz") as golden:
            outputs = part.run({name: golden[f"in/{name}"] for name in part.inputs})
        try:
            check_finite(outputs)
        except NotFinite as error:
            raise NotFinite(f"{error}\n  {part.folder}: on the input that it was exported with (golden.npz)") from None


def response_frame(model, message, blobs):
    """The frame of a response: `id`, the status of each item, and as blobs their records or the reasons."""
    parts = iter(blobs)
    items = [(item, list(itertools.islice(parts, item["blobs"]))) for item in message["items"]]
    notes = {}
    statuses, texts = zip(*predict_items(model, items, notes))
    rates = unknown_rates(model.pipeline.transforms)
    unknown = {name: counts for rate in rates for name, counts in rate.take().items()}
    about = {"id": message["id"], "statuses": statuses, "notes": [notes.get(place) for place in range(len(items))]}
    blobs = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return wire.frame(about | ({"unknown": unknown} if unknown else {}), blobs)


def predict_items(model, items, notes=None):
    """Predicts the items of a batch, each by itself where one of them is wrong.

    Samples are run together only where the arrays that go in are of one size, so that no prediction depends on what
    else was requested at the time.

    Args:
        model (Predictor): predicts.
        items (list[tuple[dict, list[bytes]]]): `kind`, `threshold`, and what the kind needs; its bytes.
        notes (dict | None): filled with how much of each text was read, by its place: tokens, unknown, cut, truncated.

    Returns:
        list[tuple[int, str | bytes]]: for each item 200 and the JSON of its records, or the bytes of a vector that was
            asked for; or 422 or 500 and what is wrong.
    """
    found, groups = [[] for _ in items], {}  # of each item the outcomes of its samples
    for position, (item, blobs) in enumerate(items):
        try:
            samples = READERS[item["kind"]](model, item, blobs)
        except Exception as error:  # noqa: BLE001  whatever one sample does, the process goes on
            found[position] = [failure_of(error)]
            continue
        for sample in samples:
            if notes is not None and sample.get("coverage"):
                notes[position] = note_of(sample)
                if item["kind"] == "encode":
                    notes[position] |= pieces_of(model, sample, item["layer"])
            sizes = row_shape(item, sample) if item["kind"] == "table" else None
            sizes = ("any",) if item["kind"] == "encode" else sizes
            sizes = sizes or tuple(np.shape(sample[name]) for name in model.inputs if name in sample)
            found[position].append(None)
            groups.setdefault((item["kind"], sizes), []).append((position, len(found[position]) - 1, sample))
    most = batch_of(model) or max(len(items), SAMPLES_AT_A_TIME)
    for (kind, _), whole in groups.items():
        for members in split_up(kind, whole, most):
            outcomes = run_group(model, kind, [(position, sample) for position, _, sample in members], items)
            for (position, number, _), one in zip(members, outcomes, strict=True):
                found[position][number] = one
    return [joined(outcomes) for outcomes in found]


def split_up(kind, members, most):
    """The batches of (position, number, sample) of a group: texts to encode by length, others in their order."""
    if kind == "encode":
        return by_length(members, lambda member: int(member[2]["length"]), most)
    return [members[start : start + most] for start in range(0, len(members), most)]


def joined(outcomes):
    """The outcome of an item: the records of all its samples, or the first of these that has none.

    Args:
        outcomes (list[tuple[int, str]]): of the samples, see :func:`predict_items`.
    """
    wrong = next((one for one in outcomes if one[0] != 200 or isinstance(one[1], bytes)), None)
    return wrong or (200, f"[{', '.join(text[1:-1] for _, text in outcomes if text != '[]')}]")


def note_of(sample):
    """Counts of a text: its tokens, those unknown to the vocabulary, those cut off, and whether any was."""
    tokens, unknown, cut = (sum(numbers) for numbers in zip(*sample["coverage"].values()))
    return {"tokens": tokens, "unknown": unknown, "cut": cut, "truncated": is_truncated(sample)}


def run_group(model, kind, members, items):
    """The predictions of samples of one size, see :func:`predict_items`; if they fail together, each is tried alone."""
    samples = [sample for _, sample in members]
    try:
        if is_whole(model):
            return [run_whole(model, sample, items[position][0]["threshold"]) for position, sample in members]
        if kind == "table":
            return run_table(model, samples, items[members[0][0]][0]["threshold"])
        if model.task.sequential and kind != "tensors":
            return [run_track(model, sample, items[position][0]["threshold"]) for position, sample in members]
        if kind == "audio" and is_stream(model):
            return [run_stream(model, sample) for sample in samples]
        if kind == "encode":
            return encode(model, samples, [items[position][0]["layer"] for position, _ in members])
        batch = join_rows(model, samples) if kind == "tensors" else stack(model, samples)
        outputs = model.run(batch)
        thresholds = [items[position][0]["threshold"] for position, _ in members]
        found = {t: records_of(model, outputs, samples, t) for t in set(thresholds)}
        records = [found[t][row] for row, t in enumerate(thresholds)]
        as_png = [items[position][0].get("masks") == "png" for position, _ in members]
        records = [with_png(one) if png else one for one, png in zip(records, as_png)]
        return [(200, json.dumps(one, allow_nan=False)) for one in records]
    except Exception as error:  # noqa: BLE001  whatever one sample does, the process goes on
        if len(members) > 1:
            return [run_group(model, kind, [member], items)[0] for member in members]
        return [failure_of(error)]


def with_png(records):
    """Records whose masks are PNGs in base64, not run-length codes; others as they are."""
    return [r | {"mask": mask_as_png(r["mask"])} if isinstance(r.get("mask"), dict) else r for r in records]


def run_table(model, rows, threshold):
    """The predictions of rows of one shape, see :func:`predict_items`; raises KitError where one row is wrong."""
    predictions, problems = predict_rows(model, rows, threshold)
    if problems:
        raise problems[0]
    return [(200, json.dumps(records, allow_nan=False)) for _, records in predictions]


def batch_of(model):
    """The fixed batch size of the export, None for any, and for a model of several networks."""
    return None if is_whole(model) else fixed_batch(model)


def is_whole(model):
    """True for a model of several networks, which prepares and predicts whole samples, such as a reader of text."""
    return hasattr(type(model), "predict_samples")


def run_whole(model, sample, threshold):
    """The prediction of a sample by a model of several networks; raises KitError where the sample is wrong."""
    predictions, problems = model.predict_samples([sample], threshold)
    if problems:
        raise problems[0]
    return 200, json.dumps(predictions[0][1], allow_nan=False)


def is_stream(model):
    """True for a speech model that takes a recording in pieces."""
    return model.task.name == "StreamingRecognition"


def run_stream(model, sample):
    """The prediction of a recording, in one piece, by a model that takes pieces: its text, without a score."""
    stream = SpeechStream(model)
    stream.feed(sample["audio"])
    return 200, json.dumps([{"text": stream.finish()}])


def run_track(model, sample, threshold):
    """The prediction of a sequence by a tracker; raises KitError where it cannot be read."""
    predictions, problems = predict_tracks(model, [sample], threshold)
    if problems:
        raise problems[0]
    return 200, json.dumps(predictions[0][1], allow_nan=False)


def failure_of(error):
    """The status and the text that say why one item has no prediction; a bug goes to the log."""
    if isinstance(error, NotFinite):
        return 500, str(error).partition("] ")[2]
    if isinstance(error, EnvironmentProblem):
        traceback.print_exception(error)
        return 500, "the model failed on this input"
    if isinstance(error, KitError):
        return 422, reason(error)
    traceback.print_exception(error)
    return 500, "the model failed on this input"


def read_image(model, item, blobs):
    """The prepared samples of an encoded image: one, or one for each of the boxes that the item has."""
    image = decode_image(blobs[0], item["name"], item["max_pixels"])
    if is_whole(model):
        return [{"path": item["name"], "name": item["name"], "image": image}]
    label = getattr(model.task, "label", None)
    found = {"found": [box for box in item["boxes"] if box.get("label", label) == label]} if "boxes" in item else {}
    return prepared(model, model.decode({"path": item["name"], "image": image, **found}))


def read_audio(model, item, blobs):
    """The prepared sample of an encoded recording, whose length is read from its header before it is decoded."""
    limits = {"max_seconds": item["max_seconds"], "max_samples": MOST_SAMPLES}
    audio, rate = decode_audio(blobs[0], item["name"], channel=None, **limits)
    sample = model.decode({"path": item["name"], "audio": audio, "rate": rate})
    return [sample] if is_stream(model) else prepared(model, sample)


def read_file(model, item, blobs):
    """The prepared sample of a video, a file of features or a cloud of points, which the first transform reads."""
    if model.task.sequential:
        return [{"path": item["name"], "name": item["name"], "data": blobs[0], "box": box_of(item)}]
    return prepared(model, model.decode({"path": item["name"], "data": blobs[0]}))


def box_of(item):
    """The box x, y, width, height of the object in the first frame; raises BadSample D113 where there is not one."""
    boxes = item.get("boxes", [])
    if len(boxes) != 1:
        message = f"{len(boxes)} boxes; a tracker follows one object"
        raise bad_file("D113", item["name"], message, fix="send boxes, [[x1, y1, x2, y2]] in pixels of the first frame")
    x1, y1, x2, y2 = boxes[0]["box"]
    return [x1, y1, x2 - x1, y2 - y1]


def prepared(model, sample):
    """The prepared samples of a decoded one: itself, or the parts into which the task splits it."""
    return prepare_samples(model, model.task.split(sample))


def read_text(model, item, blobs):
    """The prepared sample of a text in UTF-8, read as a line is that `tools/infer.py` is given; none of a blank one."""
    source = Texts([blobs[0].decode()], "the text", model.task)
    source.labels = model.labels
    (sample,) = source
    if "error" in sample:
        raise sample["error"]
    return [] if sample.get("blank") else prepared(model, model.decode(sample))


def read_tensors(model, item, blobs):
    """One row of every input."""
    arrays = zip(item["arrays"], blobs, strict=True)
    return [{name: np.frombuffer(blob, dtype).reshape(1, *shape) for (name, dtype, shape), blob in arrays}]


def read_row(model, item, blobs):
    """One row of a table, as `tools/infer.py` reads it from a line of JSON."""
    return [{"path": "the request", "name": item["name"], "row": json.loads(blobs[0])}]


def row_shape(item, sample):
    """The columns of a row and their lengths, with its threshold: rows that are alike in these are run together."""
    sizes = {name: len(value.split() if isinstance(value, str) else value) if isinstance(value, str | list) else 1
             for name, value in sample["row"].items()}  # fmt: skip
    return item["threshold"], *sorted(sizes.items())


def join_rows(model, samples):
    """Rows as a batch; a fixed batch is filled with the last row."""
    samples = samples + samples[-1:] * ((fixed_batch(model) or 0) - len(samples))
    return {name: np.concatenate([sample[name] for sample in samples]) for name in model.inputs if name in samples[0]}


READERS = {
    "image": read_image, "audio": read_audio, "text": read_text, "encode": read_text, "tensors": read_tensors,
    "table": read_row, "file": read_file,
}  # fmt: skip


def reason(error):
    """The problem of an item, in one line."""
    if isinstance(error, BadSample):
        issue = error.issue
        return f"[{issue.code}] {issue.file}: {issue.message}"
    return str(error).splitlines()[0].removeprefix("the caller gives ").removeprefix("error")


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)  # at once: taking the framework down takes a second
