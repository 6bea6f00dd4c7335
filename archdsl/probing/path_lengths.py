"""The gradient by path length, as Veit et al. 2016 (arXiv:1605.06431, section 4.3) measure it.

For a length k, k residual blocks are chosen at random. In the backward pass, these let gradients pass through their residual
branch alone, and the others through their skip connection alone: what arrives at the first block came through one path.
"""

from __future__ import annotations

import torch
from torch import Tensor

from archdsl.probing.measure import with_gradients
from archdsl.probing.measurements import PathLengths
from archdsl.probing.recording import Gates, Recording
from archdsl.probing.residual_blocks import residual_blocks
from archdsl.probing.subject import Subject
from archdsl.probing.tracing import Traced


def path_lengths(subject: Subject, still: Traced, samples: int) -> PathLengths | None:
    """Return the gradient by path length from so many random paths of each length; None without residual blocks.

    In `still`, examples do not depend on each other, so that each example of a backward pass takes a path of its own.
    """
    blocks = residual_blocks(still)
    if not blocks:
        return None
    gates = Gates(blocks)
    first = blocks[0].fork
    recording = Recording(still, [first], gates)
    objective = subject.objective(recording.run(*with_gradients(subject.inputs)))
    start = recording.values[first]
    paths, lengths = _paths(len(blocks), samples, subject)
    sums = [0.0] * (len(blocks) + 1)
    for at in range(0, len(lengths), subject.batch):
        chosen = paths[at : at + subject.batch]
        missing = subject.batch - len(chosen)
        gates.residual = torch.cat([chosen, chosen.new_zeros(missing, len(blocks))]).T
        (gradient,) = torch.autograd.grad(objective, start, retain_graph=True)
        norms = gradient.double().flatten(1).norm(dim=1) * subject.batch
        for length, norm in zip(lengths[at : at + subject.batch], norms.tolist(), strict=False):
            sums[length] += norm
    counts = [lengths.count(length) for length in range(len(sums))]
    return PathLengths([total / count for total, count in zip(sums, counts, strict=True)], samples)


def _paths(blocks: int, samples: int, subject: Subject) -> tuple[Tensor, list[int]]:
    """Return random paths [paths, blocks], and the length of each. Lengths alternate, so that all meet different examples."""
    generator = subject.generator(2)
    lengths = [length for _ in range(samples) for length in range(blocks + 1)]
    order = torch.rand(len(lengths), blocks, generator=generator).argsort(1).argsort(1)
    return (order < torch.tensor(lengths)[:, None]).float(), lengths
