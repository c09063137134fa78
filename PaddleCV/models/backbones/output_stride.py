"""Strides turned into dilation, so that a backbone keeps finer features."""

OUTPUT_STRIDES = (8, 16, 32)


class OutputStride:
    """Turns the strides of a backbone's layers, asked for in order, into dilation once features are coarse enough.

    The layer that loses its stride keeps the dilation of those before it; those after it keep their receptive field
    (https://arxiv.org/abs/1706.05587, section 3.1).

    Args:
        name (str): of the backbone, for its error.
        output_stride (int): pixels of the image to one of the coarsest features: 8, 16 or 32.
    """

    def __init__(self, name, output_stride):
        if output_stride not in OUTPUT_STRIDES:
            raise ValueError(f"{name} has output_stride 8, 16 or 32, not {output_stride}")
        self.limit, self.reached, self.dilation = output_stride, 1, 1

    def next(self, stride):
        """(stride, dilation) of the next layer, which without a limit would have this stride."""
        if self.reached < self.limit:
            self.reached *= stride
            return stride, self.dilation
        dilation = self.dilation
        self.dilation *= stride
        return 1, dilation
