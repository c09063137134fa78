"""Streaming speech recognition: raw samples from standard input, or a file in chunks.

    arecord -f S16_LE -r 16000 | python tools/stream.py --model output/deepspeech2_streaming/export_chunks
    python tools/stream.py --model output/deepspeech2_streaming/export_chunks speech.flac

Prints the partial text whenever it changes, as `... text`, and the final text at the end.
"""

import argparse
import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("path", nargs="?", default="-", help="a recording; - (the default) is standard input")
    options.add_argument("--model", metavar="DIR", required=True, help="an export of export_chunks.py")
    options.add_argument("--seconds", type=float, default=0.2, help="length of a chunk (default 0.2)")
    options.add_argument("--channels", type=positive_int, default=1, help="channels of standard input (default 1)")
    options.add_argument("--json", action="store_true", help="one JSON object a line: text, final")
    options.add_argument(
        "--threads", type=int, default=0, help="threads of the math library (default: chosen for the machine)"
    )
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), stream, argv)


def stream(args):
    """Recognizes a stream and prints the text."""
    if not 0 < args.seconds <= 3600:
        raise ConfigError(f"--seconds is {args.seconds}; allowed: more than 0, up to 3600")
    from common.audio.stream import audio_chunks
    from common.inference.predictor import Predictor
    from common.inference.speech_stream import SpeechStream

    recognizer = SpeechStream(Predictor(args.model, args.threads))
    if args.path == "-":
        chunks = read_chunks(args, recognizer.rate)
    else:
        chunks = audio_chunks(args.path, args.seconds, recognizer.rate, channel=recognizer.channel)
    before = ""
    for chunk in chunks:
        text = recognizer.feed(chunk)
        if text != before:
            show(text, False, args.json)
        before = text
    show(recognizer.finish(), True, args.json)
    return 0


def read_chunks(args, rate):
    """The samples of standard input, 16-bit little-endian, chunk by chunk as they arrive."""
    from common.audio.stream import decode_pcm16

    size = 2 * args.channels * max(1, round(args.seconds * rate))
    while data := sys.stdin.buffer.read(size):
        yield decode_pcm16(data, args.channels)


def show(text, final, as_json):
    """Prints one line."""
    line = json.dumps({"text": text, "final": final}, ensure_ascii=False) if as_json else text
    sys.stdout.write(f"{line if final or as_json else f'... {line}'}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
