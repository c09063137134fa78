"""Generative adversarial networks: generator, discriminator and losses put together."""
