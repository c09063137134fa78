"""Writes the logits of Hugging Face's M2M100, the same network as TranslationTransformer, for small random weights.

python tests/parity/translation.py PaddleNLP/tests/golden/translation_transformer.npz
(of an environment with torch and transformers; PaddleNLP/tests/test_sequence_to_sequence.py reads the file)
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch_generation  # noqa: E402

SIZE = {"hidden_size": 8, "inner_size": 12, "layers": 2, "heads": 2}
VOCABULARY, POSITIONS = 11, 9


def weights(rng):
    """Random weights under our names (dict of float32 arrays)."""
    size, inner = SIZE["hidden_size"], SIZE["inner_size"]
    shapes = {"embedding.weight": (VOCABULARY, size)}
    for side in ("encoder", "decoder"):
        norms = [f"{side}_norm"]
        for number in range(SIZE["layers"]):
            block = f"{side}.{number}"
            norms += [f"{block}.self_norm", f"{block}.norm", *([f"{block}.cross_norm"] if side == "decoder" else [])]
            shapes |= {f"{block}.wide.weight": (size, inner), f"{block}.wide.bias": (inner,)}
            shapes |= {f"{block}.narrow.weight": (inner, size), f"{block}.narrow.bias": (size,)}
            for kind in ("self", *(["cross"] if side == "decoder" else [])):
                shapes |= {f"{block}.{kind}_attention.{part}.weight": (size, size) for part in torch_generation.PARTS}
        shapes |= {f"{norm}.{part}": (size,) for norm in norms for part in ("weight", "bias")}
    return {name: (0.5 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def sinusoids(length, channels):
    """Sines in the first half of the channels and cosines in the second, as M2M100 and tensor2tensor have them."""
    half = channels // 2
    angles = np.arange(length)[:, None] * np.exp(-np.log(10000.0) * np.arange(half) / (half - 1))
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)


def main(path):
    """Writes weights, inputs and logits."""
    rng = np.random.default_rng(0)
    ours = weights(rng)
    model = torch_generation.network(ours | {"positions": sinusoids(POSITIONS, SIZE["hidden_size"])}, SIZE, VOCABULARY)
    given = {"input_ids": rng.integers(3, VOCABULARY, (3, 6)), "written": rng.integers(3, VOCABULARY, (3, 5))}
    length = np.array([6, 3, 1])
    mask = torch.tensor((np.arange(6) < length[:, None]).astype("int64"))
    tensors = {name: torch.tensor(value) for name, value in given.items()}
    with torch.inference_mode():
        found = model(input_ids=tensors["input_ids"], attention_mask=mask, decoder_input_ids=tensors["written"])
    np.savez_compressed(path, logits=found.logits.numpy(), length=length, **given, **ours)


if __name__ == "__main__":
    main(sys.argv[1])
