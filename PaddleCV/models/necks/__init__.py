"""Parts that join feature maps of several levels."""
