"""Search by image: the embeddings of a gallery, kept in a file, and the nearest images of a query.

An index is an .npz of arrays without Python objects: `embeddings` float32 [G, E], `paths`, `digests` of the images'
contents, and `model`, the digest of the exported model.  It is refused where model or images are others.

Shapes in this file:
    Q queries, G images of the gallery, E numbers of an embedding, K neighbors.
"""

import hashlib
import importlib
import os
import zipfile
from pathlib import Path

import numpy as np

from common.data.issues import issue_line
from common.errors import BadSample, ConfigError, DataError, EnvironmentProblem, NotFinite
from common.inference.nearest import nearest_rows, unit_rows
from common.inference.predictor import check_finite, fixed_batch, prepare_samples, stack
from common.log import logger
from common.vision.decode import read_image_file

KEYS = {"embeddings": "f", "paths": "U", "digests": "U", "model": "U"}  # arrays of an index, and their kinds
NAMED = 3  # changed images that a message names
REBUILD = "--rebuild makes it again"


def embed(model, samples):
    """The embeddings of the images of a source.

    Args:
        model (Predictor): whose task is Embedding.
        samples (Iterable[dict]): with `path` and `name`, see `common.vision.sources`.

    Returns:
        tuple[list[dict], ndarray, int]: `path` and `name` of the images that could be read, their embeddings float32
            [N, E] of length 1, and the number of the others, each logged.
    """
    size, found, vectors, waiting, bad = fixed_batch(model) or 16, [], [], [], 0

    def run():
        for group in by_shape(waiting):
            outputs = model.run(stack(model, [prepared for _, prepared in group]))
            vectors.extend(outputs["embedding"][: len(group)])
            found.extend(sample for sample, _ in group)
        waiting.clear()

    for sample in samples:
        try:
            prepared = prepare_samples(model, [model.decode(sample)])[0]
        except DataError as error:
            logger.error(issue_line(error.issue) if isinstance(error, BadSample) else str(error))
            bad += 1
            continue
        waiting.append(({"path": sample["path"], "name": sample["name"]}, prepared))
        if len(waiting) == size:
            run()
    run()
    vectors = np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)
    try:
        check_finite({"embedding": vectors})
    except NotFinite as error:
        names = [sample["name"] for sample, row in zip(found, vectors) if not np.isfinite(row).all()]
        raise NotFinite(f"{error}\n  {names[0]}") from None
    return found, unit_rows(vectors), bad


def by_shape(pairs):
    """Lists of consecutive (sample, prepared sample) whose arrays have the same shapes, in order."""
    groups = []
    for pair in pairs:
        shape = {name: np.shape(value) for name, value in pair[1].items() if isinstance(value, np.ndarray)}
        if not groups or groups[-1][0] != shape:
            groups.append((shape, []))
        groups[-1][1].append(pair)
    return [group for _, group in groups]


def digest_of_model(folder):
    """The digest of an exported model, of its manifest with the checksum of each file (str)."""
    return hashlib.sha256((Path(folder) / "manifest.json").read_bytes()).hexdigest()


def digests_of(paths):
    """The digest of the content of each file (list[str]); an empty one for a file that cannot be read."""
    return [digest_of_file(path) for path in paths]


def digest_of_file(path):
    """The digest of a file's content (str), empty where it cannot be read."""
    try:
        return hashlib.blake2b(read_image_file(path), digest_size=16).hexdigest()
    except BadSample:
        return ""


