"""Sums, products and matrix products in exact rational arithmetic: fractions and integers in arrays of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np

from pullback.extend import Operation, Tensor
from pullback_conformance.moving import to_numpy, widened

#: The most elements of operands and result together, and of terms added up for all of them: fractions are slow.
MOST_TERMS: Final = 2000


def _axes(dim: Any) -> Any:
    return tuple(dim) or None if isinstance(dim, list | tuple) else dim


def _sum(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    return np.sum(x, axis=_axes(dim), keepdims=keepdim)


def _count(x: Any, reduced: Any) -> int:
    return int(x.size // max(np.size(reduced), 1))


def _mean(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    total = _sum(x, dim, keepdim)
    return total * Fraction(1, _count(x, total))


def _var(x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, correction: Any = None) -> Any:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    less = correction if correction is not None else 0 if unbiased is False else 1
    squares = (x - _mean(x, dim, keepdim=True)) ** 2
    total = _sum(squares, dim, keepdim)
    # No degrees of freedom are left where the correction is larger, too: a division by zero.
    return total * (1 / max(Fraction(_count(x, total)) - Fraction(less), Fraction(0)))


def _prod(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    return np.prod(x, axis=dim, keepdims=keepdim)


def _add_product(x: Any, left: Any, right: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return Fraction(beta) * x + Fraction(alpha) * np.matmul(left, right)


#: By the operations' parameters: operands in their order, attributes by name.
_EXPRESSIONS: Final[dict[str, Callable[..., Any]]] = {
    "sum": _sum,
    "mean": _mean,
    "var": _var,
    "prod": _prod,
    "cumsum": lambda x, dim, dtype=None: np.cumsum(x, axis=dim),
    "cumprod": lambda x, dim, dtype=None: np.cumprod(x, axis=dim),
    "trace": lambda x: np.sum(np.diagonal(x)),
    "nansum": _sum,
    "column_sums": lambda x: np.sum(x, axis=0),
    "mm_adjoint_right": lambda x, y: np.matmul(x, np.swapaxes(y, -1, -2)),
    "bmm_adjoint_right": lambda x, y: np.matmul(x, np.swapaxes(y, -1, -2)),
    "mm_adjoint_left": lambda x, y: np.matmul(np.swapaxes(x, -1, -2), y),
    "bmm_adjoint_left": lambda x, y: np.matmul(np.swapaxes(x, -1, -2), y),
    "mv_adjoint": lambda x, y: np.matmul(np.swapaxes(x, -1, -2), y),
    "addbmm": lambda x, a, b, beta=1, alpha=1: Fraction(beta) * x + Fraction(alpha) * np.sum(np.matmul(a, b), axis=0),
    "affine": lambda bias, x, weight: bias + np.matmul(x, weight.T),
    "matmul": np.matmul,
    "mm": np.matmul,
    "bmm": np.matmul,
    "mv": np.matmul,
    "dot": np.matmul,
    "addmm": _add_product,
    "addmv": _add_product,
    "baddbmm": _add_product,
    "addr": lambda x, a, b, beta=1, alpha=1: Fraction(beta) * x + Fraction(alpha) * a[:, None] * b,
}


#: What is computed in int64 of integers and bools, whatever the reference has.
_IN_INT64: Final = frozenset({"sum", "nansum", "prod", "cumsum", "cumprod", "trace"})


def knows(operation: Any) -> bool:
    """Whether the operation is in the table."""
    return isinstance(operation, Operation) and operation.name in _EXPRESSIONS


def evaluate(operation: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Any | None:
    """The exact result, rounded to ``long double`` or wrapped to the integer dtype of ``result``.

    None for operands that are complex, not finite or too many, and for a result
    of a dtype that was asked for.
    """
    expression = _EXPRESSIONS[operation.name]
    if not isinstance(result, Tensor):
        return None
    names = (*operation.operands, *operation.attributes)
    given = dict(zip(names, args, strict=False)) | dict(kwargs)
    tensors = [given.pop(name, None) for name in operation.operands]
    if given.get("dtype") is not None or not all(isinstance(t, Tensor) for t in tensors):
        return None
    arrays = [widened(to_numpy(t)) for t in tensors]
    terms = max(1, result.numel()) * max(a.shape[-1] if a.ndim else 1 for a in arrays)
    if terms + sum(a.size for a in arrays) > MOST_TERMS or 0 in [a.size for a in arrays]:
        return None
    if any(a.dtype.kind == "c" or (a.dtype.kind == "f" and not np.all(np.isfinite(a))) for a in arrays):
        return None
    if any(a.dtype.kind in "iub" for a in arrays) and any(isinstance(a, float) for a in given.values()):
        return None  # which of the products are truncated is no matter of arithmetic
    try:
        exact = np.asarray(expression(*map(_exact, arrays), **given), object)
    except (ArithmeticError, TypeError):  # division by no elements; complex attributes
        return None
    dtype = to_numpy(result).dtype
    if operation.name in _IN_INT64 and dtype.kind in "iub":
        dtype = np.dtype(np.int64)
    return _rounded(exact.reshape(result.shape) if not result.ndim else exact, dtype)


def _exact(array: Any) -> Any:
    out = np.empty(array.shape, object)
    is_whole = array.dtype.kind in "iub"
    for index in np.ndindex(*array.shape):
        out[index] = int(array[index]) if is_whole else Fraction(*array[index].as_integer_ratio())
    return out


def _rounded(exact: Any, dtype: Any) -> Any:
    if dtype.kind == "b":
        return exact.astype(bool)
    if dtype.kind in "iu":
        bits = 8 * dtype.itemsize
        whole = [int(v) & ((1 << bits) - 1) for v in exact.reshape(-1)]
        signed = [v - (1 << bits) if dtype.kind == "i" and v >> (bits - 1) else v for v in whole]
        return np.array(signed, dtype).reshape(exact.shape)
    out = np.empty(exact.shape, np.longdouble)
    for index in np.ndindex(*exact.shape):
        value = Fraction(exact[index])
        try:
            high = float(value)
        except OverflowError:
            high = np.copysign(np.inf, value)
        rest = float(value - Fraction(high)) if np.isfinite(high) else 0.0
        out[index] = np.longdouble(high) + np.longdouble(rest)
    return out
