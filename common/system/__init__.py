"""Processes, signals, devices, random states, the machine."""
