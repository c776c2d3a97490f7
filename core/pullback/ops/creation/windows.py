"""Window functions, as signal processing multiplies pieces of a signal with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import composite
from pullback.meta import dtypes
from pullback.meta.devices import Device
from pullback.meta.dtype_names import not_implemented
from pullback.meta.dtypes import FLOATS, DType
from pullback.meta.formats import StorageLayout
from pullback.ops.shared.options import check_options, checked_dtype, checked_integer, default_dtype, finished
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _window(
    function: str,
    length: Any,
    periodic: Any,
    options: tuple[Any, Any, Any, bool, bool, Any],
    values: Callable[[Tensor, int], Tensor],
) -> Tensor:
    """``values(n, last)`` at the places n = 0, 1, ... of a window whose last place is ``last``."""
    dtype, layout, device, pin_memory, requires_grad, backend = options
    dtype = default_dtype(checked_dtype(function, dtype))
    check_options(function, device, requires_grad, layout, pin_memory)
    count = checked_integer(function, "window_length", length, 1)
    if not isinstance(periodic, bool):
        raise TypeError(f"{function}(): argument 'periodic' (position 2) must be bool, not {type(periodic).__name__}")
    if dtype.is_complex:
        raise not_implemented("arange_cpu", dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(f"{function} expects floating point dtypes, got: {dtype}")
    if count < 0:
        raise RuntimeError(f"{function} requires non-negative window_length, got window_length={count}")
    place: dict[str, Any] = {"device": device, "backend": backend}
    if count < 2:
        return ops.ones(count, dtype=dtype, requires_grad=requires_grad, **place)
    last = count if periodic else count - 1
    window = values(ops.arange(count, dtype=dtypes.float64, **place), last).to(dtype)
    return finished(window, requires_grad)


def _cosines(coefficients: tuple[float, ...]) -> Callable[[Tensor, int], Tensor]:
    """A sum of cosines of whole periods, of alternating signs."""

    def values(n: Tensor, last: int) -> Tensor:
        total = n * 0 + coefficients[0]
        for order, coefficient in enumerate(coefficients[1:], 1):
            total = total + (n * (2 * math.pi * order / last)).cos() * (coefficient * (-1) ** order)
        return total

    return values


@composite(method=False, dtypes=FLOATS, samples=sampling.window)
def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The Hann window: one period of a raised cosine.

    Parameters
    ----------
    window_length : int
        The number of elements.
    periodic : bool
        Whether the window is that of a periodic signal: symmetric with one element more.

    Raises
    ------
    RuntimeError
        For a negative length, and an integer dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = (dtype, layout, device, pin_memory, requires_grad, backend)
    return _window("hann_window", window_length, periodic, options, _cosines((0.5, 0.5)))


@composite(method=False, dtypes=FLOATS, samples=sampling.windows_with((5, True, 0.5, 0.25), (6, False, 0.75)))
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The Hamming window, ``alpha - beta * cos``; parameters as of :func:`hann_window`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    options = (dtype, layout, device, pin_memory, requires_grad, backend)
    return _window("hamming_window", window_length, periodic, options, _cosines((alpha, beta)))


@composite(method=False, dtypes=FLOATS, samples=sampling.window)
def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The Blackman window, a sum of two cosines; parameters as of :func:`hann_window`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    options = (dtype, layout, device, pin_memory, requires_grad, backend)
    return _window("blackman_window", window_length, periodic, options, _cosines((0.42, 0.5, 0.08)))


@composite(method=False, dtypes=FLOATS, samples=sampling.window)
def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The Bartlett window, a triangle; parameters as of :func:`hann_window`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = (dtype, layout, device, pin_memory, requires_grad, backend)
    return _window("bartlett_window", window_length, periodic, options, lambda n, last: 1 - (n * (2 / last) - 1).abs())


@composite(method=False, dtypes=FLOATS, samples=sampling.windows_with((5, True, 4.0), (6, False, 8.0)))
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The Kaiser window, of which ``beta`` is the shape; other parameters as of :func:`hann_window`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.kaiser_window(4, beta=3.0)
    tensor([0.2049, 0.7269, 1.0000, 0.7269])
    """

    def values(n: Tensor, last: int) -> Tensor:
        arguments = (1 - (n * (2 / last) - 1) ** 2).clamp(min=0).sqrt() * beta
        return (arguments - beta).exp() * _scaled_bessel(arguments) / _scaled_bessel(n[:1] * 0 + beta)

    options = (dtype, layout, device, pin_memory, requires_grad, backend)
    return _window("kaiser_window", window_length, periodic, options, values)


def _scaled_bessel(x: Tensor) -> Tensor:
    """The modified Bessel function of order 0 over its growth, ``exp(-x) I0(x)``: the mean of ``exp(x (cos t - 1))``.

    The mean over equidistant angles converges faster than any power of their number.
    """
    count = 32 + 9 * math.ceil(math.sqrt(float(x.abs().max())))
    angles = ops.arange(count, dtype=dtypes.float64, device=x.device, backend=x.backend) * (2 * math.pi / count)
    return (x.unsqueeze(1) * (angles.cos() - 1)).exp().mean(1)
