"""``vmap``, the vectorizing map: a function of one example, for all examples at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback.batching.levels import Level, LevelArray
from pullback.tensor import Tensor
from pullback.tensor.levels import in_transform
from pullback.tensor.registry import registry
from pullback.tensor.trees import described, flatten, spread, unflatten

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function of one example as a function of many: it runs once, on all examples at the same time.

    Parameters
    ----------
    func : callable
        Takes and returns tensors, or nested structures of them, without the mapped dimension.
    in_dims : int or nested structure of int and None
        Which dimension of each positional argument to map over; None for an argument that is the same for all.
    out_dims : int or nested structure of int and None
        Where the mapped dimension goes in each result.
    randomness : {"error", "different", "same"}
        What operations that draw random numbers do: they are refused, draw for each example, or draw once.
    chunk_size : int, optional
        How many examples to take at a time; all of them by default.

    Returns
    -------
    callable
        Takes arguments with one more dimension, and returns results with one more.

    Raises
    ------
    ValueError
        When it is called, for ``in_dims`` or ``out_dims`` that do not fit the arguments or results.
    RuntimeError
        When it is called, for what cannot be mapped over, such as control flow that depends on elements.

    Examples
    --------
    >>> import pullback as pb
    >>> def dot(x, y):
    ...     return (x * y).sum()
    >>> pb.vmap(dot)(pb.tensor([[1., 2.], [3., 4.]]), pb.ones(2, 2))
    tensor([3., 7.])
    >>> pb.vmap(dot, in_dims=(1, None))(pb.tensor([[1., 2.], [3., 4.]]), pb.ones(2))
    tensor([4., 6.])
    """
    check_randomness(randomness)
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        return _map(func, in_dims, out_dims, randomness, chunk_size, args, kwargs)

    return mapped


def check_randomness(randomness: str) -> None:
    """Refuse an unknown way to draw random numbers."""
    if randomness not in _RANDOMNESS:
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")


def _map(
    func: Callable[..., Any],
    in_dims: Any,
    out_dims: Any,
    randomness: str,
    chunk_size: int | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if not all(d is None or isinstance(d, int) for d in flatten(out_dims)[0]):
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of"
            " ints representing where in the outputs the vmapped dimension should appear."
        )
    values, structure = flatten(args)
    dims, size = _checked_inputs(func, in_dims, args, values)
    if chunk_size is None or size <= chunk_size:
        leaves, made, _ = _run(func, out_dims, randomness, size, values, dims, structure, kwargs)
        return unflatten(made, leaves)
    results: list[list[Any]] = []
    for start in range(0, size, chunk_size):
        count = min(chunk_size, size - start)
        part = [v if d is None else v.narrow(d, start, count) for v, d in zip(values, dims, strict=True)]
        leaves, made, places = _run(func, out_dims, randomness, count, part, dims, structure, kwargs)
        results.append(leaves)
    cat = registry["cat"].call
    joined = [
        column[0] if place is None else cat(list(column), place)
        for place, column in zip(places, zip(*results, strict=True), strict=True)
    ]
    return unflatten(made, joined)


def _name(func: Any) -> str:
    if hasattr(func, "__name__"):
        name: str = func.__name__
        return name
    return f"functools.partial({_name(func.func)}, ...)" if isinstance(func, functools.partial) else repr(func)


def _checked_inputs(
    func: Callable[..., Any], in_dims: Any, args: tuple[Any, ...], values: list[Any]
) -> tuple[list[int | None], int]:
    """Which dimension of each argument to map over, and how many examples there are."""
    called = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple) or isinstance(in_dims, bool):
        raise ValueError(
            f"{called}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs,"
            f" got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap"
            " over a function with no inputs. The latter is unsupported."
        )
    given = spread(in_dims, args)
    if given is None:
        raise ValueError(
            f"{called}: in_dims is not compatible with the structure of `inputs`. in_dims has structure"
            f" {described(in_dims)} but inputs has structure {described(args)}."
        )
    dims: list[int | None] = []
    for value, dim in zip(values, given, strict=True):
        if dim is None:
            dims.append(None)
            continue
        if not isinstance(dim, int):
            raise ValueError(
                f"{called}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(value, Tensor):
            raise ValueError(
                f"{called}: Got in_dim={dim} for an input but the input is of type {type(value)}. We cannot vmap over"
                " non-Tensor arguments, please use None as the respective in_dim"
            )
        ndim = value.ndim
        if not -ndim <= dim < ndim:
            raise ValueError(
                f"{called}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {ndim} so"
                f" expected in_dim to satisfy -{ndim} <= in_dim < {ndim}."
            )
        dims.append(dim % ndim)
    sizes = [int(v.array.shape[d]) for v, d in zip(values, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes"
            f" {sizes} for the mapped dimension"
        )
    return dims, sizes[0]


def _run(
    func: Callable[..., Any],
    out_dims: Any,
    randomness: str,
    size: int,
    values: Sequence[Any],
    dims: Sequence[int | None],
    structure: Any,
    kwargs: dict[str, Any],
) -> tuple[list[Any], Any, list[int | None]]:
    """The function's results with the mapped dimension, their structure, and where that dimension is."""
    with Level(size, randomness) as level:
        inside = [v if d is None else level.wrap(v, d) for v, d in zip(values, dims, strict=True)]
        result = in_transform(func, *unflatten(structure, inside), **kwargs)
        leaves, made = flatten(result)
        places = spread(out_dims, result)
        if places is None and isinstance(out_dims, tuple) and len(out_dims) == 1 and isinstance(result, Tensor):
            places = list(out_dims)
        if places is None:
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the"
                f" structure of `outputs`. out_dims has structure {described(out_dims)} but outputs has structure"
                f" {described(result)}."
            )
        outside = [_unwrapped(func, level, leaf, place) for leaf, place in zip(leaves, places, strict=True)]
    return outside, made, places


def _unwrapped(func: Callable[..., Any], level: Level, leaf: Any, place: int | None) -> Any:
    """One result with its mapped dimension at ``place``."""
    if not isinstance(leaf, Tensor):
        if place is None:
            return leaf
        raise ValueError(
            f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type {type(leaf)}. Did you mean"
            " to set out_dims= to None for output?"
        )
    value, dim = leaf, None
    if leaf.backend.level >= level.number:
        array: LevelArray = level.lift(leaf).array
        value, dim = array.value, array.batch_dim
    if place is None:
        if dim is not None:
            raise ValueError(
                f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor when out_dim is None"
            )
        return value
    if dim is None:
        assert level.batch_size is not None
        wide = value.unsqueeze(place)
        shape = list(wide.array.shape)
        shape[place] = level.batch_size
        return wide.expand(tuple(shape))
    if place == dim or place + value.array.ndim == dim:
        return value
    return value.movedim(dim, place)
