"""Complex numbers from real ones: from their parts, or from absolute values and angles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch.declaration import Array, Sample, op
from pullback.dispatch.declaration_values import Accepts
from pullback.dispatch.out_rules import Out
from pullback.meta.dtype_names import not_implemented, type_name
from pullback.meta.dtypes import float16, float32, float64
from pullback.meta.shapes import broadcast_shape
from pullback.ops.pointwise.complex_numbers import conj, imag, real
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend

_PARTS = frozenset((float16, float32, float64))
_OUT = Out("Expected object of scalar type {result} but got scalar type {out} for argument 'out'")


def _check_parts(first: Tensor, second: Tensor) -> None:
    if first.dtype not in _PARTS or second.dtype not in _PARTS:
        names = " and ".join(type_name(part.dtype) for part in (first, second))
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {names}")
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {type_name(first.dtype)} but got scalar type {type_name(second.dtype)} for"
            " second argument"
        )


def _samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2, 3))
    yield Sample(make(2, 1), make(3))
    yield Sample(make(), make())
    yield Sample(make(0, 3), make(0, 3))
    yield Sample(make(3, 2).mT, make(2, 3))


def _combined(backend: Backend, first: Array, second: Array) -> Array:
    """The complex numbers with these parts; no arithmetic, which an infinite part would spoil."""
    dtype = backend.dtypes[first.dtype]
    if dtype is float16:
        first, second = backend.astype(first, float32), backend.astype(second, float32)
    shape = tuple(first.shape)
    if tuple(second.shape) != shape:
        shape = broadcast_shape([shape, tuple(second.shape)])
        first, second = backend.broadcast_to(first, shape), backend.broadcast_to(second, shape)
    return backend.view_as_complex(backend.stack([first, second], axis=-1))


@op(
    dtypes=Accepts(_PARTS, refuses=_check_parts),
    broadcasts=True,
    linear=True,
    vjp={
        "real": lambda grad, real_dtype: real(grad).to(real_dtype),
        "imag": lambda grad, imag_dtype: imag(grad).to(imag_dtype),
    },
    check=_check_parts,
    method=False,
    samples=_samples,
    out=_OUT,
)
def complex(backend: Backend, real: Array, imag: Array) -> Array:
    """The complex numbers with the given real and imaginary parts.

    Parameters
    ----------
    real, imag : Tensor
        Of one floating dtype; they broadcast.

    Raises
    ------
    RuntimeError
        For other dtypes, or two of them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.complex(pb.tensor([1., 2.]), pb.tensor([3., 4.]))
    tensor([1.+3.j, 2.+4.j])
    """
    return _combined(backend, real, imag)


def _check_polar(first: Tensor, second: Tensor) -> None:
    _check_parts(first, second)
    if first.dtype is float16:
        raise not_implemented("polar_cpu", float16)


@op(
    dtypes=Accepts(_PARTS - {float16}, refuses=_check_polar),
    broadcasts=True,
    vjp={
        "abs": lambda grad, angle: real(conj(grad) * polar(ops.ones_like(angle), angle)),
        "angle": lambda grad, out: real(conj(grad) * (out * 1j)),
    },
    jvp={
        "abs": lambda tangent, angle: polar(tangent, angle),
        "angle": lambda tangent, out: tangent * out * 1j,
    },
    check=_check_polar,
    method=False,
    samples=_samples,
    out=_OUT,
)
def polar(backend: Backend, abs: Array, angle: Array) -> Array:
    """The complex numbers with the given absolute values and angles, in radians.

    Raises
    ------
    RuntimeError
        For other dtypes than float32 and float64, or two of them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.polar(pb.tensor([1., 2.]), pb.tensor([0., pb.pi / 2]))
    tensor([ 1.0000e+00+0.j, -8.7423e-08+2.j])
    """
    first, second = backend.multiply(abs, backend.cos(angle)), backend.multiply(abs, backend.sin(angle))
    return _combined(backend, first, second)