def write_image_index(path, embeddings, paths, model):
    """Writes an index under a temporary name and renames it.

    Args:
        path (str | Path): .npz.
        embeddings (ndarray): float32 [G, E].
        paths (list[str]): of the G images.
        model (str): digest of the model.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    arrays = {"embeddings": embeddings, "paths": np.array(paths, str), "digests": np.array(digests_of(paths), str)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, **arrays, model=np.array(model, str))
        temporary.replace(path)
    except OSError as error:
        raise EnvironmentProblem(f"{path}: the index cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_image_index(path, model, paths=None):
    """The embeddings and the paths of an index that suits the model and the images as they are now.

    Args:
        path (str | Path): .npz.
        model (str): digest of the model.
        paths (list[str] | None): of the gallery; None for those of the index.

    Returns:
        tuple[ndarray, list[str]]: float32 [G, E], and the paths.

    Raises:
        DataError: the file is no index.
        ConfigError: it was made by another model, or of other images.
    """
    arrays = read_arrays(path)
    if str(arrays["model"]) != model:
        raise ConfigError(f"{path}: the index was made with another model\n  fix: {REBUILD}")
    known = arrays["paths"].tolist()
    changes = []
    if paths is not None and known != list(paths):
        new, gone = sorted(set(paths) - set(known)), sorted(set(known) - set(paths))
        changes += [
            f"{len(names)} {what} ({first_names(names)})" for names, what in ((new, "new"), (gone, "gone")) if names
        ]
        changes = changes or ["their order"]
    changed = [name for name, old, now in zip(known, arrays["digests"].tolist(), digests_of(known)) if old != now]
    if changed and not changes:
        changes.append(f"{len(changed)} changed or missing ({first_names(changed)})")
    if changes:
        raise ConfigError(f"{path}: the index was made of other images: {', '.join(changes)}\n  fix: {REBUILD}")
    return arrays["embeddings"], known


def read_arrays(path):
    """The arrays of an index by name; nothing is unpickled.

    Raises:
        DataError: the file is no index, or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in KEYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"error[D112] {path}: is no index of images: {error}\n  fix: {REBUILD}") from None
    kinds = {name: array.dtype.kind for name, array in arrays.items()}
    rows, names = arrays["embeddings"], arrays["paths"]
    whole = rows.ndim == 2 and names.shape == arrays["digests"].shape == (len(rows),) and np.isfinite(rows).all()
    if kinds != KEYS or not whole or arrays["model"].ndim:
        raise DataError(f"error[D112] {path}: is no index of images, or a damaged one\n  fix: {REBUILD}")
    return arrays | {"embeddings": rows.astype(np.float32)}


def first_names(names):
    """The first names, and how many more."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def neighbors(queries, gallery, query_paths, gallery_paths, count, faiss=False):
    """The nearest images of each query, the best first; a query does not find its own file.

    Args:
        queries (ndarray): float32 [Q, E] of length 1.
        gallery (ndarray): float32 [G, E] of length 1.
        query_paths (list[str]): of the queries.
        gallery_paths (list[str]): of the gallery.
        count (int): K.
        faiss (bool): search with an exact index of faiss, for large galleries.

    Returns:
        list[list[tuple[int, float]]]: for each query the rows of the gallery with their cosines.

    Raises:
        ConfigError: the embeddings have another size than those of the gallery.
        EnvironmentProblem: faiss is not installed.
    """
    if queries.shape[1] != gallery.shape[1]:
        raise ConfigError(f"embeddings of {queries.shape[1]} and of {gallery.shape[1]} numbers cannot be compared")
    most = min(count + 1, len(gallery))
    rows, values = search_with_faiss(queries, gallery, most) if faiss else nearest_rows(queries, gallery, most)
    own = {os.path.realpath(path): row for row, path in enumerate(gallery_paths)}
    found = []
    for path, columns, cosines in zip(query_paths, rows.tolist(), values.tolist()):
        itself = own.get(os.path.realpath(path))
        found.append([pair for pair in zip(columns, cosines) if pair[0] != itself][:count])
    return found


def search_with_faiss(queries, gallery, count):
    """The rows and cosines of the nearest, as `nearest_rows`; raises EnvironmentProblem."""
    try:
        library = importlib.import_module("faiss")
    except ImportError:
        raise EnvironmentProblem("--faiss needs the package faiss: pip install faiss-cpu") from None
    index = library.IndexFlatIP(gallery.shape[1])
    index.add(np.ascontiguousarray(gallery))
    values, rows = index.search(np.ascontiguousarray(queries), count)
    return rows, values
