"""Scores synthesized speech by a speech recognizer of the hub: the word error rate of the texts that it reads back.

python ../tools/hub.py install whisper_tiny_en
python tools/read_back.py --model output/deepvoice3_words/export --list dataset/spoken_words/eval.csv

The texts are those of a list in the layout of LJ Speech; the rate of its recordings by the same recognizer is printed
beside it. Letters and apostrophes are compared, numbers as words.
"""

import argparse
import importlib
import pathlib
import re
import sys

import numpy as np

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.text.edits import levenshtein  # noqa: E402
from common.text.english import read_aloud  # noqa: E402

LJSpeech = importlib.import_module(f"{KIT.name}.data.ljspeech").LJSpeech


def parser():
    """The command-line parser."""
    options = Parser(prog="read_back.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True, metavar="DIR", help="exported model of speech synthesis")
    options.add_argument("--list", required=True, type=pathlib.Path, metavar="FILE", help="ID|TEXT|TEXT AS SPOKEN")
    options.add_argument("--wavs", default="wavs", help="folder of the recordings beside the list (default wavs)")
    options.add_argument("--recognizer", default="whisper_tiny_en", help="module of the hub (default whisper_tiny_en)")
    options.add_argument("--most", type=positive_int, metavar="N", help="the first N texts alone")
    options.add_argument("--show", action="store_true", help="print each text and what was read")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), read_back, argv)


def read_back(args):
    """Prints both error rates."""
    from common.hub.module import Module
    from common.inference.predictor import Predictor

    samples = LJSpeech(str(args.list.parent), metadata=args.list.name, wavs=args.wavs).samples[: args.most]
    recognizer = Module(args.recognizer)
    if recognizer.model.task.input != "audio":
        raise ConfigError(f"--recognizer {args.recognizer}: the module recognizes no speech")
    speaker = Predictor(args.model)
    if speaker.task.name != "SpeechSynthesis":
        raise ConfigError(f"--model {args.model}: the task is {speaker.task.name}, not SpeechSynthesis")
    edits, words = np.zeros(2, np.int64), 0
    for sample in samples:
        expected = words_of(sample["text"])
        read = [words_of(text_of(recognizer, given)) for given in (speech(speaker, sample), sample["path"])]
        edits += [levenshtein(one, expected) for one in read]
        words += len(expected)
        if args.show:
            sys.stdout.write(f"{' '.join(expected)}\t{' '.join(read[0])}\t{' '.join(read[1])}\n")
    for name, count in zip(("synthesized", "recordings"), edits.tolist()):
        sys.stdout.write(f"{name}: WER {count / max(1, words):.4f} ({count} errors in {words} words)\n")


def speech(model, sample):
    """(samples float32 [S], rate in Hz) of the text of a sample."""
    import base64

    from common.audio.reading import decode_audio
    from common.inference.run import predict_one

    given = {"path": sample["manifest"], "place": sample["place"], "name": sample["place"], "text_a": sample["text"]}
    records = predict_one(model, given)[1]
    return decode_audio(base64.b64decode(records[0]["wav"]))


def text_of(recognizer, recording):
    """The text that a module reads of a recording, a path or (samples, rate)."""
    return " ".join(record["text"] for record in recognizer.predict([recording])[0])


def words_of(text):
    """The words of a text that are compared (list[str])."""
    return re.sub(r"[^a-z' ]", " ", read_aloud(text)).split()


if __name__ == "__main__":
    main()
