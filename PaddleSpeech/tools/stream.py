"""Writes down sound while it is being spoken: raw samples from standard input, or a file in pieces.

    arecord -f S16_LE -r 16000 | python tools/stream.py --model output/deepspeech2_streaming/export_chunks
    python tools/stream.py --model output/deepspeech2_streaming/export_chunks speech.flac

Prints the text so far whenever it changes, as `... text`, and at the end the whole text.
"""

import argparse
import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402


def parser():
    """The options of the command."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("path", nargs="?", default="-", help="a recording; - (the default) is standard input")
    options.add_argument("--model", metavar="DIR", required=True, help="what export_chunks.py wrote")
    options.add_argument("--seconds", type=float, default=0.2, help="length of a piece (default 0.2)")
    options.add_argument("--channels", type=int, default=1, help="of standard input (default 1)")
    options.add_argument("--json", action="store_true", help="one JSON object a line: text, final")
    options.add_argument("--threads", type=int, default=0, help="of the math library (default: for the machine)")
    return options


def main(argv=None):
    """Runs the command; ends the process."""
    run(parser(), stream, argv)


def stream(args):
    """What the command does."""
    if not 0 < args.seconds <= 3600 or args.channels < 1 or args.threads < 0:
        given = f"--seconds is {args.seconds}, --channels {args.channels}, --threads {args.threads}"
        raise ConfigError(f"{given}; allowed: up to 3600, 1 or more, 0 or more")
    from common.audio.stream import sound_chunks
    from common.inference.predictor import Predictor
    from common.inference.speech_stream import SpeechStream

    heard = SpeechStream(Predictor(args.model, args.threads))
    if args.path == "-":
        pieces = spoken(args, heard.rate)
    else:
        pieces = sound_chunks(args.path, args.seconds, heard.rate, channel=heard.channel)
    before = ""
    for piece in pieces:
        text = heard.feed(piece)
        if text != before:
            show(text, False, args.json)
        before = text
    show(heard.finish(), True, args.json)
    return 0


def spoken(args, rate):
    """Pieces of the samples of standard input, 16 bits, little-endian, as they come."""
    from common.audio.stream import microphone_chunk

    size = 2 * args.channels * max(1, round(args.seconds * rate))
    while data := sys.stdin.buffer.read(size):
        yield microphone_chunk(data, args.channels)


def show(text, final, as_json):
    """One line of standard output."""
    line = json.dumps({"text": text, "final": final}, ensure_ascii=False) if as_json else text
    sys.stdout.write(f"{line if final or as_json else f'... {line}'}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
