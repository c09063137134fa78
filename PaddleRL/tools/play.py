"""Plays an episode by a trained agent and records it as a video.

    python tools/play.py -c configs/dqn_cartpole.yml -o weights=output/dqn_cartpole/best --out episode.mp4

The episodes are those of data.test, or of data.eval without one. Environments draw themselves with further packages
of their own, such as pygame for CartPole (pip install pygame).
"""

import argparse
import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

from common.commands.main import add_config_arguments, open_config, run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError, EnvironmentProblem  # noqa: E402

RATE = 30  # frames per second, where the environment does not say it


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config_arguments(options, weights=True)
    options.add_argument("--episode", type=int, default=0, help="number of the episode in the split (default 0)")
    options.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("episode.mp4"), help="the video (default episode.mp4)"
    )
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), play, argv)


def play(args):
    """Plays and records the episode, and prints its return and its length.

    Raises:
        ConfigError: the data have no such episode, or `--out` is no .mp4 file.
        EnvironmentProblem: a package that draws the environment is missing.
    """
    if args.out.suffix != ".mp4":
        raise ConfigError(f"--out is {args.out}; it is a file whose name ends in .mp4")
    config = open_config(args, KIT)
    if config is None:
        return 0
    from common.build.data import build_dataset
    from common.build.model import build_model, load_weights, read_configured_weights
    from common.system import runtime

    arrays = read_configured_weights(config)
    runtime.prepare()
    model = build_model(config, None)
    load_weights(model, arrays, config)
    model.eval()
    episodes = build_dataset(config, "test" if config.get("data.test", None) else "eval")
    if args.episode >= len(episodes):
        raise ConfigError(f"--episode is {args.episode}; the data have {len(episodes)}, from 0")
    player = record(model, episodes, args.episode, args.out)
    sys.stdout.write(f"{args.out}: return {player.total:g} in {len(player.actions)} steps\n")
    return 0


def record(model, episodes, number, path):
    """Plays an episode by a model and writes its frames; returns the Player at its end.

    Args:
        model (DQN): with its weights.
        episodes (Episodes): the data.
        number (int): of the episode, from 0.
        path (Path): of the video.
    """
    from gymnasium.error import Error

    from common.vision.writers import VideoWriter

    best_actions = importlib.import_module(f"{KIT.name}.metrics.episode_returns").best_actions
    player = episodes.player(render="rgb_array")
    player.begin(episodes.first + number)
    writer = VideoWriter(path.parent, path.name, player.environment.metadata.get("render_fps", RATE))
    try:
        done = False
        while not done:
            writer.add(None, player.environment.render())
            done = any(player.step(best_actions(model, player.observation[None])[0])[1:])
        writer.add(None, player.environment.render())
    except (ImportError, Error) as error:
        raise EnvironmentProblem(f"the environment cannot be drawn: {error}") from None
    finally:
        writer.close()
        player.environment.close()
    return player


if __name__ == "__main__":
    main()
