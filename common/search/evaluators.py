"""Starting points of the trials of a search: from scratch, or from the model of an earlier one.

FullTrail trains every trial from scratch.  PopulationBased starts the trials of every round but the first from the
models of the better half of all trials so far, in turn, and trains each for few epochs (compare Jaderberg et al.,
Population Based Training of Neural Networks, arXiv:1711.09846).
"""

from common.search.report import rank_trials
from common.search.study import position_of


class PopulationBased:
    """Chooses the trial whose model a trial starts from.

    Args:
        popsize (int): trials of a round.
    """

    def __init__(self, popsize):
        self.popsize = popsize

    def __call__(self, study, number):
        """The folder of the earlier trial, or None in the first round and as long as none has a score.

        Args:
            study (Study): of the search.
            number (int): of the trial.
        """
        position = position_of(study, number)
        scored = [t for t in rank_trials(study) if t.value is not None and t.number != number]
        if position < self.popsize or not scored:
            return None
        better = scored[: (len(scored) + 1) // 2]
        return better[position % self.popsize % len(better)].user_attrs["folder"]
