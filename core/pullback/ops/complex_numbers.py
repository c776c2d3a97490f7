"""Conjugates and the parts of complex numbers, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from pullback.dtypes import COMPLEXES, EVERY, INEXACT
from pullback.op import Array, composite, elementwise
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


@elementwise(kernel="conj", dtypes=COMPLEXES, linear=True, vjp=lambda grad: conj_physical(grad))
def conj_physical(input: Array) -> Array:
    """Complex conjugate of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.conj_physical(pb.tensor([1 + 2j]))
    tensor([1.-2.j])
    """


@overload
def conj(input: Tensor) -> Tensor: ...


@overload
def conj(input: complex) -> complex: ...


@composite(dtypes=EVERY)
def conj(input: Tensor | complex) -> Tensor | complex:
    """The complex conjugate of a tensor or number; a real one as it is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1 + 2j]).conj()
    tensor([1.-2.j])
    """
    if isinstance(input, Tensor):
        return conj_physical(input) if input.dtype.is_complex else input
    return input.conjugate() if isinstance(input, complex) else input


@elementwise(
    dtypes=COMPLEXES,
    linear=True,
    vjp=lambda grad, input_dtype: grad.to(input_dtype),
    method=False,
    inplace=False,
)
def real_part(backend: Backend, input: Array) -> Array:
    """The real part of each element of a complex tensor; what :func:`real` records."""
    return backend.real(input)


@elementwise(
    dtypes=COMPLEXES,
    linear=True,
    vjp=lambda grad, input_dtype: grad.to(input_dtype) * 1j,
    method=False,
    inplace=False,
)
def imag_part(backend: Backend, input: Array) -> Array:
    """The imaginary part of each element of a complex tensor; what :func:`imag` records."""
    return backend.imag(input)


@composite(method=False, dtypes=EVERY)
def real(input: Tensor) -> Tensor:
    """The real part of each element; a real tensor as it is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.real(pb.tensor([1 + 2j]))
    tensor([1.])
    """
    return real_part(input) if input.dtype.is_complex else input


@composite(method=False, dtypes=COMPLEXES)
def imag(input: Tensor) -> Tensor:
    """The imaginary part of each element of a complex tensor.

    Raises
    ------
    RuntimeError
        For a real tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.imag(pb.tensor([1 + 2j]))
    tensor([2.])
    """
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imag_part(input)


for _name, _part in (("real", real), ("imag", imag)):
    setattr(Tensor, _name, property(_part))


def _angle_gradient(grad: Tensor, input: Tensor) -> Tensor:
    if not input.dtype.is_complex:
        return step_derivative(grad)
    squared = real(input * conj(input))
    return grad * where(squared == 0, zeros_like(input), input * 1j / where(squared == 0, ones_like(squared), squared))


def _angle_tangent(tangent: Tensor, input: Tensor) -> Tensor:
    if not input.dtype.is_complex:
        return step_derivative(tangent)
    squared = real(input * conj(input))
    turn = imag(tangent * conj(input)) / where(squared == 0, ones_like(squared), squared)
    return where(squared == 0, zeros_like(turn), turn)


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: _angle_gradient(grad, input),
    jvp=lambda tangent, input: _angle_tangent(tangent, input),
    inplace=False,
    domain=(0.3, 2.0),
)
def angle(input: Array) -> Array:
    """The angle of each element in the complex plane, in radians; for a real one 0 or pi.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.angle(pb.tensor([1 + 1j, -1 + 0j]))
    tensor([0.7854, 3.1416])
    """


from pullback.ops.comparison import where  # noqa: E402
from pullback.ops.creation import ones_like, zeros_like  # noqa: E402
from pullback.ops.zeros import step_derivative  # noqa: E402
