"""The served models: which folders they come from, their versions, and how a new version takes the place of an old one.

A folder is an export itself, or holds one in a folder with a number for a name for each version (`yolov3/1`,
`yolov3/2`, or as modules of the hub have them, `lac/2.1.2`).  The version of a bare export is the beginning of its
manifest's checksum, that of a module is on its card.  Where a link `current` leads to one of the versions
(`common.table.versions`), that one is the newest, and the link is followed while the server runs.
"""

import asyncio
import dataclasses
import re
from pathlib import Path

import yaml

from common.errors import ConfigError, EnvironmentProblem, KitError
from common.hub.card import CARD, read_card, version_key
from common.hub.page import example_file, is_file_name
from common.inference.exported import refuse_other
from common.log import logger
from common.table.versions import current_version
from common.weights.manifest import read_manifest
from deploy.serving.batcher import Lane
from deploy.serving.inputs import KEYS
from deploy.serving.problems import Problem

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
VERSION = re.compile(r"[0-9]{1,18}(\.[0-9]{1,6}){0,2}")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of served models.

    Args:
        workers (int): processes for each version.
        threads (int): of the math library in each process; 0 for the machine's choice.
        max_batch (int): items run together.
        max_wait (float): seconds the first item of a batch waits for others.
        queue (int): items that may wait for each version.
        deadline (float): seconds for a request, and for a batch.
        keep (int): newest versions that are loaded.
    """

    workers: int = 1
    threads: int = 0
    max_batch: int = 8
    max_wait: float = 0.005
    queue: int = 64
    deadline: float = 30.0
    keep: int = 1


class Model:
    """A model by its name.

    Args:
        name (str): in the address.
        folder (Path): of the export or of its versions.
        settings (Settings): of the server.
        metrics (Metrics): counts.

    Attributes:
        lane_type (type): answers items with one version.
    """

    lane_type = Lane

    def __init__(self, name, folder, settings, metrics):
        self.name, self.folder, self.settings, self.metrics = name, folder, settings, metrics
        self.lanes = {}  # by version, the newest last
        self.turn = asyncio.Lock()
        self.draining = set()

    @property
    def newest(self):
        """The lane that predicts when no version is requested."""
        return next(reversed(self.lanes.values()))

    def lane(self, version=None):
        """The lane of a version; raises Problem 404."""
        if version is None:
            return self.newest
        if version not in self.lanes:
            raise Problem(404, f"{self.name} has no version '{version[:64]}'; loaded: {', '.join(self.lanes)}")
        return self.lanes[version]

    async def load(self):
        """Loads the newest versions that are not loaded yet, then lets go of those that are too many.

        Until a version is ready, the ones before it serve; what those have queued is predicted before they end.

        Returns:
            bool: whether anything changed.

        Raises:
            KitError: a version cannot be loaded; what was served is served on.
        """
        async with self.turn:
            found = dict(list(versions(self.folder).items())[-self.settings.keep :])
            fresh = {}
            for version, folder in found.items():
                if version not in self.lanes:
                    lane = self.lane_type(self.name, version, folder, self.settings, self.metrics)
                    try:
                        await lane.start()
                        fresh[version] = lane
                        log_threshold(self.name, lane.description)
                        refuse_unread(lane)
                    except BaseException:
                        await asyncio.gather(*(other.close() for other in fresh.values()))
                        raise
            old = [lane for version, lane in self.lanes.items() if version not in found]
            self.lanes = {version: fresh.get(version) or self.lanes[version] for version in found}
            for lane in old:
                self.drain(lane)
            return bool(fresh or old)

    def drain(self, lane):
        """Closes a lane once it has predicted what is queued; nothing new comes to it."""
        task = asyncio.create_task(lane.close())
        self.draining.add(task)
        task.add_done_callback(self.draining.discard)

    async def close(self):
        """Answers what is queued, then ends all processes."""
        await asyncio.gather(*(lane.close() for lane in self.lanes.values()), *self.draining)

    def about(self):
        """The entry of GET /v1/models."""
        described = self.newest.description
        return {
            "name": self.name,
            "version": self.newest.version,
            "versions": [{"version": v, "ready": lane.up > 0} for v, lane in self.lanes.items()],
            **{key: described[key] for key in ("task", "input", "threshold", "labels", "inputs", "outputs")},
            "example": self.example(),
        }

    def example(self):
        """The input that the page tries the model with, {"text": ...} or {"file": its address}; {} if it has none."""
        card = self.card()
        if card is None or not card.example:
            return {}
        if example_file(card, self.newest.folder):
            return {"file": f"modules/{self.name}/example"}
        return {} if is_file_name(card.example) else {"text": card.example}

    def card(self):
        """The card of the module that is served (Card), None for a model that is no module of the hub."""
        folder = self.newest.folder
        return read_card(folder) if (folder / CARD).is_file() else None


def log_threshold(name, described):
    """Logs the score threshold of a model for requests without one, and its source, where it was chosen by scores."""
    if described["engine"]:
        logger.info("%s: engine %s", name, described["engine"])
    if described["threshold_from"]:
        logger.info("%s: score threshold %g: %s", name, described["threshold"], described["threshold_from"])


def refuse_unread(lane):
    """Refuses a model whose task reads what no request can carry."""
    kind = lane.description["input"]
    if kind not in KEYS:
        raise ConfigError(f"{lane.folder}: its task reads {kind}; the server reads {', '.join(KEYS)}")


def versions(folder):
    """The versions in a folder, the newest last: {version: folder}.

    Raises:
        ConfigError: the folder is not there, or holds no export.
        EnvironmentProblem: a manifest cannot be read.
    """
    if folder.is_dir() and not is_model(folder):
        numbered = [path for path in folder.iterdir() if VERSION.fullmatch(path.name)]
        numbered = [path for path in numbered if is_model(path)]
        numbered.sort(key=lambda path: version_key(path.name))
        if (current := current_version(folder)) is not None:
            numbered = [path for path in numbered if version_key(path.name) <= version_key(current)]
        if numbered:
            return {path.name: path for path in numbered}
    if not is_model(folder):
        refuse_other(folder)
    return {read_card(folder).version if (folder / CARD).is_file() else read_manifest(folder)["sha256"][:12]: folder}


def is_model(folder):
    """True for an export, and for a module of the hub, which may hold several."""
    return (folder / "infer.yml").is_file() or (folder / CARD).is_file()


def name_models(arguments):
    """The folders of `--model [NAME=]DIR ...`: {name: folder}; without a name that of the module or configuration.

    Raises:
        ConfigError: a folder is no export, a name cannot stand in an address, or two models have one name.
        EnvironmentProblem: infer.yml or the manifest is damaged.
    """
    found = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        folder = Path(text if equals else argument).resolve()
        newest = list(versions(folder).values())[-1]
        if not equals and (newest / CARD).is_file():
            name = read_card(newest).name
        elif not equals:
            try:
                name = yaml.safe_load((newest / "infer.yml").read_text(encoding="utf-8"))["name"]
            except (yaml.YAMLError, OSError, UnicodeDecodeError, KeyError, TypeError) as error:
                raise EnvironmentProblem(f"{newest / 'infer.yml'}: damaged; export the model again") from error
        if not NAME.fullmatch(str(name)):
            raise ConfigError(f"--model {argument}: a name is letters, digits, . _ and -; write --model NAME=DIR")
        if name in found:
            raise ConfigError(f"--model {argument}: there are two models named {name}; write --model NAME=DIR")
        found[name] = folder
    return found


async def reload(models):
    """Loads what is new of all models; says what failed and goes on."""
    for model in models.values():
        try:
            changed = await model.load()
            logger.info("%s: version %s%s", model.name, model.newest.version, "" if changed else " (unchanged)")
        except KitError as error:
            logger.error("%s: not reloaded: %s", model.name, str(error).splitlines()[0])


async def follow(models, seconds):
    """Loads the version that the link `current` in a model's folder leads to, as soon as it is another one.

    Until then, and if it cannot be loaded, which is logged once, the one before serves.

    Args:
        models (dict[str, Model]): by name; those without such a link are left alone.
        seconds (float): between two looks.
    """
    seen = {name: current_version(model.folder) for name, model in models.items()}
    while True:
        await asyncio.sleep(seconds)
        for name, model in models.items():
            version = current_version(model.folder)
            if version is not None and version != seen[name]:
                seen[name] = version
                await reload({name: model})
