"""Which transforms are active now, in this thread and task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from weakref import ref

    from pullback.backend.base import Backend
    from pullback.batching.levels import Level
    from pullback.tensor import Tensor

#: The levels entered, outermost first.
LEVELS: ContextVar[tuple[Level, ...]] = ContextVar("pullback levels", default=())
levels = LEVELS.get
#: The levels on which no graph is recorded now although one is of what their tensors wrap, for those outside.
RECORDED_BENEATH: ContextVar[frozenset[int]] = ContextVar("pullback recorded beneath", default=frozenset())
_transforming: ContextVar[bool] = ContextVar("pullback inside a transform", default=False)
#: Whether a function is being transformed.
transforming = _transforming.get


#: The tensors written in place, with a history, by the function being differentiated.
WRITTEN: ContextVar[list[ref[Tensor]] | None] = ContextVar("pullback tensors written in a transform", default=None)


def layers(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor, and what it wraps on each lower level, down to the plain tensor beneath them all."""
    yield tensor
    while tensor.backend.level:
        tensor = tensor.array.value
        yield tensor


def plain(tensor: Tensor) -> Tensor:
    """The tensor beneath all levels."""
    while tensor.backend.level:
        tensor = tensor.array.value
    return tensor


def in_transform(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function that is being transformed."""
    before = transforming()
    try:
        _transforming.set(True)
        return function(*args, **kwargs)
    finally:
        _transforming.set(before)


def innermost_mapped() -> Level | None:
    """The level entered last that maps over examples, if any."""
    return next((level for level in reversed(levels()) if level.batch_size is not None), None)


def innermost() -> Level | None:
    """The level entered last, if any."""
    active = levels()
    return active[-1] if active else None


def lift_to_innermost(tensor: Tensor) -> Tensor:
    """A tensor as one of the level entered last; itself where there is none."""
    active = levels()
    return active[-1].lift(tensor) if active else tensor


ESCAPED = (
    "Either your tensor may have escaped from inside a function being vmapped and this is a user error (see"
    " https://pytorch.org/functorch/stable/ux_limitations.html), or the operation reads a tensor's elements directly."
)


def requires_grad_beneath(tensor: Tensor) -> bool:
    """Whether a tensor has a history, on whatever level."""
    return any(t.edge is not None for t in layers(tensor))


def is_mapped(tensor: Tensor) -> bool:
    """Whether a tensor is another one for each example of some level."""
    return bool(mapped_levels(tensor))


def mapped_levels(tensor: Tensor) -> set[int]:
    """The levels that a tensor is another one for each example of."""
    return {t.backend.level for t in layers(tensor) if t.backend.level and t.array.batch_dim is not None}


def derived_levels(tensor: Tensor) -> set[int]:
    """The levels on which a tensor has a history or a tangent."""
    return {t.backend.level for t in layers(tensor) if t.edge is not None or t._tangent is not None}


def refuse_mapped(text: str, *tensors: Tensor) -> None:
    """Refuse, with this text, what cannot be done with tensors that may be others for each example."""
    if any(is_mapped(tensor) for tensor in tensors):
        raise RuntimeError(text)


def refuse_truth(tensor: Tensor) -> None:
    """Say that a mapped tensor has no truth value, for it may be another for each example.

    Raises
    ------
    RuntimeError
        Where the tensor is mapped.
    """
    if is_mapped(tensor):
        raise RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't"
            " support that yet, please file an issue at https://github.com/pytorch/pytorch/issues ."
        )


def refuse_requires_grad(method: str) -> NoReturn:
    """Say that a function being transformed cannot begin a graph of its own.

    Raises
    ------
    RuntimeError
        Always.
    """
    hint = " (or perhaps using torch.autograd.functional.* APIs)" if method == "requires_grad_()" else ""
    raise RuntimeError(
        f"You are attempting to call Tensor.{method}{hint} inside of a function being transformed by a functorch"
        " transform. This is unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev,"
        f" jacfwd, hessian) or call {method} outside of a function being transformed instead."
    )


def drawing_backend(backend: Backend) -> Backend:
    """The backend to draw on: inside ``vmap`` that of all levels, so that examples of each may differ."""
    for level in levels():
        if level.batch_size is not None and level.number > backend.level:
            backend = level.backend_over(backend)
    return backend
