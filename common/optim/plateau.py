"""A schedule with a linear warm-up, a plateau and a linear decay."""

from dataclasses import dataclass

from common.optim.schedules import LinearWarmupDecay
from common.optim.settings import in_range


@dataclass(kw_only=True)
class WarmupPlateauDecay(LinearWarmupDecay):
    """Linear warm-up, then the base learning rate, then linear decay to the end of the run.

    Args:
        decay_from (float): where the decay begins, as a fraction of the run; not before the end of the warm-up.
    """

    decay_from: float = in_range(0.9, least=0, most=1)

    def rate(self, step):
        total = self.bound(self.total_steps)
        start = max(self.warmup_length(), round(self.decay_from * total))
        return self.end + (self.base - self.end) * (1 - self.progress(step, total, start))
