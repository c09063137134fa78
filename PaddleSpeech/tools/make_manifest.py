"""Creates a manifest from transcripts with a line `ID TEXT` per recording: LibriSpeech, AISHELL, the `text` of Kaldi.

python tools/make_manifest.py LibriSpeech/train-clean-100 --out dataset/librispeech/train.jsonl
python tools/make_manifest.py data_aishell/wav/train --transcripts data_aishell/transcript/aishell_transcript_v0.8.txt
    --characters --out dataset/aishell/train.jsonl
"""

import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import DataError, DataIssue  # noqa: E402
from common.files import read_lines  # noqa: E402
from common.log import counted  # noqa: E402

write_audio_manifest = importlib.import_module(f"{KIT.name}.data.manifest_files").write_audio_manifest

SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_manifest.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("folder", type=pathlib.Path, help="folder of the recordings, such as ID.flac or ID.wav")
    options.add_argument(
        "--transcripts", nargs="+", type=pathlib.Path, metavar="FILE", help="default: every *.trans.txt in the folder"
    )
    options.add_argument("--out", type=pathlib.Path, required=True, metavar="FILE", help="the manifest, JSON lines")
    options.add_argument("--characters", action="store_true", help="remove the spaces of the texts, as for Mandarin")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the manifest."""
    recordings = find_recordings(args.folder)
    texts = read_transcripts(args.transcripts or sorted(args.folder.rglob("*.trans.txt")), args.characters)
    rows = [{"path": path, "text": texts[name]} for name, path in sorted(recordings.items()) if name in texts]
    if not rows:
        message = f"no recording has a transcript ({len(recordings)} recordings, {len(texts)} transcripts)"
        fix = "give the file of the transcripts with --transcripts; its lines begin with the names of the recordings"
        raise DataError(str(DataIssue("D104", "error", str(args.folder), message, fix=fix)))
    seconds = write_audio_manifest(args.out, rows)
    left_out = len(recordings) - len(rows)
    without = f"; left out: {counted(left_out, 'recording')} without a transcript" if left_out else ""
    sys.stdout.write(f"{args.out}: {counted(len(rows), 'recording')}, {seconds / 3600:.2f} hours{without}\n")


def find_recordings(folder):
    """{name without its suffix: path} of the recordings in a folder and its subfolders."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in found:
            message = f"two recordings have this name; the other is {found[path.stem]}"
            raise DataError(str(DataIssue("D113", "error", str(path), message)))
        found[path.stem] = path
    return found


def read_transcripts(files, characters=False):
    """{ID: text in lower case} of lines `ID TEXT`."""
    texts = {}
    for file in files:
        for number, line in enumerate(read_lines(file), 1):
            if not line.strip():
                continue
            name, *words = line.split()
            text = ("" if characters else " ").join(words).lower()
            if not text or texts.setdefault(name, text) != text:
                message = "another line has another text" if text else "no text"
                raise DataError(str(DataIssue("D118", "error", str(file), message, f"line {number}", line[:60])))
    return texts


if __name__ == "__main__":
    main()
