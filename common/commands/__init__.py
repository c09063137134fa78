"""The mains of the command-line tools; nothing here imports PaddlePaddle before the command line is known to be right."""
