"""Our classifiers against the official definitions, those of PaddleClas 2.6, with the same weights on random input.

The definitions run in PaddlePaddle too, in this process:

    .venv/bin/python -m pip install --no-deps paddleclas==2.6.0
    .venv/bin/python tests/parity/paddleclas_parity.py

What that package imports and is not installed is replaced by nothings: the networks need none of it. Official weights
are random numbers here; they go through the renaming that `pretrained:` and `tools/convert.py --source paddleclas` use.
Where the original scales in inference after a dropout (`scales` in models/foreign/official_names.py) that is left as it
was, so that the scaling is compared too. Networks agree when no logit differs by more than 1e-4 of the largest.
"""

import argparse
import importlib
import importlib.util
import logging
import re
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from common.system import runtime  # noqa: E402

runtime.prepare()

import numpy as np  # noqa: E402
import paddle  # noqa: E402

from common.config import load_config  # noqa: E402
from common.weights import pretrained  # noqa: E402
from common.weights.published import read_index  # noqa: E402
from PaddleCV.models.foreign.official_names import OfficialNames  # noqa: E402

KIT = ROOT / "PaddleCV"
LIMIT = 1e-4
ODD_NAMES = {"ResNeXt101_32x16_wsl": "ResNeXt101_32x16d_wsl"}  # the file of its weights is called otherwise
LARGE = re.compile(r"senet154|32x(16|32|48)d_wsl|efficientnet_b[567]|_64x4d|152|264|131")  # minutes and gigabytes


class Nothing(types.ModuleType):
    """A package that is not there; whatever is called in it does nothing."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: None


def main():
    """Compares the networks; exits with 1 where one disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    index = read_index(KIT)
    parser.add_argument("--only", choices=index, action="append", metavar="NAME", help="a name of pretrained.csv")
    parser.add_argument("--all", action="store_true", help="the largest networks too")
    parser.add_argument("--size", type=int, help="side of the image; default that of the network")
    args = parser.parse_args()
    networks = official_networks()
    wrong, names = [], args.only or [name for name in index if args.all or not LARGE.search(name)]
    for name in names:
        difference, largest = compare(index[name], networks, args.size)
        word = "agrees  " if difference <= LIMIT else "DISAGREES"
        sys.stdout.write(f"{word} {difference:.1e}  {name} (largest logit {largest:.2g})\n")
        sys.stdout.flush()
        wrong += [name] if not difference <= LIMIT else []
    sys.stdout.write(f"{len(names) - len(wrong)} of {len(names)} agree within {LIMIT:g} of the largest logit\n")
    if wrong:
        sys.exit(f"disagree: {', '.join(wrong)}")


def official_networks(most=50):
    """The module of PaddleClas with its networks.

    Raises:
        SystemExit: it is not installed.
    """
    found = importlib.util.find_spec("paddleclas")
    if found is None:
        sys.exit(f"PaddleClas is not here: {sys.executable} -m pip install --no-deps paddleclas==2.6.0")
    sys.path.insert(0, str(Path(found.origin).parent))
    for _ in range(most):
        try:
            networks = importlib.import_module("ppcls.arch.backbone")
            break
        except ModuleNotFoundError as error:
            sys.modules[error.name] = Nothing(error.name)
    importlib.import_module("ppcls.utils.logger")._logger = logging.getLogger("ppcls")
    nameless()
    return networks


def nameless():
    """Takes the names of parameters away, so that networks of one process may have the same."""
    original = paddle.ParamAttr.__init__
    paddle.ParamAttr.__init__ = lambda self, name=None, *given, **named: original(self, None, *given, **named)


def compare(entry, networks, size=None):
    """The greatest difference as a part of the largest logit, and the largest logit.

    Args:
        entry (Published): a line of the index.
        networks (module): what has the official class.
        size (int): side of the image.
    """
    name = Path(entry.address).name.removesuffix("_pretrained.pdparams")
    rng = np.random.default_rng(0)
    paddle.seed(0)
    official = getattr(networks, ODD_NAMES.get(name, name))()
    arrays = with_statistics(official, rng)
    official.eval()
    config = load_config(KIT / "configs" / f"{entry.name}.yml", entry.settings.split())
    model = config.build("model", labels=[str(number) for number in range(1000)], num_classes=1000)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    pretrained.load_arrays(model, OfficialNames(entry.family).rename(arrays, shapes), entry.name, strict=True)
    model.eval()
    size = size or {"inceptionv4": 299, "darknet53": 256}.get(entry.name, 299 if "xception" in entry.name else 224)
    image = paddle.to_tensor(rng.normal(0, 1, (1, 3, size, size)).astype(np.float32))
    with paddle.no_grad():
        wanted, found = official(image), model.predict(image)
    wanted = wanted[0] if isinstance(wanted, list | tuple) else wanted
    largest = float(wanted.abs().max())
    return float((found - wanted).abs().max()) / largest, largest


def with_statistics(network, rng):
    """Gives its normalisations random statistics, scales and shifts; name -> array of all."""
    arrays = {}
    for name, value in network.state_dict().items():
        array = value.numpy()
        if name.endswith("_mean"):
            array = rng.normal(0, 0.1, array.shape).astype(np.float32)
        elif name.endswith("_variance"):
            array = rng.uniform(0.8, 1.2, array.shape).astype(np.float32)
        elif array.ndim == 1:
            array = (array + rng.normal(0, 0.02, array.shape)).astype(np.float32)
        value.set_value(array)
        arrays[name] = array
    return arrays


if __name__ == "__main__":
    main()
