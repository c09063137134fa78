"""Model compression: pruning, quantization, distillation, architecture search."""
