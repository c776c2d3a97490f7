"""NumPy's universal functions as pullback's operations.

Which operation a ufunc is, the registry tells: the one of its name, or the one whose kernel on the NumPy backend it is.
The tables here hold what the registry cannot tell, each entry with its reason.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import pullback as pb
from pullback.backend.selection import backend_of_array, get_backend
from pullback.dispatch.declaration import Composite, Operation
from pullback.interop import numpy_reductions
from pullback.interop.numpy_arguments import (
    as_dtype,
    as_operand,
    axes_of,
    delivered,
    is_numpy_array,
    is_numpy_scalar,
    is_plain_array,
    only_default,
    promoted_pair,
    tensor_from,
)
from pullback.tensor import Tensor
from pullback.tensor.registry import registry


def _divmod(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    return pb.div(x, y, rounding_mode="floor"), pb.remainder(x, y)


def _modf(x: Tensor) -> tuple[Tensor, Tensor]:
    return pb.frac(x), pb.trunc(x)


def _fmax(x: Any, y: Any) -> Tensor:
    return pb.where(pb.isnan(x), y, pb.where(pb.isnan(y), x, pb.maximum(x, y)))


def _fmin(x: Any, y: Any) -> Tensor:
    return pb.where(pb.isnan(x), y, pb.where(pb.isnan(y), x, pb.minimum(x, y)))


def _fabs(x: Tensor) -> Tensor:
    return pb.abs(x if x.is_floating_point() else x.to(pb.get_default_dtype()))


def _logaddexp2(x: Any, y: Any) -> Tensor:
    return pb.logaddexp(x * math.log(2), y * math.log(2)) / math.log(2)


def _vecdot(x: Tensor, y: Tensor) -> Tensor:
    return (pb.conj(x) * y).sum(-1)


def _matvec(x: Tensor, y: Tensor) -> Tensor:
    return pb.matmul(x, y.unsqueeze(-1)).squeeze(-1)


def _vecmat(x: Tensor, y: Tensor) -> Tensor:
    return pb.matmul(pb.conj(x).unsqueeze(-2), y).squeeze(-2)


def _degrees(x: Tensor) -> Tensor:
    return x * (180 / math.pi)


def _radians(x: Tensor) -> Tensor:
    return x * (math.pi / 180)


#: Ufuncs that Python has operators for: those take a number before a Tensor without the general path.
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
}

#: Ufuncs that neither a name nor a kernel leads to.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "equal": pb.eq,  # PyTorch's function of that name gives one truth value for all elements
    "power": pb.pow,  # the NumPy backend's kernel is the ufunc with care for negative exponents
    "rint": pb.round,  # the kernel leaves integers alone, which the ufunc makes floats of
    "conjugate": pb.conj,  # the operation of the kernel's name is the one that copies
    # Those without an operation of their own, composed.
    "divmod": _divmod,
    "modf": _modf,
    "fmax": _fmax,
    "fmin": _fmin,
    "fabs": _fabs,
    "logaddexp2": _logaddexp2,
    "vecdot": _vecdot,
    "matvec": _matvec,
    "vecmat": _vecmat,
    "degrees": _degrees,
    "rad2deg": _degrees,
    "radians": _radians,
    "deg2rad": _radians,
}

#: SciPy's ufuncs. Other libraries' have names that mean other things here, so these are all.
SCIPY: dict[str, Callable[..., Any]] = {"erf": pb.erf, "erfc": pb.erfc, "expit": pb.sigmoid, "xlogy": pb.xlogy}

#: What ``ufunc.reduce`` is.
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": numpy_reductions.sum_,
    "multiply": numpy_reductions.prod,
    "maximum": numpy_reductions.amax,
    "minimum": numpy_reductions.amin,
    "logical_and": numpy_reductions.all_,
    "logical_or": numpy_reductions.any_,
}

#: What ``ufunc.accumulate`` is.
ACCUMULATIONS: dict[str, Callable[..., Any]] = {"add": pb.cumsum, "multiply": pb.cumprod}

#: Ufuncs whose operations take no Python numbers.
_OF_TENSORS_ALONE = frozenset(
    ("maximum", "minimum", "arctan2", "hypot", "logaddexp", "logaddexp2", "logical_and", "logical_or", "logical_xor")
)
#: Ufuncs over vectors or matrices rather than elements.
_GENERALIZED = ("matmul", "vecdot", "matvec", "vecmat")


_found: dict[str, Operation | Composite] = {}


def operation_of(ufunc: Any) -> Callable[..., Any] | None:
    """The operation that a ufunc is, or None."""
    name = ufunc.__name__
    if not _is_numpys(ufunc):
        return SCIPY.get(name)
    if name in OPERATIONS:
        return OPERATIONS[name]
    record = _found.get(name)
    if record is None or registry.get(record.name) is not record:
        record = _search(name, ufunc)
        if record is None:
            return None
        _found[name] = record
    return record.call


def _is_numpys(ufunc: Any) -> bool:
    """Whether a ufunc is one of NumPy's own."""
    numpy: Any = get_backend("numpy")
    return getattr(numpy.xp, ufunc.__name__, None) is ufunc


