"""Tracking of one object by a model that learns it while tracking."""

from common.inference.tasks.object_tracking import ObjectTracking


class OnlineTracking(ObjectTracking):
    """The box of an object in every frame, see :mod:`common.inference.online_tracks`; the score is that of the filter.

    Args:
        threshold (float): frames in which the object scores less are left out.
    """
