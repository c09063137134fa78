"""Entry points of the command-line tools; arguments and configurations are checked before PaddlePaddle is imported."""
