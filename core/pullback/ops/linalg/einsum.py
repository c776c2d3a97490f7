"""Einstein summation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Sample, composite
from pullback.tensor import Tensor

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NOTHING_GIVEN = (
    "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts"
    " list"
)


def _einsum_samples(make: Any) -> Iterator[Sample]:
    yield Sample("ij,jk->ik", make(2, 3), make(3, 2))
    yield Sample("ii->i", make(3, 3))
    yield Sample("ij,jk", make(2, 3), make(3, 2))
    yield Sample("ij->", make(2, 3))
    yield Sample("...ij,...jk->...ik", make(2, 1, 2, 3), make(3, 3, 2))
    yield Sample("i,j->ij", make(2), make(3))
    yield Sample("ij,ij,k->ik", make(2, 3), make(2, 3), make(2))
    yield Sample("bij,bjk->b", make(2, 2, 3), make(2, 3, 2))
    yield Sample("i,i->", make(3), make(3))
    yield Sample("ijk->kij", make(2, 3, 2))
    yield Sample("ii", make(3, 3))
    yield Sample("bij->bj", make(2, 3, 2))
    yield Sample("ij,jk,kl->il", make(2, 3), make(3, 2), make(2, 2))
    yield Sample("ij,jk->ik", make(2, 0), make(0, 3))
    yield Sample("iij->j", make(2, 2, 3))
    yield sampling.values_only("ij,jk->ik", sampling.whole(make, 3, 65), sampling.whole(make, 65, 2))


@composite(method=False, samples=_einsum_samples)
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products of the operands' elements, over the dimensions whose letters the result lacks.

    Parameters
    ----------
    equation : str
        Each operand's dimensions as letters, separated by commas, then ``->`` and the result's. ``...`` stands for
        dimensions that broadcast. Without ``->`` the result has the letters that occur once, in alphabetical order.
    *operands : Tensor
        ``einsum(op1, [0, 1], op2, [1, 2], [0, 2])``, with numbers for letters, works too.

    Raises
    ------
    RuntimeError
        For an equation that does not fit the operands.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.einsum("ij,ij->i", pb.ones(2, 3), pb.ones(2, 3))
    tensor([3., 3.])
    """
    if isinstance(equation, Tensor):
        equation, operands = _equation_of_sublists((equation, *operands))
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type(equation).__name__}")
    if not operands:
        raise ValueError(_NOTHING_GIVEN)
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    tensors: Sequence[Tensor] = operands
    left, arrow, right = equation.partition("->")
    inputs = _input_labels(left, tensors)
    covered = [t.ndim - len(labels) + 1 for t, labels in zip(tensors, inputs, strict=True) if "..." in labels]
    spread = max(covered, default=0)
    output = _output_labels(right, inputs) if arrow else _implicit_output(inputs)
    # Dimensions under the ellipsis get names of their own, numbers counted from the last.
    hidden = [str(number) for number in range(spread, 0, -1)]
    out = [name for label in output for name in (hidden if label == "..." else [label])]
    named = [_named(t, labels, hidden) for t, labels in zip(tensors, inputs, strict=True)]
    everything = {name for _, names in named for name in names}
    summed = [name for name in hidden if name not in out]
    summed += [name for name in _LETTERS if name in everything and name not in out]
    return _contract(_aligned(named, [*out, *summed]), len(out))


