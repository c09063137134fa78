"""Ways to make a model smaller: pruning, quantisation, distillation, search."""
