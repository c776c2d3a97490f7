"""NumPy's other functions on Tensors: products, rounding, comparison; and those that only read arrays."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.interop import numpy_rearranging, numpy_reductions
from pullback.interop.numpy_arguments import (
    NotGiven,
    as_operand,
    axes_of,
    delivered,
    first_tensor,
    is_numpy_array,
    only_default,
    promoted_pair,
    tensor_from,
)
from pullback.interop.numpy_registry import FUNCTIONS, implements
from pullback.interop.numpy_ufuncs import unmapped
from pullback.tensor import Tensor

__all__ = ["FUNCTIONS", "given", "numpy_rearranging", "numpy_reductions", "read_arrays"]


def given(value: Any, like: Tensor) -> Any:
    """An argument as a counterpart gets it: arrays as Tensors, scalars as numbers, ``out=`` arrays as they are."""
    if isinstance(value, list | tuple):
        return type(value)([given(item, like) for item in value]) if type(value) in (list, tuple) else value
    return value if is_numpy_array(value) else as_operand(value, like)


#: Functions that read arrays and give something else than an array, or print or store them: they get NumPy arrays of
#: the Tensors, which refuse where there is a graph.
READERS = frozenset(
    (
        "array2string", "array_repr", "array_str", "may_share_memory", "save", "savetxt", "savez", "savez_compressed",
        "shares_memory",
    )
)  # fmt: skip
#: Functions that read dtypes alone.
DTYPE_READERS = frozenset(("can_cast", "common_type", "min_scalar_type", "result_type"))


def read_arrays(function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function of NumPy's that gives no array with NumPy arrays; refuse any other."""
    if name in DTYPE_READERS:
        args, kwargs = _arrays(args, detached=True), {k: _arrays(v, detached=True) for k, v in kwargs.items()}
    elif name in READERS:
        args, kwargs = _arrays(args), {k: _arrays(v) for k, v in kwargs.items()}
    else:
        raise unmapped(f"numpy.{name}", (*args, *kwargs.values()))
    return function(*args, **kwargs)


def _arrays(value: Any, detached: bool = False) -> Any:
    if isinstance(value, Tensor):
        return value.numpy(force=detached)
    if type(value) in (list, tuple):
        return type(value)([_arrays(item, detached) for item in value])
    return value


# -- products ---------------------------------------------------------------------------------------------------------


@implements("dot")
def dot(a: Any, b: Any, out: Any = None) -> Tensor:
    """``numpy.dot``: over the last axis of the first and the last but one of the second."""
    a, b = promoted_pair(a, b)
    if not a.ndim or not b.ndim:
        result = a * b
    elif b.ndim > 2:
        result = pb.tensordot(a, b, dims=([a.ndim - 1], [b.ndim - 2]))
    else:
        result = pb.matmul(a, b)
    return delivered(result, out, function="dot")  # type: ignore[no-any-return]


@implements("inner")
def inner(a: Any, b: Any, /) -> Tensor:
    """``numpy.inner``."""
    a, b = promoted_pair(a, b)
    return pb.inner(a, b) if a.ndim and b.ndim else a * b


@implements("outer", "linalg.outer")
def outer(a: Any, b: Any, out: Any = None) -> Tensor:
    """``numpy.outer``, of flattened operands."""
    a, b = promoted_pair(a, b)
    return delivered(pb.outer(a.reshape(-1), b.reshape(-1)), out, function="outer")  # type: ignore[no-any-return]


@implements("vdot")
def vdot(a: Any, b: Any, /) -> Tensor:
    """``numpy.vdot``, of flattened operands."""
    a, b = promoted_pair(a, b)
    return pb.vdot(a.reshape(-1), b.reshape(-1))


@implements("kron")
def kron(a: Any, b: Any) -> Tensor:
    """``numpy.kron``."""
    a, b = promoted_pair(a, b)
    ndim = max(a.ndim, b.ndim)
    rows, columns = (1,) * (ndim - a.ndim) + tuple(a.shape), (1,) * (ndim - b.ndim) + tuple(b.shape)
    left = a.reshape([size for n in rows for size in (n, 1)])
    right = b.reshape([size for n in columns for size in (1, n)])
    product: Tensor = (left * right).reshape([n * m for n, m in zip(rows, columns, strict=True)])
    return product


