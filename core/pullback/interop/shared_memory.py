"""Which tensors share memory, and how to store each piece of it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pullback.backend.geometry import Geometry
from pullback.backend.selection import get_backend
from pullback.meta.dtypes import DType, uint8
from pullback.tensor import Tensor
from pullback.tensor.geometry import places


class Memory(NamedTuple):
    """A piece of memory to store: as a tensor, and which of the tensors that is, if it is one of them."""

    tensor: Tensor
    owner: int | None


class Placement(NamedTuple):
    """A tensor's piece of memory by number, and its geometry there; None where it is that memory."""

    memory: int
    geometry: Geometry | None


class Plan(NamedTuple):
    """What to store, and how the tensors come from it."""

    memories: list[Memory]
    placements: list[Placement]


class _Span(NamedTuple):
    """The bytes from a tensor's first element to the end of its last."""

    number: int
    tensor: Tensor
    begin: int
    end: int

    def geometry(self, begin: int) -> Geometry | None:
        """The geometry counted from another address; None where that isn't a multiple of the element's size."""
        offset, rest = divmod(self.begin - begin, self.tensor.dtype.itemsize)
        return None if rest else Geometry(self.tensor.dtype, self.tensor.shape, self.tensor.stride(), offset)


def placements(tensors: Sequence[Tensor]) -> Plan:
    """How to store tensors so that those that share elements share them again when they come back."""
    found: list[Placement | None] = [None] * len(tensors)
    memories: list[Memory] = []
    for spans in _groups(tensors):
        stored = _stored(spans)
        if stored is None:
            for span in spans:
                found[span.number] = Placement(len(memories), None)
                memories.append(Memory(span.tensor, span.number))
            continue
        memory, begin = stored
        for span in spans:
            geometry = span.geometry(begin)
            same = span.number == memory.owner or (
                span.tensor.dtype is memory.tensor.dtype
                and span.tensor.shape == memory.tensor.shape
                and span.tensor.is_contiguous()
                and memory.owner is not None
            )
            found[span.number] = Placement(len(memories), None if same else geometry)
        memories.append(memory)
    return Plan(memories, [placement for placement in found if placement is not None])


def _groups(tensors: Sequence[Tensor]) -> list[list[_Span]]:
    """The tensors in groups whose spans of memory meet, in the order of their first."""
    alone: list[list[_Span]] = []
    places: dict[Any, list[_Span]] = {}
    for number, tensor in enumerate(tensors):
        strides = tensor.stride()
        if not tensor.numel() or any(stride < 0 for stride in strides):
            alone.append([_Span(number, tensor, 0, 0)])
            continue
        begin = tensor.data_ptr()
        last = sum((size - 1) * stride for size, stride in zip(tensor.shape, strides, strict=True))
        span = _Span(number, tensor, begin, begin + (last + 1) * tensor.dtype.itemsize)
        places.setdefault((tensor.backend.name, str(tensor.device)), []).append(span)
    groups = alone
    for spans in places.values():
        end = -1
        for span in sorted(spans, key=lambda span: (span.begin, -span.end, span.number)):
            if span.begin >= end:
                groups.append([])
            groups[-1].append(span)
            end = max(end, span.end)
    for group in groups:
        group.sort(key=lambda span: span.number)
    return sorted(groups, key=lambda group: group[0].number)


def _stored(spans: list[_Span]) -> tuple[Memory, int] | None:
    """The memory of a group, and its address; None where each of its tensors is stored by itself."""
    if len(spans) == 1:
        return None
    begin, end = min(span.begin for span in spans), max(span.end for span in spans)
    if any(span.geometry(begin) is None for span in spans):
        return None
    for span in spans:
        if (span.begin, span.end) == (begin, end) and span.tensor.is_contiguous() and _can_show(span.tensor, spans):
            return Memory(span.tensor, span.number), begin
    if not _share_elements(spans, begin, end):
        return None
    whole = _whole(spans, begin, end)
    return None if whole is None else (Memory(whole, None), begin)


def _can_show(tensor: Tensor, spans: list[_Span]) -> bool:
    """Whether the memory of a tensor can be seen as that of every dtype among the spans."""
    size = tensor.numel() * tensor.dtype.itemsize
    return all(span.tensor.dtype is tensor.dtype or size % span.tensor.dtype.itemsize == 0 for span in spans)


def _share_elements(spans: list[_Span], begin: int, end: int) -> bool:
    """Whether any byte belongs to two of the tensors: the columns of a matrix lie between each other and share none."""
    numpy = get_backend("numpy")
    owners = numpy.zeros((end - begin,), dtype=numpy.native_dtype(uint8))
    for span in spans:
        geometry = span.geometry(begin)
        assert geometry is not None
        itemsize = span.tensor.dtype.itemsize
        every_byte = Geometry(
            uint8,
            (*geometry.shape, itemsize),
            (*(stride * itemsize for stride in geometry.strides), 1),
            geometry.offset * itemsize,
        )

        at = places(numpy, every_byte)
        if owners[at].any():
            return True
        owners[at] = 1
    return False


def _whole(spans: list[_Span], begin: int, end: int) -> Tensor | None:
    """All the memory of a group as a vector, where one of its tensors has the storage to show it."""
    for span in spans:
        tensor = span.tensor.detach()
        itemsize = tensor.dtype.itemsize
        count, rest = divmod(end - begin, itemsize)
        offset = tensor.storage_offset() - (span.begin - begin) // itemsize
        if rest or offset < 0 or (offset + count) * itemsize > tensor.untyped_storage().nbytes():
            continue
        whole: Tensor = tensor.as_strided((count,), (1,), offset)
        if _can_show(whole, spans):
            return whole
    return None


def view_of(tensor: Tensor, dtype: DType, shape: Sequence[int], strides: Sequence[int], offset: int) -> Tensor:
    """A tensor over the memory of a contiguous one, with a graph and versions of its own."""
    flat = tensor.detach().reshape(-1)
    if flat.dtype is not dtype:
        flat = flat.view(dtype)
    view: Tensor = flat.as_strided(tuple(shape), tuple(strides), offset)
    return view.detach()
