"""Preparation of a user's own texts: a table with a text and a label, its splits, vocabulary and configuration."""

import re
from collections import Counter
from pathlib import Path

from common.data.preparation import EVALUATION, Prepared, frame_lines, plan_epochs, quote, quote_all
from common.data.split import split_samples
from common.errors import DataError
from common.files import replace_controls
from common.log import counted
from common.table.own_tables import choose_column, read_table, tables_in
from common.text.sources import COLUMNS
from common.text.vocabulary import frequent_tokens

FORMATS = {"texts": "CSV, TSV or JSON lines with a text and a label"}
TEXTS = ("text_a", "text", "sentence", "review", "title", "content", "comment", "message", "headline", "body", "query")
LABELS = ("label", "class", "category", "sentiment", "target", "topic", "intent", "stars", "rating", "y")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
UPDATES, MOST_EPOCHS = 1500, 30
LONG = 12  # characters of a text on average
NGRAM_SCORES = 2_500_000  # of the linear part, rows times classes


def recognize(folder, files):
    """The formats that a folder holds, format -> description."""
    found = [
        name for name in tables_in(files)[:20] if text_columns(*read_table(folder / name, most=200), folder / name)
    ]
    return {"texts": f"{FORMATS['texts']}, such as {found[0]}"} if found else {}


