"""Scores synthesized speech: is it nearest to the recording of its text, and what does a recognizer read?

python tools/read_back.py --model output/deepvoice3_words/export --list dataset/spoken_words/eval.csv
python ../tools/hub.py install whisper_tiny_en
python tools/read_back.py --model output/mine/export --list mine/metadata.csv --recognizer whisper_tiny_en

The texts are those of a list in the layout of LJ Speech. Each sound is compared with all recordings of the list by
dynamic time warping of their mel spectrograms. With --recognizer, a module of the hub, the word error rate is printed,
and that of the recordings beside it; letters and apostrophes are compared, numbers as words.
"""

import argparse
import base64
import importlib
import pathlib
import re
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(prog="read_back.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True, metavar="DIR", help="exported model of speech synthesis")
    options.add_argument("--list", required=True, type=pathlib.Path, metavar="FILE", help="ID|TEXT|TEXT AS SPOKEN")
    options.add_argument("--wavs", default="wavs", help="folder of the recordings beside the list (default wavs)")
    options.add_argument("--recognizer", metavar="NAME", help="module of the hub, such as whisper_tiny_en")
    options.add_argument("--most", type=positive_int, metavar="N", help="the first N texts alone")
    options.add_argument("--show", action="store_true", help="print each text and what was read")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), read_back, argv)


def read_back(args):
    """Prints the scores."""
    from common.hub.module import Module
    from common.inference.predictor import Predictor

    reader = importlib.import_module(f"{KIT.name}.data.ljspeech").LJSpeech
    samples = reader(str(args.list.parent), metadata=args.list.name, wavs=args.wavs).samples[: args.most]
    recognizer = Module(args.recognizer) if args.recognizer else None
    if recognizer and recognizer.model.task.input != "audio":
        raise ConfigError(f"--recognizer {args.recognizer}: the module recognizes no speech")
    speaker = Predictor(args.model)
    if speaker.task.name != "SpeechSynthesis":
        raise ConfigError(f"--model {args.model}: the task is {speaker.task.name}, not SpeechSynthesis")
    sounds = [speech(speaker, sample) for sample in samples]
    print_nearest(args, samples, sounds)
    if recognizer:
        print_error_rates(args, samples, sounds, recognizer)


def print_nearest(args, samples, sounds):
    """Prints the share of sounds whose nearest recording is that of their text; sounds are (samples, rate in Hz)."""
    from common.audio.reading import decode_audio, resample

    warped_distances = importlib.import_module(f"{KIT.name}.metrics.warping").warped_distances
    rate = sounds[0][1]
    recordings = [mel_levels(resample(*decode_audio(sample["path"]), rate), rate) for sample in samples]
    right = 0
    for number, ((audio, _), sample) in enumerate(zip(sounds, samples)):
        best = samples[int(warped_distances(mel_levels(audio, rate), recordings).argmin())]["text"]
        right += best == sample["text"]
        if args.show:
            sys.stdout.write(f"{number + 1}\t{sample['text']}\tnearest to\t{best}\n")
    sys.stdout.write(
        f"nearest to the recording of the text: {right / len(samples):.4f} ({right} of {len(samples)}; by chance "
        f"{1 / len(samples):.4f})\n"
    )


def mel_levels(audio, rate):
    """Mel levels float32 [T, 40] of samples, a frame each 40 ms, without silence at both ends."""
    from common.audio.speech_spectra import SpeechSpectra

    size = 2 * (rate // 40)
    transform = SpeechSpectra(40, size, size // 4, max_freq=min(7600, 0.475 * rate), trim=True)
    return transform({"audio": audio, "rate": rate}, None)["mel"][::3]


def print_error_rates(args, samples, sounds, recognizer):
    """Prints the word error rates of sounds and of recordings by a module of the hub."""
    from common.text.edits import levenshtein

    edits, words = [0, 0], 0
    for sample, sound in zip(samples, sounds):
        expected = words_of(sample["text"])
        read = [words_of(text_of(recognizer, given)) for given in (sound, sample["path"])]
        edits = [count + levenshtein(one, expected) for count, one in zip(edits, read)]
        words += len(expected)
        if args.show:
            sys.stdout.write(f"{' '.join(expected)}\t{' '.join(read[0])}\t{' '.join(read[1])}\n")
    for name, count in zip(("synthesized", "recordings"), edits):
        sys.stdout.write(f"{name}: WER {count / max(1, words):.4f} ({count} errors in {words} words)\n")


def speech(model, sample):
    """(samples float32 [S], rate in Hz) of the text of a sample."""
    from common.audio.reading import decode_audio
    from common.inference.run import predict_one

    given = {"path": sample["manifest"], "place": sample["place"], "name": sample["place"], "text_a": sample["text"]}
    records = predict_one(model, given)[1]
    return decode_audio(base64.b64decode(records[0]["wav"]), "the speech")


def text_of(recognizer, recording):
    """The text that a module reads of a recording, a path or (samples, rate)."""
    return " ".join(record["text"] for record in recognizer.predict([recording])[0])


def words_of(text):
    """The words of a text that are compared (list[str])."""
    from common.text.english import read_aloud

    return re.sub(r"[^a-z' ]", " ", read_aloud(text)).split()


if __name__ == "__main__":
    main()
