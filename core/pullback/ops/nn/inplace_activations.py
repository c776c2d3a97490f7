"""Activations that may be told to write into their input; in :mod:`pullback.nn.functional`."""

from __future__ import annotations

from typing import Any

from pullback.dispatch.declaration import in_namespace
from pullback.dispatch.inplace import apply_inplace
from pullback.ops.nn import activations as activation
from pullback.ops.nn import piecewise_activations
from pullback.tensor import Tensor
from pullback.tensor.registry import registry


def _write(name: str, input: Tensor, *arguments: Any) -> Tensor:
    operation: Any = registry[name]
    return apply_inplace(operation, input, arguments, {})


@in_namespace("pullback.nn.functional")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, or 0 where it is negative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.relu(pb.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return input.relu_() if inplace else activation.relu(input)


@in_namespace("pullback.nn.functional")
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Each element where it is positive, else ``negative_slope`` times it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.leaky_relu(pb.tensor([-1., 2.]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    return leaky_relu_(input, negative_slope) if inplace else activation.leaky_relu(input, negative_slope)


@in_namespace("pullback.nn.functional")
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit: each element where it is positive, else ``alpha * (exp(input) - 1)``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.elu(pb.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """
    return elu_(input, alpha) if inplace else activation.elu(input, alpha)


@in_namespace("pullback.nn.functional")
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit, also called swish: ``input * sigmoid(input)``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.silu(pb.tensor([0., 2.]))
    tensor([0.0000, 1.7616])
    """
    return _write("silu", input) if inplace else activation.silu(input)


@in_namespace("pullback.nn.functional")
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Each element where it exceeds ``threshold``, else ``value``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.threshold(pb.tensor([0.1, 2.]), 0.5, 20)
    tensor([20.,  2.])
    """
    if inplace:
        return threshold_(input, threshold, value)
    return piecewise_activations.threshold(input, threshold, value)


@in_namespace("pullback.nn.functional")
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element between two bounds, else the nearer bound.

    Raises
    ------
    ValueError
        Where the lower bound exceeds the upper one.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.hardtanh(pb.tensor([-3., 0.5, 3.]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return hardtanh_(input, min_val, max_val) if inplace else piecewise_activations.hardtanh(input, min_val, max_val)


@in_namespace("pullback.nn.functional")
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element where it is positive, else ``alpha * (exp(input / alpha) - 1)``: smooth for every ``alpha``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.celu(pb.tensor([-2., 2.]), 2.0)
    tensor([-1.2642,  2.0000])
    """
    return celu_(input, alpha) if inplace else piecewise_activations.celu(input, alpha)


@in_namespace("pullback.nn.functional")
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Scaled exponential linear unit, with the constants of https://arxiv.org/abs/1706.02515.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.functional.selu(pb.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
    """
    return selu_(input) if inplace else piecewise_activations.selu(input)


# -- in place ---------------------------------------------------------------------------------------------------------


@in_namespace("pullback.nn.functional")
def relu_(input: Tensor) -> Tensor:
    """In-place version of :func:`relu`."""
    return input.relu_()


@in_namespace("pullback.nn.functional")
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place version of :func:`leaky_relu`."""
    return _write("leaky_relu", input, negative_slope)


@in_namespace("pullback.nn.functional")
def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place version of :func:`elu`."""
    return _write("elu", input, alpha)


@in_namespace("pullback", "pullback.nn.functional")
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place version of :func:`threshold`."""
    return _write("threshold", input, threshold, value)


@in_namespace("pullback.nn.functional")
def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place version of :func:`hardtanh`."""
    return _write("hardtanh", input, min_val, max_val)


@in_namespace("pullback", "pullback.nn.functional")
def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place version of :func:`celu`."""
    return _write("celu", input, alpha)


@in_namespace("pullback", "pullback.nn.functional")
def selu_(input: Tensor) -> Tensor:
    """In-place version of :func:`selu`."""
    return _write("selu", input)