def _equation_of_sublists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation and operands of ``einsum(op1, [0, 1], op2, [1, 2], [0, 2])``."""

    def letters(sublist: Any) -> str:
        text = ""
        for label in sublist:
            if label is Ellipsis:
                text += "..."
            elif not 0 <= label < len(_LETTERS):
                raise ValueError(f"einsum(): subscript {label} is not within the valid range [0, 52)")
            else:
                text += _LETTERS[label]
        return text

    if len(arguments) < 2:
        raise ValueError(_NOTHING_GIVEN)
    equation = ",".join(letters(sublist) for sublist in arguments[1::2])
    if len(arguments) % 2:
        equation += "->" + letters(arguments[-1])
        arguments = arguments[:-1]
    return equation, arguments[::2]


def _labels(text: str, where: str, start: int) -> list[str]:
    """The labels of one operand or of the result: letters and perhaps an ellipsis."""
    labels: list[str] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if letter == ".":
            if "..." in labels:
                raise RuntimeError(f"einsum(): found '.' for {where} for which an ellipsis was already found")
            if text[place : place + 3] != "...":
                raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis")
            labels.append("...")
            place += 3
            continue
        if letter != " ":
            if letter not in _LETTERS:
                raise RuntimeError(
                    f"einsum(): invalid subscript given at index {start + place} in the equation string, subscripts"
                    " must be in [a-zA-Z]"
                )
            labels.append(letter)
        place += 1
    return labels


def _input_labels(left: str, tensors: Sequence[Tensor]) -> list[list[str]]:
    inputs = []
    start = 0
    for number, text in enumerate(left.split(",")):
        inputs.append(_labels(text, f"operand {number}", start))
        start += len(text) + 1
    if len(inputs) != len(tensors):
        what = "fewer operands were provided" if len(inputs) > len(tensors) else "more operands were provided"
        raise RuntimeError(f"einsum(): {what} than specified in the equation")
    for number, (labels, tensor) in enumerate(zip(inputs, tensors, strict=True)):
        letters = len(labels) - labels.count("...")
        if letters > tensor.ndim and "..." in labels:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) is more than the number of dimensions"
                f" ({tensor.ndim}) for operand {number}"
            )
        if letters != tensor.ndim and "..." not in labels:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) does not match the number of"
                f" dimensions ({tensor.ndim}) for operand {number} and no ellipsis was given"
            )
    return inputs


def _output_labels(right: str, inputs: list[list[str]]) -> list[str]:
    output = _labels(right, "output", 0)
    for label in output:
        if label != "..." and not any(label in labels for labels in inputs):
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
        if output.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
    return output


def _implicit_output(inputs: list[list[str]]) -> list[str]:
    everything = [label for labels in inputs for label in labels]
    ellipsis = ["..."] if "..." in everything else []
    return ellipsis + [label for label in _LETTERS if everything.count(label) == 1]


def _named(tensor: Tensor, labels: list[str], hidden: list[str]) -> tuple[Tensor, list[str]]:
    """An operand and a name for each of its dimensions."""
    covered = tensor.ndim - (len(labels) - 1)
    own = hidden[len(hidden) - covered :] if covered > 0 else []
    return tensor, [name for label in labels for name in (own if label == "..." else [label])]


def _aligned(named: list[tuple[Tensor, list[str]]], order: list[str]) -> list[Tensor]:
    """The operands with the same dimensions, in the given order: repeated ones replaced by the diagonal, missing ones
    of size 1."""
    sizes: dict[str, int] = {}
    aligned = []
    for number, (tensor, names) in enumerate(named):
        names = list(names)
        for place in range(len(names) - 1, -1, -1):
            first = names.index(names[place])
            if first == place:
                continue
            size, repeated = tensor.array.shape[first], tensor.array.shape[place]
            if size != repeated:
                raise RuntimeError(
                    f"einsum(): subscript {names[place]} is repeated for operand {number} but the sizes don't match,"
                    f" {repeated} != {size}"
                )
            tensor = ops.movedim(ops.diagonal(tensor, 0, first, place), -1, first)
            del names[place]
        for name, size in zip(names, tensor.shape, strict=True):
            seen = sizes.get(name, 1)
            if size != 1:
                if seen not in (1, size):
                    raise RuntimeError(
                        f"einsum(): subscript {name} has size {size} for operand {number} which does not broadcast with"
                        f" previously seen size {seen}"
                    )
                sizes[name] = size
        missing = [name for name in order if name not in names]
        for _ in missing:
            tensor = ops.unsqueeze(tensor, -1)
        names += missing
        aligned.append(ops.permute(tensor, tuple(names.index(name) for name in order)))
    return aligned


def _contract(operands: list[Tensor], out_dims: int) -> Tensor:
    """Multiply the operands one after another, and sum over each dimension after the first ``out_dims`` as soon as no
    later operand has it."""
    result, *others = operands
    if not others:
        summed = tuple(range(out_dims, result.ndim))
        return ops.sum(result, summed) if summed else result
    left_in = [0] * result.ndim  # how many operands that are still to come have the dimension
    for other in others:
        for dim, size in enumerate(other.shape):
            left_in[dim] += size != 1
    for other in others:
        early, late, together = [], [], []
        for dim in range(out_dims, result.ndim):
            in_result, in_other = result.shape[dim] != 1, other.shape[dim] != 1
            left_in[dim] -= in_other
            if left_in[dim]:
                continue
            if in_result and in_other:
                together.append(dim)
            elif in_result:
                early.append(dim)
            elif in_other:
                late.append(dim)
        if early:
            result = ops.sum(result, tuple(early), True)
        if late:
            other = ops.sum(other, tuple(late), True)
        result = pair_product(result, other, together)
    return ops.view(result, tuple(result.shape[:out_dims])) if result.ndim > out_dims else result


def pair_product(left: Tensor, right: Tensor, summed: list[int]) -> Tensor:
    """The product of two tensors with the same number of dimensions, summed over some, which keep size 1."""
    if not summed:
        return ops.mul(left, right)
    both: list[int] = []
    rows: list[int] = []
    columns: list[int] = []
    for dim in range(left.ndim):
        if dim in summed:
            continue
        in_left, in_right = left.shape[dim] != 1, right.shape[dim] != 1
        (both if in_left and in_right else rows if in_left else columns).append(dim)

    def count(tensor: Tensor, dims: list[int]) -> int:
        product = 1
        for dim in dims:
            product *= tensor.shape[dim]
        return product

    batch, inner = count(left, both), count(left, summed)
    sizes = [
        *(left.shape[d] for d in (*both, *rows)),
        *(1 for _ in summed),
        *(right.shape[d] for d in columns),
    ]
    order = [*both, *rows, *summed, *columns]
    left = ops.reshape(ops.permute(left, tuple(order)), (batch, count(left, rows), inner))
    right = ops.reshape(ops.permute(right, (*both, *summed, *columns, *rows)), (batch, inner, count(right, columns)))
    product = ops.view(ops.bmm(left, right), tuple(sizes))
    return ops.permute(product, tuple(order.index(dim) for dim in range(len(order))))
