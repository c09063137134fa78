"""Networks of point clouds: the operators, the blocks, the backbone and the models."""
