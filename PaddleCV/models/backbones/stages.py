"""What every backbone of stages does: run them, keep some outputs, freeze the first of them."""

from ..layers import freeze


def stage_features(x, stages, out_indices):
    """The outputs of the stages named by `out_indices`, the finest first, of x that goes through all of them."""
    features = []
    for index, stage in enumerate(stages):
        x = stage(x)
        if index in out_indices:
            features.append(x)
    return features


def freeze_first(stem, stages, count):
    """Freezes the first `count` stages and what is before them (a layer or None); 0 freezes nothing."""
    if count and stem is not None:
        freeze(stem)
    for stage in stages[:count]:
        freeze(stage)