@implements("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """``numpy.tensordot``."""
    a, b = promoted_pair(a, b)
    if isinstance(axes, list | tuple):
        pairs = [axes_of(part) for part in axes]
        axes = tuple(list(part) if isinstance(part, tuple) else [part] for part in pairs)
    return pb.tensordot(a, b, dims=axes)


@implements("linalg.matmul")
def matmul(x1: Any, x2: Any, /) -> Tensor:
    """``numpy.linalg.matmul``."""
    return pb.matmul(*promoted_pair(x1, x2))


@implements("linalg.vecdot")
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """``numpy.linalg.vecdot``."""
    a, b = promoted_pair(x1, x2)
    return (pb.conj(a) * b).sum(axis)


@implements("einsum")
def einsum(
    *operands: Any,
    out: Any = None,
    optimize: Any = False,
    dtype: Any = None,
    order: Any = "K",
    casting: Any = "safe",
) -> Tensor:
    """``numpy.einsum``."""
    only_default("einsum", dtype=(dtype, None), order=(order, "K"), casting=(casting, "safe"))
    like = first_tensor(operands)
    assert like is not None
    equation, *arrays = operands
    if isinstance(equation, str):
        tensors = numpy_rearranging._promoted([tensor_from(array, like) for array in arrays])
        result = pb.einsum(equation, *tensors)
    else:
        result = pb.einsum(*operands)
    return delivered(result, out, function="einsum")  # type: ignore[no-any-return]


@implements("trace")
def trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Tensor:
    """``numpy.trace``, along any two axes."""
    diagonal = pb.diagonal(a, offset, axis1, axis2)
    return numpy_reductions.sum_(diagonal, -1, dtype, out)


@implements("linalg.trace")
def matrix_trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """``numpy.linalg.trace``, of the last two axes."""
    return trace(x, offset, -2, -1, dtype)


@implements("linalg.diagonal")
def matrix_diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """``numpy.linalg.diagonal``, of the last two axes."""
    return pb.diagonal(x, offset, -2, -1)


@implements("linalg.norm")
def norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """``numpy.linalg.norm``: of vectors, and of matrices those that need no singular values."""
    axes, keep = axes_of(axis), bool(keepdims)
    x = numpy_reductions._inexact(x, None)
    if ord is None:
        return pb.sqrt((pb.abs(x) ** 2).sum(axes, keep)) if x.is_complex() else pb.norm(x, 2, axes, keep)
    if axes is None:
        axes = tuple(range(x.ndim))
    dims = axes if isinstance(axes, tuple) else (axes,)
    if len(dims) == 1:
        return _vector_norm(x, ord, dims, keep)
    if len(dims) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    rows, columns = (d % x.ndim for d in dims)
    if ord == "fro":
        return pb.norm(x, 2, dims, keep)
    if ord in (1, -1, math.inf, -math.inf):
        summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = pb.abs(x).sum(summed, True)
        result = pb.amax(sums, other, True) if ord > 0 else pb.amin(sums, other, True)
        return result if keep else result.squeeze((rows, columns))
    raise unmapped(f"numpy.linalg.norm of matrices with ord={ord!r}", (x,))


def _vector_norm(x: Tensor, ord: Any, dims: tuple[int, ...], keep: bool) -> Tensor:
    if ord == 0:
        return (x != 0).to(x.dtype.to_real()).sum(dims, keep)
    if not isinstance(ord, int | float):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    return pb.norm(x, ord, dims, keep)


@implements("linalg.vector_norm")
def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    """``numpy.linalg.vector_norm``."""
    axes = axes_of(axis)
    dims = tuple(range(x.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    return _vector_norm(numpy_reductions._inexact(x, None), ord, dims, bool(keepdims))


# -- numbers ----------------------------------------------------------------------------------------------------------


@implements("clip")
def clip(
    a: Tensor,
    a_min: Any = NotGiven,
    a_max: Any = NotGiven,
    out: Any = None,
    *,
    min: Any = NotGiven,
    max: Any = NotGiven,
) -> Tensor:
    """``numpy.clip``."""
    low = _value(min if a_min is NotGiven else a_min, a)
    high = _value(max if a_max is NotGiven else a_max, a)
    if isinstance(low, Tensor) is not isinstance(high, Tensor) and low is not None and high is not None:
        low, high = tensor_from(low, a), tensor_from(high, a)
    result = a.clone() if low is None and high is None else pb.clamp(a, low, high)
    return delivered(result, out, function="clip")  # type: ignore[no-any-return]


def _value(value: Any, like: Tensor) -> Any:
    if value is NotGiven:
        return None
    return tensor_from(value, like) if isinstance(value, list | tuple) or is_numpy_array(value) else value


@implements("round", "around")
def round_(a: Tensor, decimals: int = 0, out: Any = None) -> Tensor:
    """``numpy.round``."""
    return delivered(pb.round(a, decimals=decimals), out, function="round")  # type: ignore[no-any-return]


@implements("fix")
def fix(x: Tensor, out: Any = None) -> Tensor:
    """``numpy.fix``."""
    return delivered(pb.trunc(x), out, function="fix")  # type: ignore[no-any-return]


@implements("nan_to_num")
def nan_to_num(x: Tensor, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """``numpy.nan_to_num``."""
    if not copy:
        return x.nan_to_num_(nan, posinf, neginf)
    return pb.nan_to_num(x, nan, posinf, neginf)


@implements("real")
def real(val: Tensor) -> Tensor:
    """``numpy.real``."""
    return pb.real(val) if val.is_complex() else val


@implements("imag")
def imag(val: Tensor) -> Tensor:
    """``numpy.imag``: zeros for real numbers."""
    return pb.imag(val) if val.is_complex() else pb.zeros_like(val)


@implements("angle")
def angle(z: Tensor, deg: bool = False) -> Tensor:
    """``numpy.angle``."""
    return pb.angle(z) * (180 / math.pi) if deg else pb.angle(z)


@implements("iscomplexobj")
def iscomplexobj(x: Tensor) -> bool:
    """``numpy.iscomplexobj``."""
    return x.is_complex()


@implements("isrealobj")
def isrealobj(x: Tensor) -> bool:
    """``numpy.isrealobj``."""
    return not x.is_complex()


@implements("iscomplex")
def iscomplex(x: Tensor) -> Tensor:
    """``numpy.iscomplex``: which elements have an imaginary part."""
    return imag(x) != 0


@implements("isreal")
def isreal(x: Tensor) -> Tensor:
    """``numpy.isreal``."""
    return imag(x) == 0


@implements("isposinf")
def isposinf(x: Tensor, out: Any = None) -> Tensor:
    """``numpy.isposinf``."""
    return delivered(x == math.inf, out, function="isposinf")  # type: ignore[no-any-return]


@implements("isneginf")
def isneginf(x: Tensor, out: Any = None) -> Tensor:
    """``numpy.isneginf``."""
    return delivered(x == -math.inf, out, function="isneginf")  # type: ignore[no-any-return]


@implements("sinc")
def sinc(x: Tensor) -> Tensor:
    """``numpy.sinc``: the sine of pi x by pi x."""
    y = math.pi * numpy_reductions._inexact(x, None)
    apart = pb.where(y == 0, 1.0, y)
    return pb.where(y == 0, 1.0, pb.sin(apart) / apart)


# -- comparison -------------------------------------------------------------------------------------------------------


@implements("isclose")
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Tensor:
    """``numpy.isclose``."""
    return pb.isclose(*promoted_pair(a, b), rtol=rtol, atol=atol, equal_nan=equal_nan)


@implements("allclose")
def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> bool:
    """``numpy.allclose``."""
    return bool(isclose(a, b, rtol, atol, equal_nan).all().item())


@implements("array_equal")
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """``numpy.array_equal``."""
    a1, a2 = promoted_pair(a1, a2)
    return a1.shape == a2.shape and _all_equal(a1, a2, equal_nan)


@implements("array_equiv")
def array_equiv(a1: Any, a2: Any) -> bool:
    """``numpy.array_equiv``: equal once broadcast."""
    a1, a2 = promoted_pair(a1, a2)
    try:
        pb.broadcast_shapes(a1.shape, a2.shape)
    except RuntimeError:
        return False
    return _all_equal(a1, a2, False)


def _all_equal(a: Tensor, b: Tensor, equal_nan: bool) -> bool:
    same = a == b
    if equal_nan:
        same = pb.logical_or(same, pb.logical_and(pb.isnan(a), pb.isnan(b)))
    return bool(same.all().item())
