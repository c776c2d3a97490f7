"""Where the elements of a tensor of PyTorch lie, and how large they are."""

from __future__ import annotations

import torch


def name_of(dtype: torch.dtype) -> str:
    """A dtype without the library's name."""
    return str(dtype).removeprefix("torch.")


def size(tensor: torch.Tensor) -> float:
    """The largest magnitude among the elements; 0 for none."""
    if not tensor.numel():
        return 0.0
    values = tensor.detach()
    return float(values.abs().max()) if values.dtype != torch.bool else 1.0


def addresses(tensor: torch.Tensor) -> list[int]:
    """Where each element begins."""
    found = [tensor.data_ptr()]
    for length, stride in zip(tensor.shape, tensor.stride(), strict=True):
        found = [a + i * stride * tensor.element_size() for a in found for i in range(length)]
    return found


def overlaps_itself(tensor: torch.Tensor) -> bool:
    """Whether two elements are one piece of memory."""
    places = addresses(tensor)
    return len(set(places)) < len(places)


def occupied(tensor: torch.Tensor) -> set[int]:
    """Each byte of the elements."""
    return {a + i for a in addresses(tensor) for i in range(tensor.element_size())}


def overlap(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether the tensors have memory in common."""
    return bool(occupied(first) & occupied(second))


def is_dense(t: torch.Tensor) -> bool:
    """Whether the elements lie without gaps and without overlap, in whatever order."""
    places = addresses(t)
    return len(set(places)) == len(places) and (
        not places or max(places) - min(places) == (len(places) - 1) * t.element_size()
    )


def overlaps_unnoticed(t: torch.Tensor) -> bool:
    """Whether elements overlap in a way that PyTorch does not look for: what a write gives is its loops' order."""
    return overlaps_itself(t) and not any(
        stride == 0 and length > 1 for length, stride in zip(t.shape, t.stride(), strict=True)
    )
