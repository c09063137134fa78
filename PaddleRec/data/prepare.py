"""Preparation of a user's own clicks: a table with a label of two values, its splits and a configuration."""

import csv
import io
import re
import shlex
from collections import Counter
from pathlib import Path

from common.data.preparation import EVALUATION, Prepared, frame_lines, plan_epochs, quote, quote_all
from common.data.split import split_samples
from common.errors import DataError
from common.log import counted
from common.table.own_tables import choose_column, read_table, tables_in

FORMATS = {"clicks": "CSV or TSV with a label of two values, numbers and categories"}
LABELS = ("label", "click", "clicked", "is_click", "target", "y", "conversion", "income", "outcome")
POSITIVE = ("1", "1.0", "true", "yes", "y", "t", "click", "clicked", "positive", ">50k", ">50k.")
KEY = re.compile(r"(^|_)(id|uid|user|item|ad|code|zip|zipcode|hour|weekday|day|month)(_|$)")
FEW = 12  # distinct numbers up to which a column of integers is a category
PROSE = 30  # characters on average
UPDATES, MOST_EPOCHS = 2000, 20


def recognize(folder, files):
    """The formats that a folder holds, format -> description."""
    found = [name for name in tables_in(files)[:20] if is_click_table(folder / name)]
    return {"clicks": f"{FORMATS['clicks']}, such as {found[0]}"} if found else {}


def is_click_table(path):
    """True for a table with a label of two values and other columns that are no prose."""
    names, rows = read_table(path, most=500)
    label = label_of(names, rows, path)
    if label is None or len(names) < 3:
        return False
    texts = [n for n in names if sum(len(r[n]) * (" " in r[n]) for r in rows) >= PROSE * len(rows)]
    return not texts


def label_of(names, rows, file, given=""):
    """The column of the label: as given, of a usual name with two values, or the only one of 0 and 1; or None."""
    chosen = choose_column(names, given, LABELS, file, "--label")
    if given or (chosen and len({row[chosen].strip() for row in rows}) == 2):
        return chosen
    binary = [name for name in names if {row[name].strip() for row in rows} == {"0", "1"}] if rows else []
    return binary[0] if len(binary) == 1 else None


def prepare(kind, request, files):
    """The splits and the configuration of a table of clicks (Prepared)."""
    names, rows, given, used = [], [], [], []
    for name in tables_in(files):
        file = request.source / name
        columns, found = read_table(file)
        if not found or (not request.label and not is_click_table(file)):
            continue
        if names and columns != names:
            raise DataError(f"error[D113] {file}: its columns differ from those of {request.source / used[0]}")
        names = columns
        used.append(name)
        rows += [{key: value.strip() for key, value in row.items()} for row in found]
        given += [split_of(name)] * len(found)
    label = label_of(names, rows, request.source, request.label)
    if not rows or label is None:
        raise DataError(f"error[D104] {request.source}: no table has a label of two values; name it: --label COLUMN")
    positive = positive_value(rows, label, request.source)
    train, evaluation, how = split_clicks(rows, given, label, request)
    numbers, categories, left_out = kinds_of(names, [rows[i] for i in train], label)
    if not numbers and not categories:
        raise DataError(f"error[D113] {request.source}: beside '{label}' there is no column with different values")
    if not categories:
        categories, numbers = numbers[:1], numbers[1:]  # the models look up at least one category
    columns = [label, *numbers, *categories]
    written = {
        f"{split}.csv": as_csv([rows[i] for i in chosen], columns, label, positive)
        for split, chosen in (("train", train), ("eval", evaluation))
    }
    least = 1 if len(train) < 1000 else 3
    ids = sum(sum(n >= least for n in Counter(rows[i][c] for i in train).values()) for c in categories)
    config, chosen = click_config(request, label, numbers, categories, ids + len(categories) + 1, least, len(train))
    rate = sum(row[label] == positive for row in rows) / len(rows)
    notes = [f"{counted(len(rows), 'row')} of {', '.join(used)}; {label} is {positive!r} in {rate:.1%}", how]
    notes += [f"numbers: {', '.join(numbers) or 'none'}", f"categories: {', '.join(categories)}"]
    notes += [f"left out, as it never repeats or never differs: {', '.join(left_out)}"] if left_out else []
    written["example.csv"] = as_csv([rows[evaluation[0]]], columns, label, positive)
    return Prepared(written, config, [*notes, chosen], f"--input {shlex.quote(str(Path(request.out) / 'example.csv'))}")


def positive_value(rows, label, source):
    """The value of the label that counts as 1.

    Raises:
        DataError: the label has other than two values, or neither of them says yes.
    """
    values = Counter(row[label] for row in rows)
    if len(values) != 2:
        few = ", ".join(list(values)[:6])
        raise DataError(f"error[D109] {source}: the label '{label}' has {len(values)} values ({few}); it needs two")
    positive = [value for value in values if value.lower() in POSITIVE]
    if len(positive) != 1:
        raise DataError(f"error[D109] {source}: the label '{label}' is {' or '.join(values)}; write 0 and 1")
    return positive[0]


