"""From a configuration to data sets, loaders and models."""
