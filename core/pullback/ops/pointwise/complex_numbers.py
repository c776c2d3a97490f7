"""Conjugates and the parts of complex numbers, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, composite, elementwise
from pullback.dispatch.declaration_values import Inplace
from pullback.dispatch.out_rules import SAME
from pullback.meta.dtypes import COMPLEXES, EVERY, INEXACT
from pullback.ops.shared.zeros import step_derivative
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


@elementwise(
    kernel="conj",
    dtypes=EVERY,
    linear=True,
    vjp=lambda grad: conj_physical(grad),
    out=SAME,
    inplace=Inplace(functions=True),
    accuracy="exact",
)
def conj_physical(backend: Backend, input: Array) -> Array:
    """Complex conjugate of each element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.conj_physical(pb.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return backend.conj(input) if backend.dtypes[input.dtype].is_complex else backend.copy(input)


@overload
def conj(input: Tensor) -> Tensor: ...


@overload
def conj(input: complex) -> complex: ...


@composite(dtypes=EVERY, samples=sampling.of_shapes((2, 3)))
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
    if not isinstance(input, int | float | complex):
        raise TypeError(f"conj(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input.conjugate() if isinstance(input, complex) else input


@composite(method=False, dtypes=EVERY, samples=sampling.of_shapes((2, 3), ()), accuracy="exact")
def real(input: Tensor) -> Tensor:
    """The real part of each element, as a view; a real tensor as it is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.real(pb.tensor([1 + 2j]))
    tensor([1.])
    """
    return ops.select(ops.view_as_real(input), -1, 0) if input.dtype.is_complex else input


@composite(method=False, dtypes=COMPLEXES, samples=sampling.of_shapes((2, 3), ()), accuracy="exact")
def imag(input: Tensor) -> Tensor:
    """The imaginary part of each element of a complex tensor, as a view.

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
    return ops.select(ops.view_as_real(input), -1, 1)


for _name, _part in (("real", real), ("imag", imag)):
    setattr(Tensor, _name, property(_part))


def _angle_gradient(grad: Tensor, input: Tensor) -> Tensor:
    if not input.dtype.is_complex:
        return step_derivative(grad)
    modulus = ops.abs(input)
    at_zero = ops.eq(modulus, 0)
    safe = ops.where(at_zero, ops.ones_like(modulus), modulus)  # its square may be out of range
    return grad * ops.where(at_zero, ops.zeros_like(input), input / safe * 1j / safe)


def _angle_tangent(tangent: Tensor, input: Tensor) -> Tensor:
    if not input.dtype.is_complex:
        return step_derivative(tangent)
    modulus = ops.abs(input)
    at_zero = ops.eq(modulus, 0)
    safe = ops.where(at_zero, ops.ones_like(modulus), modulus)
    turn = imag(tangent * conj(input / safe)) / safe
    return ops.where(at_zero, ops.zeros_like(turn), turn)


@elementwise(
    promotion="float",
    dtypes=INEXACT,
    vjp=lambda grad, input: _angle_gradient(grad, input),
    jvp=lambda tangent, input: _angle_tangent(tangent, input),
    inplace=False,
)
def angle(input: Array) -> Array:
    """The angle of each element in the complex plane, in radians; for a real one 0 or pi.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.angle(pb.tensor([1 + 1j, -1 + 0j]))
    tensor([0.7854, 3.1416])
    """