def split_clicks(rows, given, label, request):
    """(training rows, evaluation rows, a line that says how): by the names of the files, else new splits."""
    train = [i for i, name in enumerate(given) if name == "train"]
    name = next((name for name in EVALUATION if name in given), None)
    if train and name and not request.group:
        evaluation = [i for i, other in enumerate(given) if other == name]
        return train, evaluation, f"the files' own splits: {len(train)} train, {len(evaluation)} {name}"
    if request.group and request.group not in rows[0]:
        raise DataError(f"error[D113] {request.source}: no column is named '{request.group}' (--group)")
    groups = [row[request.group] for row in rows] if request.group else None
    train, evaluation = split_samples([[row[label]] for row in rows], request.fraction, request.seed, groups)
    by = f"; equal values of {request.group} stay together" if request.group else ""
    return train, evaluation, f"split by label: {len(train)} train, {len(evaluation)} eval, seed {request.seed}{by}"


def split_of(name):
    """`train` or an evaluation split, from the name of a file; None if it is neither."""
    words = re.split(r"[^a-z]+", Path(name).stem.lower())
    return next((split for split in ("train", *EVALUATION) if split in words), None)


def kinds_of(names, rows, label):
    """(numbers, categories, columns left out) from the training rows."""
    numbers, categories, left_out = [], [], []
    for name in names:
        if name == label:
            continue
        values = [row[name] for row in rows]
        distinct = set(values)
        if len(distinct) < 2:
            left_out.append(name)
        elif all(is_number(value) for value in distinct) and not KEY.search(name.lower()):
            few = len(distinct) <= FEW and all(value.lstrip("-").isdecimal() for value in distinct if value)
            (categories if few else numbers).append(name)
        elif len(distinct) > 0.95 * len(values):
            left_out.append(name)
        else:
            categories.append(name)
    return numbers, categories, left_out


def is_number(value):
    """True for a finite number, or nothing."""
    try:
        return value == "" or abs(float(value)) < float("inf")
    except ValueError:
        return False


def as_csv(rows, columns, label, positive):
    """Rows as a CSV file with a header; the label becomes 0 or 1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([int(row[label] == positive), *(" ".join(row[name].split()) for name in columns[1:])])
    return text.getvalue()


def click_config(request, label, numbers, categories, num_ids, least, count):
    """The configuration of a small Wide & Deep model (list of lines), and a line about what was chosen."""
    batch = 32 if count < 2000 else 128 if count < 20000 else 512
    epochs = plan_epochs(count, batch, UPDATES, MOST_EPOCHS)
    root = Path(request.out).as_posix()
    hidden = "[32, 16]" if count < 20000 else "[128, 64]"
    buckets = max(4, min(32, count // 100)) if numbers else 0
    num_ids += len(numbers) * (buckets + 1)
    lines = frame_lines(request, "PaddleRec", f"Wide & Deep on the rows of {request.source}: linear beside layers.")
    lines += [
        f"numbers: {quote_all(numbers)}",
        f"categories: {quote_all(categories)}",
        f"num_ids: {num_ids}",
        "",
        "features:",
        "  type: TableFeatures",
        f"  file: {quote(f'{root}/{request.name}.features')}",
        '  numbers: "${numbers}"',
        '  categories: "${categories}"',
        "  scale: standard",
        '  num_ids: "${num_ids}"',
        f"  min_count: {least}",
        f"  buckets: {buckets}    # each number is a category too, by its quantile",
        "",
        "model:",
        "  type: WideDeep",
        f"  num_numbers: {len(numbers)}",
        f"  num_categories: {len(categories) + (len(numbers) if buckets else 0)}",
        '  num_ids: "${num_ids}"',
        "  width: 8",
        f"  hidden: {hidden}",
        "  dropout: 0.3",
        "",
        "data:",
    ]
    for split, extra in (("train", ["    shuffle: 100000"]), ("eval", [])):
        lines += [f"  {split}:", "    type: TableRows", f"    files: [{quote(f'{root}/{split}.csv')}]"]
        lines += [f"    label: {quote(label)}", *extra, '    transforms: ["${features}"]']
    lines += [
        "  metric: {type: ClickScores}",
        "",
        "optimizer:",
        "  type: DenseAndSparse",
        "  dense: {type: Adam, lr: 1e-3}",
        "  sparse: {type: Adagrad, lr: 1e-2}",
        "",
        f"train: {{epochs: {epochs}, batch_size: {min(batch, count)}, workers: 0}}",
    ]
    return lines, f"Wide & Deep, {num_ids} rows of embeddings from the training rows, {counted(epochs, 'epoch')}"
