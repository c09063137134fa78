"""The names of the layers of Darknet's networks, as `common/weights/darknet.py` reads them: `N.conv` and `N.norm`.

Layers 15 and 22 of yolov3-tiny.cfg predict the boxes of the coarse and of the fine level, and come last in ours.
"""

import dataclasses

from common.weights.name_order import NameOrder


@dataclasses.dataclass(frozen=True)
class YoloOrder(NameOrder):
    """The sort order of a YOLOv3 with three anchors at each level."""

    def count_classes(self, arrays):
        """The number of classes of the file; an anchor has 4 deltas, an objectness and the classes."""
        return len(arrays[self.sort_names(arrays)[-1]]) // 3 - 5


DARKNET = {
    "YOLOv3": YoloOrder(
        "conv norm",
        ((r"^(15|22)\.", r"99.\1."), (r"running_mean$", "mean"), (r"running_var$", "variance")),
        epsilon=-1e-5,  # Darknet adds 1e-6 to the deviation, and nothing to the variance
    )
}