def text_columns(names, rows, file, text="", label=""):
    """(text column, label column) of a table; None if it has no text beside a label.

    Args:
        names (list[str]): the columns.
        rows (list[dict]): some rows.
        file (Path): for messages.
        text (str): the column of the text, as given by the user.
        label (str): the column of the label, as given by the user.
    """
    text = choose_column(names, text, TEXTS, file, "--text")
    label = choose_column(names, label, LABELS, file, "--label")
    if not rows:
        return None
    values = {name: [row[name] for row in rows] for name in names}
    if text is None:
        wide = [n for n in names if n != label and sum(map(len, values[n])) >= LONG * len(rows) and is_prose(values[n])]
        text = wide[0] if len(wide) == 1 else None
    if label is None and text is not None:
        rest = [n for n in names if n != text and 1 < len(set(values[n])) <= max(2, len(rows) // 3)]
        label = rest[0] if len(rest) == 1 else None
    if text is None or label is None or text == label:
        return None
    return (text, label) if sum(map(len, values[text])) >= 2 * len(rows) else None


def is_prose(values):
    """True for texts of several words, or of Chinese, Japanese or Korean characters, and mostly different ones."""
    words = sum(" " in value or bool(CJK.search(value)) for value in values)
    return 2 * words > len(values) and 2 * len(set(values)) > len(values)


def prepare(kind, request, files):
    """The splits, the vocabulary and the configuration of a table of texts (Prepared)."""
    rows, given, names, own = [], [], [], None
    for name in tables_in(files):
        file = request.source / name
        header, found = read_table(file)
        columns = text_columns(header, found, file, request.text, request.label)
        if columns is None:
            if request.text or request.label:
                raise DataError(
                    f"error[D113] {file}: name both columns: --text NAME --label NAME; it has {', '.join(header)}"
                )
            continue
        names.append(name)
        own = columns[0] if columns[0] not in COLUMNS else own
        rows += [clean_row(row, *columns, request.group, file, number) for number, row in enumerate(found, 2)]
        given += [split_of_name(name)] * len(found)
    if not rows:
        raise DataError(f"error[D104] {request.source}: no table has a column of texts and one of labels")
    rows, given, dropped = drop_empty(rows, given)
    train, evaluation, how = split_rows_of(rows, given, request)
    texts = [rows[i]["text"] for i in train]
    by_character = 4 * sum(len(CJK.findall(text)) for text in texts) > sum(map(len, texts))
    tokens = build_vocabulary(texts, by_character)
    labels = sorted(
        {row["label"] for row in rows}, key=lambda n: (not n.isdecimal(), int(n) if n.isdecimal() else 0, n)
    )
    missing = sorted(set(labels) - {rows[i]["label"] for i in train})
    if missing:
        raise DataError(f"error[D117] {request.source}: no training text has the label {', '.join(missing[:5])}")
    if len(labels) < 2:
        raise DataError(
            f"error[D117] {request.source}: every text has the label {labels[0]!r}: there is nothing to learn"
        )
    written = {f"{split}.tsv": as_tsv([rows[i] for i in k]) for split, k in (("train", train), ("eval", evaluation))}
    written["vocab.txt"] = "".join(f"{token}\n" for token in tokens)
    lengths = sorted(len(text if by_character else text.split()) for text in texts)
    config, chosen = text_config(request, labels, len(tokens), by_character, lengths)
    config += [f"postprocess: {{column: {quote(own)}}}    # of texts, in tables to predict"] if own else []
    counts = Counter(row["label"] for row in rows)
    about = ", ".join(f"{label} {counts[label]}" for label in labels[:12])
    notes = [
        f"{counted(len(rows), 'text')} of {', '.join(names)}; {counted(len(labels), 'class')}: {about}",
        how,
        chosen,
    ]
    if dropped:
        notes.insert(1, f"left out: {counted(dropped, 'row')} without a text or a label")
    return Prepared(written, config, notes, f"--text {quote_for_shell(rows[evaluation[0]]['text'])}")


def clean_row(row, text, label, group, file, number):
    """{text, label, group} of a row, without tabs and line breaks."""
    if group and group not in row:
        raise DataError(f"error[D113] {file}: no column is named '{group}' (--group); it has {', '.join(row)}")
    words = " ".join(replace_controls(row[text])[0].split())
    return {"text": words, "label": " ".join(row[label].split()), "group": row[group] if group else words.lower()}


def drop_empty(rows, given):
    """The rows with a text and a label, their splits, and the number of the others."""
    kept = [i for i, row in enumerate(rows) if row["text"] and row["label"]]
    return [rows[i] for i in kept], [given[i] for i in kept], len(rows) - len(kept)


def split_rows_of(rows, given, request):
    """(training rows, evaluation rows, a line that says how): by the names of the files, else new splits."""
    train = [i for i, name in enumerate(given) if name == "train"]
    name = next((name for name in EVALUATION if name in given), None)
    if train and name and not request.group:
        evaluation = [i for i, other in enumerate(given) if other == name]
        return train, evaluation, f"the files' own splits: {len(train)} train, {len(evaluation)} {name}"
    groups = [row["group"] for row in rows]
    train, evaluation = split_samples([[row["label"]] for row in rows], request.fraction, request.seed, groups)
    same = f"; equal {request.group or 'texts'} stay together" if len(set(groups)) < len(rows) else ""
    return train, evaluation, f"split by class: {len(train)} train, {len(evaluation)} eval, seed {request.seed}{same}"


def split_of_name(name):
    """`train` or an evaluation split, from the name of a file; None if it is neither."""
    words = re.split(r"[^a-z]+", Path(name).stem.lower())
    return next((split for split in ("train", *EVALUATION) if split in words), None)


def build_vocabulary(texts, by_character):
    """The tokens that occur twice in the training texts, lowercase, after the padding and the unknown token."""
    tokens = (token for text in texts for token in (text.lower() if by_character else text.lower().split()))
    return ["[PAD]", "[UNK]", *(token for token in frequent_tokens(tokens, 2) if token not in ("[PAD]", "[UNK]"))]


def text_config(request, labels, vocab_size, by_character, lengths):
    """The configuration of a small text classifier (list of lines), and a line about what was chosen."""
    count = len(lengths)
    longest = max(8, min(512, lengths[int(0.98 * (count - 1))]))
    batch = 16 if count < 1000 else 32
    epochs = plan_epochs(count, batch, UPDATES, MOST_EPOCHS)
    steps = epochs * max(1, count // batch)
    unit = "characters" if by_character else "words"
    root = Path(request.out).as_posix()
    rows = 1 << min(17, int(NGRAM_SCORES // len(labels)).bit_length() - 1)
    transforms = [
        "    transforms:",
        f'      - {{type: HashedNgrams, rows: "${{ngrams}}", characters: {"[1, 4]" if by_character else "[2, 5]"}}}',
        f"      - {{type: {'SplitCharacters' if by_character else 'SplitWords'}}}",
        '      - {type: TokenIds, vocab: "${vocab}", lowercase: true, max_length: "${max_length}"}',
        "      - {type: PadText}",
    ]
    lines = frame_lines(request, "PaddleNLP", f"TextCNN and n-grams on the {unit} of the texts of {request.source}.")
    lines += [f"root: {quote(root)}", f"vocab: {quote(f'{root}/vocab.txt')}", f"max_length: {longest}"]
    lines += [f"ngrams: {rows}    # rows of the table of n-grams", f"labels: {quote_all(labels)}", ""]
    lines += [
        "model:",
        "  type: WideTextClassifier",
        f"  encoder: {{type: TextCNN, vocab_size: {vocab_size}, embedding_size: 64, filters: 64}}",
        "  head: {type: TextClassHead, hidden: [], dropout: 0.5, label_smoothing: 0.1}",
        '  ngrams: "${ngrams}"',
        "",
        "data:",
    ]
    for split in ("train", "eval"):
        lines += [f"  {split}:", "    type: LabeledTexts", '    root: "${root}"', f"    file: {split}.tsv"]
        lines += ['    labels: "${labels}"', *transforms]
        lines += ["    sampler: {type: LengthSampler}"] if split == "train" and count >= 40 * batch else []
    every = max(1, epochs // 10)
    lines += [
        "  metric: {type: TextAccuracy}",
        "",
        "optimizer:",
        "  type: Adam",
        '  groups: [{match: "wide.*", lr_scale: 10}]',
        f"  lr: {{type: CosineDecay, base: 1e-3, warmup_steps: {max(1, min(100, steps // 20))}}}",
        "",
        f"train: {{epochs: {epochs}, batch_size: {min(batch, count)}, workers: 0, eval_every: {every}, "
        f"save_every: {every}, ema: 0.99}}",
        "eval: {batch_size: 64}",
    ]
    chosen = f"TextCNN on {unit} and n-grams, vocabulary of {vocab_size} from the training texts"
    return lines, f"{chosen}, {counted(epochs, 'epoch')}"


def as_tsv(rows):
    """The rows as a TSV file with a header."""
    return "text_a\tlabel\n" + "".join(f"{row['text']}\t{row['label']}\n" for row in rows)


def quote_for_shell(text):
    """The beginning of a text in single quotes for a shell."""
    return "'" + text[:60].replace("'", "") + "'"
