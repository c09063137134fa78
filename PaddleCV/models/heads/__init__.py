"""Parts that turn feature maps into predictions."""
