"""Hyperparameter and architecture search on Optuna: search space, strategies, trials, parallel workers."""
