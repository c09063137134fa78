"""A pool of generated images (https://arxiv.org/abs/1612.07828, section 2.3): discriminators see earlier ones too.

Shapes in this file:
    N images of D channels and H x W pixels, at most P in the pool.
"""

import numpy as np
import paddle


class ImagePool:
    """Keeps the last images at random; half of those asked for are exchanged for earlier ones once it is full.

    Its choices come from PaddlePaddle's random generator, which checkpoints hold.

    Args:
        size (int): P; 0 for no pool.
    """

    def __init__(self, size):
        if size < 0:
            raise ValueError(f"ImagePool got size {size}; allowed: 0 or more")
        self.size = size
        self.images = None

    def exchange(self, images):
        """Images [N, D, H, W] without gradients, of which some are earlier ones that these replace in the pool."""
        images = images.detach()
        if not self.size:
            return images
        new = images.numpy()
        if self.images is None or self.images.shape[1:] != new.shape[1:]:
            self.images = np.zeros((0, *new.shape[1:]), np.float32)
        for row in range(len(new)):
            if len(self.images) < self.size:
                self.images = np.concatenate([self.images, new[row : row + 1]])
            elif paddle.rand([1]).item() > 0.5:
                place = int(paddle.randint(0, self.size, [1]).item())
                earlier = self.images[place].copy()
                self.images[place], new[row] = new[row], earlier
        return paddle.to_tensor(new)

    def state(self):
        """{"images": float32 [P, D, H, W]}; empty before the first image."""
        return {} if self.images is None else {"images": self.images.copy()}

    def load(self, arrays):
        """The inverse of :meth:`state`."""
        self.images = np.array(arrays["images"], np.float32) if "images" in arrays else None
