"""``einsum`` composed from matrix products, for libraries that have none."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from pullback.backend.base import NativeArray

if TYPE_CHECKING:
    from pullback.backend.array_api.namespace import NamespaceBackend


def einsum(backend: NamespaceBackend, equation: str, operands: tuple[NativeArray, ...]) -> NativeArray:
    """The sum of products that ``equation`` names, two operands at a time from the left."""
    inputs, output = parse(equation, [len(operand.shape) for operand in operands])
    terms = [_diagonal(backend, operand, labels) for operand, labels in zip(operands, inputs, strict=True)]
    sizes: dict[str, int] = {}
    for array, labels in terms:
        for label, size in zip(labels, array.shape, strict=True):
            known = sizes.get(label, 1)
            if known != size and 1 not in (known, size):
                raise ValueError(f"einsum: the subscript {label!r} has the sizes {known} and {size}")
            sizes[label] = size if known == 1 else known
    terms = [(backend.broadcast_to(a, tuple(sizes[n] for n in labels)), labels) for a, labels in terms]
    array, labels = terms[0]
    for position, (other, other_labels) in enumerate(terms[1:], start=1):
        later = set(output).union(*(remaining for _, remaining in terms[position + 1 :]))
        array, labels = _contract(backend, array, labels, other, other_labels, later)
    array, labels = _sum_out(backend, array, labels, set(output))
    return backend.permute_dims(array, tuple(labels.index(label) for label in output))


def parse(equation: str, dims: list[int]) -> tuple[list[str], str]:
    """The labels of each operand and of the result; dimensions under an ellipsis get labels of their own."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(dims):
        raise ValueError(f"einsum: {len(inputs)} operands in the equation {equation!r}, {len(dims)} given")
    spare = [chr(code) for code in range(0x100, 0x200)]
    widest = 0
    for number, (labels, dim) in enumerate(zip(inputs, dims, strict=True)):
        hidden = dim - len(labels.replace("...", ""))
        if hidden < 0 or (hidden and "..." not in labels):
            raise ValueError(f"einsum: the subscripts {labels!r} do not fit operand {number} with {dim} dimensions")
        widest = max(widest, hidden)
        inputs[number] = labels.replace("...", "".join(spare[len(spare) - hidden :]))
    ellipsis = "".join(spare[len(spare) - widest :])
    if arrow:
        return inputs, right.replace("...", ellipsis)
    everything = "".join(inputs)
    once = sorted(n for n in set(everything) if everything.count(n) == 1 and n not in ellipsis)
    return inputs, ellipsis + "".join(once)


def _diagonal(backend: NamespaceBackend, array: NativeArray, labels: str) -> tuple[NativeArray, str]:
    """The array with each label once: the diagonal of those that repeat."""
    for label in labels:
        if labels.count(label) > 1:
            axes = [axis for axis, other in enumerate(labels) if other == label]
            index = backend.xp.arange(array.shape[axes[0]])
            rest = [axis for axis in range(len(labels)) if axis not in axes]
            array = backend.permute_dims(array, (*axes, *rest))
            array = backend.getitem(array, (index,) * len(axes))
            labels = label + "".join(labels[axis] for axis in rest)
            return _diagonal(backend, array, labels)
    return array, labels


def _sum_out(backend: NamespaceBackend, array: NativeArray, labels: str, keep: set[str]) -> tuple[NativeArray, str]:
    axes = tuple(axis for axis, label in enumerate(labels) if label not in keep)
    if not axes:
        return array, labels
    return backend.sum(array, axis=axes), "".join(label for label in labels if label in keep)


def _contract(
    backend: NamespaceBackend, x: NativeArray, x_labels: str, y: NativeArray, y_labels: str, later: set[str]
) -> tuple[NativeArray, str]:
    x, x_labels = _sum_out(backend, x, x_labels, later | set(y_labels))
    y, y_labels = _sum_out(backend, y, y_labels, later | set(x_labels))
    shared = [label for label in x_labels if label in y_labels]
    batch = "".join(label for label in shared if label in later)
    summed = "".join(label for label in shared if label not in later)
    rows = "".join(label for label in x_labels if label not in y_labels)
    columns = "".join(label for label in y_labels if label not in x_labels)
    size = dict(zip(x_labels + y_labels, x.shape + y.shape, strict=True))

    def count(labels: str) -> int:
        return prod(size[label] for label in labels)

    def arranged(array: NativeArray, labels: str, order: str, shape: tuple[int, ...]) -> NativeArray:
        return backend.reshape(backend.permute_dims(array, tuple(labels.index(n) for n in order)), shape)

    left = arranged(x, x_labels, batch + rows + summed, (count(batch), count(rows), count(summed)))
    right = arranged(y, y_labels, batch + summed + columns, (count(batch), count(summed), count(columns)))
    labels = batch + rows + columns
    return backend.reshape(backend.matmul(left, right), tuple(size[label] for label in labels)), labels
