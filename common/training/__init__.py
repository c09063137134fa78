"""Training: the loop, its components and callbacks, and the set-up of a run."""
