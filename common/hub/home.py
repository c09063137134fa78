"""The folder of installed modules: `HUB_HOME/modules/NAME/VERSION`, several versions of a module side by side."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from common.config.yaml import display_path
from common.errors import ConfigError, EnvironmentProblem
from common.hub.archive import unpack_module
from common.hub.card import CARD, NAME, VERSION, read_card, verify_module, version_key
from common.hub.recipe_file import recipe_paths
from common.suggest import did_you_mean
from common.weights.download import cache_folder

ALIASES = {  # names that people know -> ours
    "efficientnet_lite0": "efficientnet_lite0_imagenet",
    "mobilenet_v2": "mobilenet_v2_imagenet",
    "chinese_ocr_db_crnn_mobile": "ppocr",
    "chinese_ocr_db_crnn_server": "ppocr",
    "mobilenet_v2_imagenet_224": "mobilenet_v2_imagenet",
    "pyramidbox_face_detection": "ssd_mobilenet_v1_face",
    "pyramidbox_lite_server": "ssd_mobilenet_v1_face",
    "pyramidbox_lite_mobile": "blazeface",
    "ultra_light_fast_generic_face_detector_1mb_320": "blazeface",
}
REFERENCE = re.compile(r"(?P<name>[^=\s]+)(==(?P<version>\S+))?\Z")
SUFFIXES = (".phm", ".tar.gz", ".tgz")
WAIT = 600  # seconds for another process that installs


def split_reference(text):
    """(name, version or None) of `lac` or `lac==2.1.2`.

    Raises:
        ConfigError: it is something else.
    """
    match = REFERENCE.match(text.strip())
    if not match or not NAME.match(match["name"]) or (match["version"] and not VERSION.match(match["version"])):
        raise ConfigError(f"'{text}': a module is NAME or NAME==VERSION, such as lac or lac==2.1.2")
    return match["name"], match["version"]


class Home:
    """The installed modules.

    Args:
        root (str | Path): the folder; by default HUB_HOME, otherwise `hub` in the folder of downloads.
    """

    def __init__(self, root=None):
        self.root = Path(root or os.environ.get("HUB_HOME") or cache_folder() / "hub")
        self.modules = self.root / "modules"

    def installed(self):
        """The folders of all installed modules, by name and version."""
        if not self.modules.is_dir():
            return []
        found = [path.parent for path in self.modules.glob(f"*/*/{CARD}")]
        found = [path for path in found if NAME.match(path.parent.name) and VERSION.match(path.name)]
        return sorted(found, key=lambda path: (path.parent.name, version_key(path.name)))

    def find(self, reference):
        """The folder of an installed module (Path): the version asked for, otherwise the newest.

        Args:
            reference (str): `NAME` or `NAME==VERSION`.

        Raises:
            ConfigError: it is not installed; names what is.
        """
        name, version = split_reference(reference)
        folders = [path for path in self.installed() if path.parent.name == name]
        if not folders and name in ALIASES:
            name = ALIASES[name]
            folders = [path for path in self.installed() if path.parent.name == name]
        chosen = [path for path in folders if version in (None, path.name)]
        if chosen:
            return chosen[-1]
        if folders:
            versions = ", ".join(path.name for path in folders)
            raise ConfigError(f"{reference}: this version is not installed; {name} is there in {versions}")
        known = {path.parent.name for path in self.installed()} | {path.stem for path in recipe_paths()} | {*ALIASES}
        near = did_you_mean(name, sorted(known))
        raise ConfigError(
            f"{reference}: the module is not installed{near}\n  fix: python tools/hub.py install {reference}"
        )

    def install(self, source):
        """Installs a module from a folder or a package: appears whole, or not at all.

        Args:
            source (str | Path): a folder with a card, or a `.phm` or `.tar.gz` file.

        Returns:
            Path: its folder; the one that is there if this very module is installed already.

        Raises:
            ConfigError: there is nothing, or another module of this name and version is installed.
            EnvironmentProblem: the source is damaged, or the folder cannot be written.
        """
        source = Path(source)
        if not source.exists():
            raise ConfigError(f"{display_path(source)}: no such file or folder")
        if source.is_file() and not source.name.endswith(SUFFIXES):
            raise ConfigError(f"{display_path(source)}: a package of a module is a {' or '.join(SUFFIXES)} file")
        try:
            self.modules.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / ".lock", timeout=WAIT):
                for old in self.modules.glob(".new-*"):
                    shutil.rmtree(old, ignore_errors=True)  # of a process that was killed
                return self._install(source, self.modules / f".new-{os.getpid()}")
        except Timeout:
            raise EnvironmentProblem(f"{self.root}: another process has been installing for {WAIT} s") from None
        except OSError as error:
            raise EnvironmentProblem(f"{error.filename or self.root}: {error.strerror or error}") from None

    def install_offer(self, offer, accepted=False):
        """Installs a module of the catalog: makes it by its recipe, or takes its package (Path).

        Args:
            offer (Offer): what is installed.
            accepted (bool): weights whose package names no license are accepted.

        Raises:
            EnvironmentProblem: the weights cannot be had.
        """
        target = self.modules / offer.name / offer.version
        if target.is_dir():
            return target
        if offer.trains:
            raise ConfigError(
                f"{offer.name}: is trained, not downloaded\n  fix: python tools/hub.py build {offer.name}"
            )
        if not hasattr(offer.source, "make"):
            return self.install(offer.package())
        with tempfile.TemporaryDirectory() as place:
            offer.source.make(Path(place) / "module", accepted)
            return self.install(Path(place) / "module")

    def _install(self, source, draft):
        try:
            if source.is_dir():
                verify_module(source)
                links = [path for path in source.rglob("*") if path.is_symlink()]
                if links:
                    raise EnvironmentProblem(f"{links[0]}: a link; a module has ordinary files only")
                shutil.copytree(source, draft)
            else:
                unpack_module(source, draft)
                if not (draft / CARD).is_file():
                    raise EnvironmentProblem(f"{display_path(source)}: a package without {CARD} is no module")
            card = verify_module(draft)
            target = self.modules / card.name / card.version
            if target.exists():
                if read_card(target) == card:
                    return target
                raise ConfigError(
                    f"{card}: another module of this name and version is installed; raise 'version' in its {CARD}, "
                    f"or remove it first: python tools/hub.py uninstall {card}"
                )
            target.parent.mkdir(exist_ok=True)
            draft.rename(target)
            return target
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def uninstall(self, reference):
        """Removes a module: one version, or without one all versions; returns the folders removed."""
        name, version = self.find(reference).parent.name, split_reference(reference)[1]
        gone = [p for p in self.installed() if p.parent.name == name and version in (None, p.name)]
        for path in gone:
            trash = self.modules / f".new-{os.getpid()}-{path.name}"
            path.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        return gone
