"""Preparation of a user's own recordings: a folder per word or phrase, its splits, vocabulary and configuration."""

import shlex
from collections import Counter
from pathlib import Path

from common.audio.reading import read_header
from common.data.preparation import Prepared, frame_lines, groups_by_path, length_text, plan_epochs, quote
from common.data.split import split_samples
from common.errors import DataError
from common.log import counted
from common.text.vocabulary import list_characters

from .manifest_files import manifest_line

FORMATS = {"words": "folders of recordings, named for what is spoken in them"}
AUDIO = (".wav", ".flac", ".ogg", ".mp3")
MOST_RATE = 16000
UPDATES, MOST_EPOCHS, BATCH = 1000, 60, 32


def recognize(folder, files):
    """The formats that a folder holds, format -> description."""
    found = word_folders(files)
    return {"words": f"{FORMATS['words']}, such as {next(iter(found))}/"} if len(found) > 1 else {}


def word_folders(files):
    """{folder: its recordings}; folders whose names begin with `_`, such as `_background_noise_`, are left out."""
    found = {}
    for name in files:
        parts = name.split("/")
        if name.lower().endswith(AUDIO) and len(parts) > 1 and not parts[-2].startswith("_"):
            found.setdefault(parts[-2], []).append(name)
    return dict(sorted(found.items()))


def spoken(folder):
    """The text of a folder: its name in lower case, with spaces for `_` and `-`."""
    return " ".join(folder.lower().replace("_", " ").replace("-", " ").split())


def prepare(kind, request, files):
    """The manifests, the vocabulary and the configuration of folders of recordings (Prepared)."""
    folders = word_folders(files)
    if len(folders) < 2:
        raise DataError(f"error[D117] {request.source}: needs a folder of recordings for each of two or more words")
    paths = [name for names in folders.values() for name in names]
    texts = [spoken(folder) for folder, names in folders.items() for _ in names]
    heads = [read_header(str(request.source / path)) for path in paths]
    groups = groups_by_path(paths, request.group)
    train, evaluation = split_samples([[text] for text in texts], request.fraction, request.seed, groups)
    written = {"vocab.txt": "".join(f"{character}\n" for character in list_characters(texts))}
    for split, rows in (("train", train), ("eval", evaluation)):
        lines = [manifest_line(request.source / paths[i], texts[i], heads[i].seconds, request.out) for i in rows]
        written[f"{split}.jsonl"] = "".join(lines)
    rate = min(MOST_RATE, Counter(head.rate for head in heads).most_common(1)[0][0])
    config, chosen = speech_config(request, rate, len(train))
    words = sorted(set(texts))
    by = f" by {len(set(groups))} groups" if request.group else ""
    notes = [
        f"{counted(len(paths), 'recording')}, {sum(head.seconds for head in heads) / 60:.1f} minutes; "
        f"{counted(len(words), 'text')}: {', '.join(words[:12])}",
        f"split by text{by}: {len(train)} train, {len(evaluation)} eval, seed {request.seed}",
        chosen,
    ]
    return Prepared(written, config, notes, f"--input {shlex.quote(str(request.source / paths[evaluation[0]]))}")


def speech_config(request, rate, count):
    """The configuration of a small Deep Speech 2 (list of lines), and a line about what was chosen."""
    batch = max(2, min(BATCH, count // 4))
    epochs = plan_epochs(count, batch, UPDATES, MOST_EPOCHS)
    warm_up = max(1, min(100, epochs * max(1, count // batch) // 10))
    root = Path(request.out).as_posix()
    lines = frame_lines(request, "PaddleSpeech", f"A small Deep Speech 2 for the recordings of {request.source}.")
    lines += [
        f"dataset: {quote(root)}",
        'vocab: "${dataset}/vocab.txt"',
        "num_features: 40",
        "beam_size: 0    # texts that a beam search keeps; 0 takes the best path",
        "lm: null        # a language model in ARPA format",
        "alpha: 0.5",
        "beta: 0.0",
        "",
        "model:",
        "  type: SpeechRecognizer",
        "  encoder:",
        "    type: DeepSpeech2Encoder",
        '    num_features: "${num_features}"',
        "    num_layers: 2",
        "    hidden_size: 128",
        "    channels: 16",
        "    time_stride: 2",
        "  head: {type: CTCHead}",
        "  loss: {type: CTCLoss}",
        "",
        "postprocess:",
        '  decoder: {type: BeamSearch, beam_size: "${beam_size}", lm: "${lm}", alpha: "${alpha}", beta: "${beta}"}',
        "",
        "data:",
    ]
    for split in ("train", "eval"):
        augment = split == "train"
        lines += [f"  {split}:", "    type: AudioManifest", f'    file: "${{dataset}}/{split}.jsonl"']
        lines += ['    vocab: "${vocab}"', "    transforms:", f"      - {{type: DecodeAudio, rate: {rate}}}"]
        if augment:
            lines += ["      - {type: ChangeSpeed, speeds: [0.8, 0.9, 1.0, 1.1, 1.25]}"]
            lines += ["      - {type: ChangeVolume}", "      - {type: AddWhiteNoise}"]
        lines += ['      - {type: FilterBank, num_bins: "${num_features}"}', "      - {type: NormalizeUtterance}"]
        lines += ["      - {type: SpecAugment, frequency_width: 8, time_width: 8}"] if augment else []
        stride = ", stride: 2" if augment else ""
        lines += [f'      - {{type: CharacterIds, vocab: "${{vocab}}"{stride}}}', "      - {type: PadSpeech}"]
        lines += ["    sampler: {type: DurationSampler}"] if augment else []
    lines += [
        "  metric: {type: ErrorRates}",
        "",
        "optimizer:",
        "  type: Adam",
        "  clip_norm: 10",
        f"  lr: {{type: CosineDecay, base: 2e-3, warmup_steps: {warm_up}}}",
        "",
        f"train: {{epochs: {epochs}, batch_size: {batch}, workers: 0}}",
        "eval: {batch_size: 50}",
    ]
    return lines, f"Deep Speech 2 on characters at {rate} Hz, {length_text(epochs, count, batch)}"
