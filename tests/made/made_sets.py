"""The small datasets that tiny twins train on, made once for all tests that need one."""

import dataclasses
import pathlib

from PaddleCV.tools import make_clouds
from PaddleCV.tools.bsn_proposals import propose
from PaddleCV.tools.make_actions import make_actions
from PaddleCV.tools.make_digit_classes import make_digit_classes
from PaddleCV.tools.make_digit_pairs import make_digit_pairs
from PaddleCV.tools.make_digits import make_digits
from PaddleCV.tools.make_people import make_people
from PaddleCV.tools.make_scenes import make_scenes
from PaddleCV.tools.make_segments import made_videos, make_segments
from PaddleCV.tools.make_shape_videos import make_shape_videos
from PaddleCV.tools.make_shapes import make_shapes
from PaddleCV.tools.make_text_pages import make_text_pages
from PaddleCV.tools.make_tracks import make_tracks
from PaddleCV.tools.make_translations import make_translations
from PaddleCV.tools.make_words import make_words
from PaddleNLP.tools.make_texts import make_texts
from PaddleRec.tools.make_clicks import make_click_hours, make_clicks
from PaddleRec.tools.make_rows import make_hours, make_rows
from PaddleSpeech.tools.make_frames import make_frames
from PaddleSpeech.tools.make_spoken_tones import make_spoken_tones
from PaddleST.tools.make_places import make_places

MAKERS = {
    "digits": lambda folder: make_digits(folder, train=24, evaluation=4, size=96),
    "texts": lambda folder: make_texts_and_teacher(folder),
    "digit_classes": lambda folder: make_digit_classes_and_teacher(folder),
}
MAKERS["actions"] = lambda folder: make_actions(folder, train=4, evaluation=2, size=32, frames=16)
MAKERS["digit_pairs"] = lambda folder: make_digit_pairs(folder, train=64, evaluation=16)
MAKERS["tracks"] = lambda folder: make_tracks(folder, train=6, evaluation=1, size=96, frames=6)
MAKERS["segments"] = lambda folder: make_segments_and_proposals(folder)
MAKERS["shapes"] = make_shapes
MAKERS["shape_videos"] = lambda folder: make_shape_videos(folder, train=48, val=8, test=2)
MAKERS["clouds"] = lambda folder: make_clouds.write_clouds(folder, *make_clouds.make_shapes(64, 128))
MAKERS["scenes"] = lambda folder: make_scenes(folder)
MAKERS["blocks"] = lambda folder: make_clouds.write_clouds(folder, *make_clouds.make_blocks(64, 128))
MAKERS["people"] = make_people
MAKERS["translations"] = make_translations
MAKERS["drawn_words"] = lambda folder: make_words(folder, 48, 16, matplotlib_fonts(), height=32, longest=4)
MAKERS["text_pages"] = lambda folder: make_text_pages(folder, 24, 4, matplotlib_fonts(), size=128, most=3)
MAKERS["clicks"] = lambda folder: make_clicks(folder, train=1500, evaluation=200, values=200)
MAKERS["spoken_tones"] = lambda folder: make_spoken_tones(folder, train=48, evaluation=16)
MAKERS["spoken_frames"] = lambda folder: make_tones_and_frames(folder)
MAKERS["places"] = lambda folder: make_places(folder, train=600, evaluation=100)
MAKERS["hours"] = lambda folder: make_hours(folder, hours=3, rows=150)
MAKERS["click_hours"] = lambda folder: make_click_hours(folder, hours=2, rows=150, values=200, evaluation=100)
for kind in ("sessions", "histories", "sentences", "tagged", "pairs", "slots"):
    MAKERS[kind] = lambda folder, kind=kind: make_rows(kind, folder, train=700, evaluation=100)


def matplotlib_fonts():
    """The fonts of one package, so that the words are the same on every machine (list[str])."""
    import matplotlib

    return [str(path) for path in (pathlib.Path(matplotlib.get_data_path()) / "fonts/ttf").glob("DejaVuS*.ttf")]


def make_tones_and_frames(folder):
    """Spoken tones, and the archives of their features with a state for each letter."""
    make_spoken_tones(folder, train=48, evaluation=16)
    make_frames(folder / "train.jsonl", folder, folder / "eval.jsonl", "letters", 1, rate=8000, bins=20)


def make_segments_and_proposals(folder):
    """Made segments, and the proposals of an untrained TEM that configs/tiny/bsn.yml reads."""
    make_segments(folder, made_videos(40))
    from common.build.data import build_dataset, build_transforms
    from common.build.model import build_model
    from common.config import load_config

    config = load_config("configs/tiny/bsn_tem.yml", [f"dataset={folder}"])
    dataset = build_dataset(config, "train")
    propose(build_model(config, dataset.labels), dataset, build_transforms(config, "eval"), folder / "proposals", 40)


def make_digit_classes_and_teacher(folder):
    """Images of digits, and `teacher.safetensors`, the weights that configs/tiny/resnet.yml begins with."""
    make_digit_classes(folder, train=12, evaluation=4)
    make_teacher(folder, "configs/tiny/resnet.yml", list(map(str, range(10))))


def make_texts_and_teacher(folder):
    """Texts, and `teacher.safetensors`, the weights that configs/tiny/pairs.yml begins with."""
    make_texts(folder)
    make_teacher(folder, "PaddleNLP/configs/tiny/pairs.yml", ["0", "1"])


def make_teacher(folder, config, labels):
    """Writes the first weights of a configuration of these classes as `teacher.safetensors`."""
    from safetensors.numpy import save_file

    from common.build.model import build_model
    from common.config import load_config

    model = build_model(load_config(config, [f"dataset={folder}"]), labels)
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, folder / "teacher.safetensors")


@dataclasses.dataclass
class MadeSets:
    """Datasets by name, each made when it is first asked for.

    Args:
        place (Path): where they are, a folder each. Not to be changed by a test.
    """

    place: pathlib.Path

    def folder(self, name):
        """The folder of a set (Path); raises KeyError where none has this name."""
        found = self.place / name
        if not found.exists():
            MAKERS[name](found)
        return found
