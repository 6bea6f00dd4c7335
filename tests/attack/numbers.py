"""When two tensors are the same but for rounding."""

from __future__ import annotations

import torch

TOLERANCE = 1e-6


def close(one: torch.Tensor, other: torch.Tensor, tolerance: float = TOLERANCE) -> bool:
    """Return whether two tensors are equal within a part of the largest number of the second; NaN equals NaN."""
    if one.dtype == torch.bool:
        return torch.equal(one, other)
    scale = float(other.detach().abs().nan_to_num(0, 0, 0).max()) if other.numel() else 0.0
    return torch.allclose(one, other, rtol=tolerance, atol=tolerance * max(1.0, scale), equal_nan=True)
