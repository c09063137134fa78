"""Video classification: the best classes of each video as records, and videos with their names drawn."""

from common.inference.tasks.image_classification import ImageClassification


class VideoClassification(ImageClassification):
    """Video classification: the best classes of each video, as those of images are found.

    Args:
        n_best (int): classes of a video at most.
        threshold (float): classes that score less are left out.
        decision (float): of two classes, the score from which the second one is the answer; the class that scores
            higher when None.
    """

    input = "video"

    def draw_at(self, frame, records, seconds):
        """A copy of a frame (RGB uint8 [H, W, 3]) with the classes of its video; `seconds` is its time."""
        return self.draw(frame, records)
