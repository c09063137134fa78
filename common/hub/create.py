"""Makes a module of a trained run, or of a folder with a pretrained encoder of another library."""

import json
import tempfile
from pathlib import Path

from common.config.yaml import display_path
from common.errors import ConfigError
from common.hub.archive import pack_module
from common.hub.card import Card, check_card, write_card
from common.hub.home import Home
from common.log import logger, set_up_logging
from common.suggest import did_you_mean

CATEGORIES = {"PaddleSpeech": "Audio"}  # of a kit; any other's is its name without `Paddle`
WORDS = {
    "text": "texts, one per line",
    "image": "images",
    "audio": "recordings",
    "video": "videos",
    "features": "files of features",
    "points": "clouds of points",
    "table": "rows of a table",
}
ABOUT = ("version", "summary", "authors", "license", "source", "type")


def create_module(directory, name, output_path=".", trainable=False, install=False, **about):
    """Makes a module: the package `NAME-VERSION.phm`.

    Args:
        directory (str | Path): the folder of a run, or of one of its checkpoints; or a folder with `vocab.txt` and the
            weights of a BERT or ERNIE encoder, which becomes a module to fine-tune.
        name (str): of the module: lower-case letters, digits, `_`, `-` and `.`.
        output_path (str | Path): the folder of the package.
        trainable (bool): adds the weights of the encoder or backbone, so that others can be built on it.
        install (bool): installs it, too.
        about (object): `version` ("1.0.0"), `summary`, `authors` (a name or a list), `license`, `source`, `type`.

    Returns:
        Path: the package; with `install` the folder of the installed module.

    Raises:
        ConfigError: the folder has no weights, or the name, the version or a key is not allowed.
        EnvironmentProblem: the weights are damaged, or the package cannot be written.
    """
    from common.hub.encoders import is_encoder_folder, make_encoder_module

    set_up_logging()
    for key in about:
        if key not in ABOUT:
            raise ConfigError(
                f"create_module: there is no '{key}'{did_you_mean(key, ABOUT)}; it takes {', '.join(ABOUT)}"
            )
    given = {"version": "1.0.0"} | {key: value for key, value in about.items() if value is not None}
    given["authors"] = [given["authors"]] if isinstance(given.get("authors"), str) else given.get("authors", [])
    check_fields({"name": name, **given})
    source = Path(directory)
    if not source.exists():
        raise ConfigError(f"{display_path(source)}: there is no such folder")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "module"
        if is_encoder_folder(source):
            known = make_encoder_module(source, folder)
        else:
            known = make_run_module(source, folder, trainable)
        card = write_card(Card(**(known | given | {"name": name})), folder)
        if install:
            return Home().install(folder)
        target = Path(output_path) / f"{card.name}-{card.version}.phm"
        target.parent.mkdir(parents=True, exist_ok=True)
        pack_module(folder, target)
    logger.info("%s is written; python tools/hub.py install %s installs it", target, target)
    return target


def check_fields(given):
    """Raises ConfigError with the problems of fields of a card."""
    fields = {"type": "", "summary": "", **given}
    problems = check_card({key: (value, key) for key, value in fields.items()}, "module")
    if problems:
        raise ConfigError("\n".join(problems))


def make_run_module(source, folder, trainable):
    """Exports the weights of a run to the folder of a module; the fields of its card (dict).

    Args:
        source (Path): the folder of a run or of a checkpoint; the best checkpoint is taken.
        folder (Path): to be made.
        trainable (bool): adds the encoder or the backbone.
    """
    from common.config import load_config
    from common.hub.trainable import export_module
    from common.inference.exported import Exported
    from common.weights.checkpoint import find_weights

    weights = find_weights(source)
    file = weights / "config.yml"
    if not file.is_file():
        raise ConfigError(
            f"{display_path(file)}: no such file; a module is made of the folder of a run or a checkpoint"
        )
    config = load_config(file, [f"weights={weights}", "pretrained=null"])
    export_module(config, folder, trainable)
    return describe_run(config, weights, Exported(folder).task())


def describe_run(config, weights, task):
    """The fields of a card that a run knows (dict): category, inputs, outputs, the score of its best checkpoint.

    Args:
        config (Config): of the run.
        weights (Path): the checkpoint.
        task (Task): what it predicts.
    """
    from common.inference.task import in_words

    state = json.loads((weights / "state.json").read_text(encoding="utf-8"))
    words = in_words(task.name)
    metrics = []
    if state.get("scores") and state.get("best"):
        name = state["best"]["metric"]
        data = config.get("data.eval", {})
        where = "/".join(str(data[key]) for key in ("root", "file", "list_file", "annotations") if data.get(key))
        command = f"python tools/eval.py -c {weights / 'config.yml'} -o weights={weights}"
        score = round(float(state["scores"].get(name, state["best"]["score"])), 4)
        metrics = [{"name": name, "value": score, "data": where or "data.eval", "command": command}]
    return {
        "type": f"{CATEGORIES.get(config.kit.name, config.kit.name.removeprefix('Paddle'))}/{words.replace(' ', '_')}",
        "summary": f"{config.get('model.type')}, trained as {config.name}.",
        "inputs": WORDS.get(task.input, task.input),
        "outputs": f"{words}: the records of tools/infer.py --json",
        "metrics": metrics,
    }