def _search(name: str, ufunc: Any) -> Operation | Composite | None:
    numpy = get_backend("numpy")
    getattr(pb, name, None)  # imports its family, where that is one that few programs need
    same_kernel = None
    for record in registry.values():
        if name == record.name or name in record.aliases:
            return record
        if isinstance(record, Operation) and record.body is None and numpy.kernel(record.kernel) is ufunc:
            same_kernel = record
    return same_kernel


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], settings: dict[str, Any], like: Tensor) -> Any:
    """Run a ufunc, or one of its methods, on Tensors."""
    name = ufunc.__name__
    if method == "__call__":
        return _called(ufunc, inputs, settings, like)
    operands = tuple(as_operand(value, like) for value in inputs)
    if method == "outer":
        first, second = (tensor_from(value, like) for value in inputs)
        spread = first.reshape((*first.shape, *(1,) * second.ndim))
        return _called(ufunc, (spread, second), settings, like)
    if method == "reduce" and name in REDUCTIONS:
        return REDUCTIONS[name](*operands, **{"axis": 0, **settings})
    if method == "accumulate" and name in ACCUMULATIONS:
        return _accumulated(name, *operands, **settings)
    raise TypeError(
        f"numpy.{name}.{method}() has no counterpart for a pullback Tensor. Convert it first: {remedy(operands)}"
    )


def _accumulated(name: str, array: Tensor, axis: int = 0, dtype: Any = None, out: Any = None) -> Tensor:
    result: Tensor = ACCUMULATIONS[name](array, axes_of(axis), dtype=as_dtype(dtype))
    return delivered(result, out, function=f"{name}.accumulate")  # type: ignore[no-any-return]


def _called(ufunc: Any, inputs: tuple[Any, ...], settings: dict[str, Any], like: Tensor) -> Any:
    name = ufunc.__name__
    operation = operation_of(ufunc)
    if operation is None:
        raise unmapped(f"numpy.{name}" if _is_numpys(ufunc) else name, inputs)
    settings = dict(settings)
    out = settings.pop("out", None)
    where = settings.pop("where", True)
    dtype = as_dtype(settings.pop("dtype", None))
    only_default(
        name,
        casting=(settings.pop("casting", "same_kind"), "same_kind"),
        order=(settings.pop("order", "K"), "K"),
        subok=(settings.pop("subok", True), True),
    )
    axis = settings.pop("axis", -1) if name == "vecdot" else -1
    if settings:
        raise TypeError(f"numpy.{name}(): the keyword {', '.join(settings)} is not supported for a pullback Tensor")
    operands = [as_operand(value, like) for value in inputs]
    if name in _GENERALIZED or any(isinstance(value, list | tuple) for value in operands):
        operands = [
            tensor_from(value, like) if isinstance(value, list | tuple) or name in _GENERALIZED else value
            for value in operands
        ]
    if name in _GENERALIZED:
        operands = list(promoted_pair(*operands))
    if dtype is not None:
        operands = [value.to(dtype) if isinstance(value, Tensor) else value for value in operands]
    if axis != -1:
        operands = [value.movedim(axis, -1) for value in operands]
    if name == "rint" and not operands[0].is_floating_point() and not operands[0].is_complex():
        operands = [operands[0].to(pb.get_default_dtype())]
    if where is not True and (out is None or any(target is None for target in out)):
        raise TypeError(
            f"numpy.{name}(): where= without out= leaves elements undefined. Give an out, or use pullback.where()"
        )
    if not isinstance(operands[0], Tensor) and all(not isinstance(value, Tensor) for value in operands):
        operands[0] = tensor_from(operands[0], like)  # only out is a Tensor
    if name in _OF_TENSORS_ALONE:
        operands = [value if isinstance(value, Tensor) else tensor_from(value, like) for value in operands]
    if len(operands) == 2 and not isinstance(operands[0], Tensor):
        operation = OPERATORS.get(name, operation)
    result = operation(*operands)
    if isinstance(result, tuple):
        outs = out or (None,) * len(result)
        return tuple(delivered(r, o, where, function=name) for r, o in zip(result, outs, strict=True))
    return delivered(result, out, where, function=name)


def unmapped(name: str, arguments: Any) -> TypeError:
    """The error for a function on arrays that pullback has no counterpart of, to raise."""
    return TypeError(
        f"{name}() has no counterpart for a pullback Tensor, and an array would lose its graph, backend and"
        f" device. Convert it first: {remedy(arguments)}"
    )


def remedy(arguments: Any) -> str:
    """How to make NumPy arrays of the Tensors that NumPy was given."""
    tensors = [value for value in arguments if isinstance(value, Tensor)]
    requires_grad = any(tensor.requires_grad for tensor in tensors)
    return "tensor.detach().numpy()" if requires_grad else "tensor.numpy()"


def can_combine(values: tuple[Any, ...]) -> bool:
    """Whether every operand of a ufunc is something a Tensor knows; others may know the Tensor."""
    return all(
        isinstance(value, Tensor | bool | int | float | complex | list | tuple)
        or value is None
        or is_plain_array(value)
        or is_numpy_scalar(value)
        or (not is_numpy_array(value) and backend_of_array(value) is not None)
        for value in values
    )
