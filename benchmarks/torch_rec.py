"""The DeepFM step of rec.py in torch, with sparse gradients; run by it, in a separate environment."""

import itertools
import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class DeepFM(nn.Module):
    """The same layers as PaddleRec's, without number columns."""

    def __init__(self, fields, rows, width, hidden):
        super().__init__()
        self.table = nn.Embedding(rows, 1 + width, sparse=True)
        nn.init.normal_(self.table.weight, std=0.01)
        sizes = [fields * width, *hidden]
        layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.deep = nn.Sequential(*layers, nn.Linear(hidden[-1], 1))

    def forward(self, ids):
        rows = self.table(ids)
        first, vectors = rows[:, :, 0], rows[:, :, 1:]
        pairs = 0.5 * (vectors.sum(1) ** 2 - (vectors**2).sum(1)).sum(1)
        return first.sum(1) + pairs + self.deep(vectors.flatten(1)).squeeze(1)


def main(rows, steps, threads):
    """Prints the wall and CPU seconds of each step."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = DeepFM(26, rows, 16, [400, 400, 400])
    table = list(model.table.parameters())
    sparse, dense = torch.optim.SparseAdam(table, 1e-3), torch.optim.Adam(model.deep.parameters(), 1e-3)
    wall, cpu = [], []
    for _ in range(steps + 3):
        ids = torch.from_numpy(rng.integers(0, rows, (2048, 26)))
        labels = torch.from_numpy(rng.integers(0, 2, 2048).astype("float32"))
        begun = time.perf_counter(), time.process_time()
        loss = F.binary_cross_entropy_with_logits(model(ids), labels)
        loss.backward()
        for optimizer in (sparse, dense):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        wall.append(time.perf_counter() - begun[0])
        cpu.append(time.process_time() - begun[1])
    print(json.dumps({"wall": wall[3:], "cpu": cpu[3:]}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
