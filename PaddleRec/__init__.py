"""Recommendation on PaddlePaddle: rankers, matchers, sparse tables, streams of rows."""
