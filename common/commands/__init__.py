"""The mains of the command-line tools; none imports PaddlePaddle before the command line is known to be right."""
