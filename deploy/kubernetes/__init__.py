"""Manifests for Kubernetes: training on Ray by the KubeRay operator, and serving of what is published."""
