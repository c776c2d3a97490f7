"""Jacobians and Hessians of functions: one pass for each row or column, all of them at once by ``vmap``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pullback.func.differentiation import checked_argnums, jvp_with, vjp_with
from pullback.func.mapping import check_randomness, vmap
from pullback.ops.creation.filled import eye
from pullback.tensor import Tensor
from pullback.tensor.registry import registry
from pullback.tensor.trees import flatten, unflatten


def unit_tangents(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """For each tensor, one tensor for each element of all of them: 1 at that element and 0 elsewhere.

    Examples
    --------
    >>> import pullback as pb
    >>> unit_tangents([pb.zeros(2), pb.zeros(1)])
    (tensor([[1., 0.],
            [0., 1.],
            [0., 0.]]), tensor([[0.],
            [0.],
            [1.]]))
    """
    counts = [t.numel() for t in tensors]
    total = sum(counts)
    parts, before = [], 0
    for tensor, count in zip(tensors, counts, strict=True):
        while tensor.backend.level:
            tensor = _shaped_as(tensor)
        units = eye(total, dtype=tensor.dtype, device=tensor.device, backend=tensor.backend)
        parts.append(units.narrow(1, before, count).reshape((total, *tensor.shape)))
        before += count
    return tuple(parts)


def _shaped_as(tensor: Tensor) -> Tensor:
    """A tensor of the level beneath, with shape and dtype of one example."""
    value: Tensor = tensor.array.value
    return value.new_empty(tuple(tensor.shape))


def _refuse_complex(function: str, what: str, leaves: Iterable[Any]) -> None:
    """Refuse complex numbers, of which one number is no derivative."""
    for number, leaf in enumerate(leaves):
        if isinstance(leaf, Tensor) and leaf.dtype.is_complex:
            raise RuntimeError(
                f"{function}: Expected all {what} to be real but received complex tensor at flattened input idx:"
                f" {number}"
            )


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that computes the Jacobian of ``func``, in reverse mode: one backward pass for each output element.

    Parameters
    ----------
    func : callable
        Returns tensors in any structure.
    argnums : int or tuple of int
        The positional arguments to differentiate by.
    has_aux : bool
        Whether ``func`` returns a second thing, not to be differentiated, which then comes back with the Jacobian.
    chunk_size : int, optional
        How many passes run at the same time; all of them by default. With 1 they run one after the other, without
        :func:`vmap` and what it asks of the function.

    Returns
    -------
    callable
        Its result has the structure of the output, and in it that of the arguments; each tensor the shape of the output
        followed by that of the argument.

    Raises
    ------
    RuntimeError
        When it is called, for complex arguments or results, and as :func:`vjp`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.func.jacrev(lambda x: x ** 2)(pb.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        _refuse_complex("jacrev", "inputs", flatten(args)[0])
        output, pull, aux, _ = vjp_with(func, args, has_aux, argnums)
        outputs, output_structure = flatten(output)
        _refuse_complex("jacrev", "outputs", outputs)
        counts = [o.numel() for o in outputs]
        units = unit_tangents(outputs)

        def pull_units(units: Any) -> list[Tensor]:
            return flatten(pull(unflatten(output_structure, list(units))))[0]

        inputs, input_structure = flatten(
            args[argnums] if isinstance(argnums, int) else tuple(args[a] for a in argnums)
        )
        if not sum(counts):
            rows = [i.new_empty((0, *i.shape)) for i in inputs]
        elif chunk_size == 1:  # a loop, without what vmap asks of the function
            passes = [pull_units(unit) for unit in zip(*(u.unbind() for u in units), strict=True)]
            rows = [registry["stack"].call(list(column)) for column in zip(*passes, strict=True)]
        else:
            rows = vmap(pull_units, chunk_size=chunk_size)(units)
        columns = [row.split_with_sizes(counts, 0) for row in rows]
        blocks = [
            unflatten(
                input_structure,
                [c[number].reshape((*o.shape, *i.shape)) for c, i in zip(columns, inputs, strict=True)],
            )
            for number, o in enumerate(outputs)
        ]
        result = unflatten(output_structure, blocks)
        return (result, aux) if has_aux else result

    return jacobian


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The function that computes the Jacobian of ``func``, in forward mode: one pass for each input element.

    Parameters
    ----------
    func : callable
        Returns tensors in any structure.
    argnums : int or tuple of int
        The positional arguments to differentiate by.
    has_aux : bool
        Whether ``func`` returns a second thing, not to be differentiated, which then comes back with the Jacobian.
    randomness : {"error", "different", "same"}
        What operations that draw random numbers do, as for :func:`vmap`.

    Returns
    -------
    callable
        Its result is as that of :func:`jacrev`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.func.jacfwd(lambda x: x ** 2)(pb.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    def real(*args: Any) -> Any:
        found = func(*args)
        _refuse_complex("jacfwd", "outputs", flatten(found[0] if has_aux and isinstance(found, tuple) else found)[0])
        return found

    pushed = pushed_forward(real, argnums, has_aux, randomness)

    @functools.wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        _refuse_complex("jacfwd", "inputs", flatten(args)[0])
        return pushed(*args)

    return jacobian


def pushed_forward(
    func: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool = False, randomness: str = "error"
) -> Callable[..., Any]:
    """As :func:`jacfwd`, of complex numbers too."""

    def jacobian(*args: Any) -> Any:
        check_randomness(randomness)
        chosen = tuple(args[p] for p in checked_argnums(argnums, len(args)))
        inputs, input_structure = flatten(chosen)
        units = unit_tangents(inputs)

        def push(directions: Any) -> Any:
            found = jvp_with(func, args, unflatten(input_structure, list(directions)), False, has_aux, argnums)
            return (found[1], found[2]) if has_aux else found[1]

        pushed = vmap(push, randomness=randomness, out_dims=(0, None) if has_aux else 0)(units)
        tangents, aux = pushed if has_aux else (pushed, None)
        outputs, output_structure = flatten(tangents)
        counts = [i.numel() for i in inputs]
        blocks = []
        for output in outputs:
            parts = output.movedim(0, -1).split_with_sizes(counts, -1)
            shaped = [p.reshape((*output.shape[1:], *i.shape)) for p, i in zip(parts, inputs, strict=True)]
            block = unflatten(input_structure, shaped)
            blocks.append(block[0] if isinstance(argnums, int) else block)
        result = unflatten(output_structure, blocks)
        return (result, aux) if has_aux else result

    return jacobian


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes the Hessian of ``func``: the forward-mode Jacobian of its reverse-mode Jacobian.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int
        The positional arguments to differentiate by.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.func.hessian(lambda x: (x ** 3).sum())(pb.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
