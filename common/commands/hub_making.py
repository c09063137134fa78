"""`tools/hub.py create` and `build`: modules of a user's own runs, and those that are trained here."""

import sys
from pathlib import Path


def run_create(args, options):
    """Makes a module."""
    from common.hub.create import create_module

    about = {key: getattr(args, key) for key in ("version", "summary", "authors", "license", "type")}
    made = create_module(args.module, args.name, args.output_path, args.trainable, args.install, **about)
    sys.stdout.write(f"{args.name}=={args.version} is {'installed' if args.install else 'written'}: {made}\n")
    return 0


def run_build(args, options):
    """Trains a module and installs it."""
    import tempfile

    from common.errors import ConfigError
    from common.hub.catalog import find_offer
    from common.hub.home import Home

    offer, home = find_offer(args.module, args.index), Home()
    if not offer.trains:
        raise ConfigError(f"{offer.name}: its weights are downloaded\n  fix: python tools/hub.py install {offer.name}")
    with tempfile.TemporaryDirectory() as place:
        card = offer.source.train(Path(place) / "module", args.override)
        folder = home.install(Path(place) / "module")
    reached = card.metrics[0]
    sys.stdout.write(f"{card} is installed: {folder}\n{reached['name']} {reached['value']}: {reached['data']}\n")
    return 0
