"""The half of `text_encoders.py` that runs in torch: weights, answers and tokens of Hugging Face transformers."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast, ErnieConfig, ErnieModel


def encoders():
    """(name, model) on random weights, of the sizes of the base models."""
    shared = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "attn_implementation": "eager"}
    yield "bert", BertModel(BertConfig(**shared))
    small = {"vocab_size": 18000, "max_position_embeddings": 513, "hidden_act": "relu", "type_vocab_size": 2}
    yield "ernie", ErnieModel(ErnieConfig(**small, **shared))
    two = {"vocab_size": 30522, "type_vocab_size": 4, "task_type_vocab_size": 16, "use_task_id": True}
    yield "ernie2", ErnieModel(ErnieConfig(**two, **shared))


def main(folder):
    """Writes NAME.safetensors and NAME.npz for each encoder, and tokens.json."""
    torch.manual_seed(0)
    folder = Path(folder)
    rng = np.random.default_rng(0)
    for name, model in encoders():
        for parameter in model.parameters():  # as far from the first values as a trained model
            parameter.data.add_(torch.randn_like(parameter) * 0.02)
        model.eval()
        ids = rng.integers(1, model.config.vocab_size, (3, 48))
        types = rng.integers(0, 2, (3, 48))
        length = np.array([48, 17, 1])
        mask = np.arange(48) < length[:, None]
        with torch.no_grad():
            found = model(*(torch.tensor(x) for x in (ids, mask.astype("int64"), types)))
        sequence, pooled = found.last_hidden_state.numpy() * mask[:, :, None], found.pooler_output.numpy()
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / f"{name}.safetensors")
        np.savez(folder / f"{name}.npz", ids=ids, types=types, length=length, sequence=sequence, pooled=pooled)
        print(name, sum(p.numel() for p in model.parameters()), model.config.layer_norm_eps)
    lines = json.loads((folder / "lines.json").read_text(encoding="utf-8"))
    answers = {}
    for lower in (True, False):
        tokenizer = BertTokenizerFast(
            vocab_file=str(folder / "vocab.txt"), vocab=str(folder / "vocab.txt"), do_lower_case=lower
        )
        answers[str(lower)] = [tokenizer(line)["input_ids"] for line in lines]
    (folder / "tokens.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
