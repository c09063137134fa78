"""The task of pricing places."""
