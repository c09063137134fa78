"""A part of the kit for the test of extension points."""
