"""The rows of `generation.py` that run in torch and CTranslate2 with our weights; started by it, prints one line."""

import argparse
import json
import tempfile
from pathlib import Path

import generation
import numpy as np
import torch
import transformers

PARTS = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
PAD = 1


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", choices=generation.PEERS, required=True)
    parser.add_argument("--folder", required=True)
    for name in ("beams", "texts", "tokens", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    ours = dict(np.load(Path(args.folder) / "ours.npz"))
    model = network(ours, generation.SIZE, generation.VOCABULARY)
    ids = generation.inputs(args.texts)[0]
    with torch.inference_mode():
        tensor = torch.tensor(ids)
        logits = model(input_ids=tensor, decoder_input_ids=tensor).logits.numpy()
    difference = float(np.abs(logits - ours["taught"]).max() / np.abs(logits).max())
    run = (searched if args.child == "transformers" else translated)(model, ids, args)
    print(json.dumps(generation.measured(run, args.steps) | {"difference": difference}))


def network(ours, size, vocabulary):
    """M2M100 with our weights: pre-norm, biases of 0 in its attention, our table of positions."""
    config = transformers.M2M100Config(
        vocab_size=vocabulary, d_model=size["hidden_size"], activation_function="relu", scale_embedding=True,
        encoder_layers=size["layers"], decoder_layers=size["layers"], encoder_attention_heads=size["heads"],
        decoder_attention_heads=size["heads"], encoder_ffn_dim=size["inner_size"], decoder_ffn_dim=size["inner_size"],
        max_position_embeddings=len(ours["positions"]), bos_token_id=generation.START, eos_token_id=generation.END,
        pad_token_id=PAD, decoder_start_token_id=generation.START, attn_implementation="eager",
    )  # fmt: skip
    model = transformers.M2M100ForConditionalGeneration(config)
    arrays = {"model.shared.weight": ours["embedding.weight"]}
    for side in ("encoder", "decoder"):
        arrays |= both(f"model.{side}.layer_norm", ours, f"{side}_norm", turned=False)
        for number in range(size["layers"]):
            mine, theirs = f"{side}.{number}", f"model.{side}.layers.{number}"
            arrays |= both(f"{theirs}.self_attn_layer_norm", ours, f"{mine}.self_norm", turned=False)
            arrays |= both(f"{theirs}.final_layer_norm", ours, f"{mine}.norm", turned=False)
            arrays |= both(f"{theirs}.fc1", ours, f"{mine}.wide") | both(f"{theirs}.fc2", ours, f"{mine}.narrow")
            kinds = {"self": "self_attn"} | ({"cross": "encoder_attn"} if side == "decoder" else {})
            for kind, name in kinds.items():
                if kind == "cross":
                    arrays |= both(f"{theirs}.encoder_attn_layer_norm", ours, f"{mine}.cross_norm", turned=False)
                for part, other in PARTS.items():
                    weight = ours[f"{mine}.{kind}_attention.{part}.weight"].T
                    arrays[f"{theirs}.{name}.{other}.weight"] = weight
                    arrays[f"{theirs}.{name}.{other}.bias"] = np.zeros(len(weight), np.float32)
    missing, unexpected = model.load_state_dict(
        {name: torch.tensor(np.ascontiguousarray(array)) for name, array in arrays.items()}, strict=False
    )
    tied = ("lm_head.weight", "embed_tokens.weight")
    assert not unexpected and all(name.endswith(tied) for name in missing), (missing, unexpected)
    model.tie_weights()
    for side in (model.model.encoder, model.model.decoder):
        side.embed_positions.weights[side.embed_positions.offset :][: len(ours["positions"])] = torch.tensor(
            ours["positions"]
        )
    return model.eval()


def both(name, ours, mine, turned=True):
    """Weight and bias of a layer, under its name there."""
    weight = ours[f"{mine}.weight"]
    return {f"{name}.weight": weight.T if turned else weight, f"{name}.bias": ours[f"{mine}.bias"]}


def searched(model, ids, args):
    """A function that runs the search of transformers once."""
    given = {"input_ids": torch.tensor(ids), "attention_mask": torch.ones(ids.shape, dtype=torch.int64)}
    options = {"max_new_tokens": args.tokens, "min_new_tokens": args.tokens, "num_beams": args.beams}

    def run():
        with torch.inference_mode():
            found = model.generate(**given, **options, do_sample=False, length_penalty=0.0, early_stopping=True)
        return found[:, None, 1:].numpy()

    return run


def translated(model, ids, args):
    """A function that runs CTranslate2 once."""
    import ctranslate2
    from ctranslate2.converters.transformers import M2M100Loader

    spec = M2M100Loader().get_model_spec(model)
    names = [str(number) for number in range(generation.VOCABULARY)]
    special = {generation.START: "<s>", PAD: "<pad>", generation.END: "</s>"}
    names = [special.get(number, name) for number, name in enumerate(names)]
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.config.decoder_start_token, spec.config.add_source_eos = "<s>", False
    spec.validate()
    folder = tempfile.mkdtemp(dir=args.folder)
    spec.save(folder)
    translator = ctranslate2.Translator(folder, inter_threads=1, intra_threads=1, compute_type="float32")
    numbers = {name: number for number, name in enumerate(names)}
    texts = [[names[number] for number in row] for row in ids]

    def run():
        found = translator.translate_batch(
            texts, beam_size=args.beams, min_decoding_length=args.tokens, max_decoding_length=args.tokens,
            length_penalty=0.0, max_batch_size=0, return_end_token=True,
        )  # fmt: skip
        return [[[numbers[token] for token in one.hypotheses[0]]] for one in found]

    return run


if __name__ == "__main__":
    main()
