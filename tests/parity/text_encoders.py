"""BERT, ERNIE 1.0 and 2.0 with the weights of Hugging Face transformers, and its tokens of 2,000 mixed lines.

python tests/parity/text_encoders.py       (KIT_TORCH_PYTHON names a Python that has torch and transformers)

Weights are random, of the base models' sizes; both halves run in processes of their own. Exits with 1 where an answer
differs by more than 1e-4 or a line is cut otherwise.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from common.system import runtime  # noqa: E402

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from common.text.wordpiece import WordPiece  # noqa: E402
from common.weights import pretrained  # noqa: E402
from common.weights.safetensors import decode_arrays  # noqa: E402
from PaddleNLP.models.assemblies.text_classifier import TextClassifier  # noqa: E402
from PaddleNLP.models.encoders import transformer  # noqa: E402
from PaddleNLP.models.heads.text_class_head import TextClassHead  # noqa: E402

MAKERS = {"bert": transformer.BERT, "ernie": transformer.ERNIE, "ernie2": transformer.ERNIE2}
TOLERANCE, LINES = 1e-4, 2000
# ruff: noqa: RUF001
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz", "ABCDEFGÄÖÜéèñçß", "0123456789", "，。！？、；：（）", ".,!?;:()[]{}'\"-_/@#$%",
    "百度是一家高科技公司我们今天去北京大学读书春花秋月何时了", "ひらがなカタカナ한국어", "שלוםمرحبا",
    "😀🎉👍🏽👨\u200d👩\u200d👧",
    "\x00\x01\x07\x1b\x7f\ufffd\u200b\u200d\ufeff\u00ad", "    \t\u00a0\u3000", "\u0301\u0308",
)  # fmt: skip


def mixed_lines(count):
    """Lines of words of all scripts, marks, emoji, control characters and blanks."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(count):
        pieces = []
        for _ in range(rng.integers(1, 12)):
            letters = list(ALPHABETS[rng.integers(len(ALPHABETS))])
            pieces.append("".join(rng.choice(letters, rng.integers(1, 9))) + " " * int(rng.random() < 0.6))
        lines.append("".join(pieces))
    return lines


def vocabulary(lines):
    """Special pieces, most characters, alone and as a word's later part, and frequent beginnings of words."""
    letters = sorted({c for line in lines for c in line.lower() + line if not c.isspace()})[::-1]
    kept = [c for k, c in enumerate(letters) if k % 9]
    starts = sorted({word[:3].lower() for line in lines for word in line.split() if len(word) > 3 and word.isalpha()})
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys([*kept, *starts, *(f"##{c}" for c in kept)])]


def compare_encoder(name, folder):
    """The largest difference of features and summary, over the largest value."""
    case = np.load(folder / f"{name}.npz")
    encoder = MAKERS[name](dropout=0.0, epsilon=1e-12)
    model = TextClassifier(encoder, TextClassHead(768, 2))
    arrays = decode_arrays((folder / f"{name}.safetensors").read_bytes())
    arrays = {k: v for k, v in arrays.items() if not k.endswith(("position_ids", "token_type_ids"))}
    report = pretrained.load_arrays(model, arrays, name, strict=False)
    if report.unexpected or {n.split(".")[0] for n in report.missing} - {"head"}:
        raise SystemExit(f"{name}: {report.lines()}")
    model.eval()
    with paddle.no_grad():
        inputs = [paddle.to_tensor(case[key]) for key in ("ids", "types", "length")]
        sequence = encoder(*inputs)
        summary = encoder.summary(sequence, inputs[2]).numpy()
    mask = np.arange(sequence.shape[1]) < case["length"][:, None]
    found = [(sequence.numpy() * mask[:, :, None], case["sequence"]), (summary, case["pooled"])]
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in found)


def main():
    """Runs the other half, then compares; returns the exit code."""
    python = os.environ.get("KIT_TORCH_PYTHON") or str(ROOT / ".venv-torch/bin/python")
    if not Path(python).is_file():
        sys.stdout.write("no torch: .venv-torch/bin/pip install torch transformers, or KIT_TORCH_PYTHON\n")
        return 4
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lines = mixed_lines(LINES)
        (folder / "lines.json").write_text(json.dumps(lines), encoding="utf-8")
        (folder / "vocab.txt").write_text("\n".join(vocabulary(lines)) + "\n", encoding="utf-8")
        subprocess.run([python, str(Path(__file__).with_name("transformers_child.py")), place], check=True)
        differences = {name: compare_encoder(name, folder) for name in MAKERS}
        for name, value in differences.items():
            sys.stdout.write(f"{name}: largest difference {value:.1e} of the largest value\n")
        wrong = 0
        for lower, answers in json.loads((folder / "tokens.json").read_text()).items():
            transform = WordPiece(str(folder / "vocab.txt"), lowercase=lower == "True", max_length=512)
            for line, right in zip(lines, answers, strict=True):
                wrong += transform({"text_a": line}, None)["input_ids"].tolist() != right
        sys.stdout.write(f"tokens: {wrong} of {2 * LINES} lines differ\n")
    return int(wrong > 0 or max(differences.values()) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
