"""Pretrained encoders of other libraries, a folder with `vocab.txt` and weights, as modules to fine-tune.

The sizes of the network are read from the arrays; the number of heads and the activation from a JSON file beside them,
such as `config.json`, or else they are those of the published models.
"""

import re
from pathlib import Path

from common.errors import ConfigError
from common.files import parse_json
from common.log import logger

KIT = "PaddleNLP"
VOCABULARY = "vocab.txt"
SUFFIXES = (".safetensors", ".pdparams")
SETTINGS = ("config.json", "ernie_config.json", "bert_config.json", "model_config.json")
HEAD_SIZE = 64  # of the published models
ARRAYS = {  # what an array is -> the names that it has
    "vocab_size": r"(word_embeddings?(\.weight)?|encoder\.embedding\.weight)$",
    "max_positions": r"(pos_embedding|position_embeddings(\.weight)?|encoder\.positions\.weight)$",
    "segments_known": r"(sent_embedding|token_type_embeddings(\.weight)?|segment_embedding\.weight)$",
    "tasks": r"(task_embedding|task_type_embeddings)(\.weight)?$",
}
LAYER = re.compile(r"layers?[._](\d+)[._]")


def is_encoder_folder(folder):
    """True for a folder with a vocabulary and a file of weights, which is no run and no checkpoint of ours."""
    return (folder / VOCABULARY).is_file() and not (folder / "config.yml").is_file() and weight_file(folder) is not None


def weight_file(folder):
    """The file of weights in a folder (Path); None without one.

    Raises:
        ConfigError: there are several.
    """
    found = sorted(path for path in Path(folder).iterdir() if path.suffix in SUFFIXES)
    if len(found) > 1:
        raise ConfigError(
            f"{folder}: has several files of weights, {', '.join(path.name for path in found)}; leave one"
        )
    return found[0] if found else None


def encoder_node(arrays, settings, source):
    """The node of an encoder in a configuration (dict), such as `{type: ERNIE, hidden_size: 768, ...}`.

    Args:
        arrays (dict[str, ndarray]): by the names of any library.
        settings (dict): of its JSON file; may be empty.
        source (Path): for messages.

    Raises:
        ConfigError: an embedding or the layers are missing, or the sizes do not agree.
    """
    shapes = {}
    for what, pattern in ARRAYS.items():
        shapes[what] = next((array.shape for name, array in arrays.items() if re.search(pattern, name)), None)
    lacking = [what for what in ("vocab_size", "max_positions", "segments_known") if shapes[what] is None]
    layers = {int(match[1]) for name in arrays if (match := LAYER.search(name))}
    if lacking or not layers:
        what = f"no embedding for {lacking[0]}" if lacking else "no layers"
        raise ConfigError(f"{source}: has {what}: no encoder of the kind of BERT or ERNIE")
    if any(shape is not None and len(shape) != 2 for shape in shapes.values()):
        raise ConfigError(f"{source}: an embedding is no matrix")
    hidden = int(shapes["vocab_size"][1])
    ernie = "ernie" in f"{source} {' '.join(map(str, settings.get('architectures', [])))}".lower()
    heads = settings.get("num_attention_heads", hidden // HEAD_SIZE or 1)
    activation = settings.get("hidden_act", "relu" if ernie and not shapes["tasks"] else "gelu")
    kind = "ERNIE" if ernie else "BERT"
    found = {"type": kind, "hidden_size": hidden, "layers": max(layers) + 1, "heads": heads, "activation": activation}
    found |= {what: int(shape[0]) for what, shape in shapes.items() if shape is not None}
    if "tasks" in found:
        found["type"] = "ERNIE2"
    if isinstance(settings.get("layer_norm_eps"), float):
        found["epsilon"] = settings["layer_norm_eps"]
    return found


def read_settings(folder):
    """The settings in a JSON file beside the weights (dict); empty without one.

    Raises:
        ConfigError: it is no JSON object.
    """
    file = next((folder / name for name in SETTINGS if (folder / name).is_file()), None)
    if file is None:
        return {}
    try:
        found = parse_json(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{file}: not a JSON object")
    return found


def make_encoder_module(source, folder):
    """Writes the folder of a module to fine-tune; the fields of its card (dict).

    Args:
        source (Path): with `vocab.txt` and the weights.
        folder (Path): to be made.

    Raises:
        ConfigError: it is no such encoder, or weights are missing.
        EnvironmentProblem: the file is damaged.
    """
    from common.build.model import build_model
    from common.config import load_config
    from common.hub.trainable import write_part
    from common.system import runtime
    from common.weights import pretrained
    from common.weights.checkpoint import read_weights

    file, settings = weight_file(source), read_settings(source)
    arrays = read_weights(file)
    node = encoder_node(arrays, settings, file)
    runtime.prepare()
    model = {"type": "TextClassifier", "encoder": node, "head": {"type": "TextClassHead"}}
    config = load_config({"kit": KIT, "model": model, "train": {"epochs": 1, "batch_size": 1}, "labels": ["0", "1"]})
    config.check()
    built = build_model(config, ["0", "1"])
    report = pretrained.load_arrays(built, arrays, str(file), strict=False)
    rest = [name for name in report.missing if name.startswith("encoder.") and ".pooler." not in name]
    rest += [name for name, _, _ in report.mismatched if name.startswith("encoder.")]
    if rest:
        raise ConfigError(f"{file}: has no array for {', '.join(rest[:3])}{' ...' if len(rest) > 3 else ''}")
    lowercase = settings.get("do_lower_case", True)
    words = {"type": "WordPiece", "vocab": str(source / VOCABULARY), "lowercase": lowercase, "max_length": 128}
    kept = {name: v.numpy() for name, v in built.state_dict().items() if name.startswith("encoder.")}
    write_part(folder, KIT, "encoder", node, [words, {"type": "PadText"}], kept)
    logger.info("%s: %s of %d layers of %d", source, node["type"], node["layers"], node["hidden_size"])
    return {
        "type": "NLP/semantic_model",
        "summary": f"{node['type']} of {node['layers']} layers of {node['hidden_size']} features, to be fine-tuned.",
        "inputs": "texts, or pairs of texts with a tab between",
        "outputs": "features of texts and of their tokens",
        "source": str(source),
    }
