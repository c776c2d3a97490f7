"""Modules with parameters or behaviour of their own, and containers of modules."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, overload

from pullback.nn import functional, init
from pullback.nn.module import Module
from pullback.nn.parameter import Parameter
from pullback.ops.creation.filled import empty, ones, zeros
from pullback.tensor import Tensor


class Identity(Module):
    """The input as it is; takes and ignores any arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input."""
        return input


class Linear(Module):
    """Affine map of the last dimension: ``x @ weight.T + bias``.

    Weight and bias start uniform between plus and minus one over the square root of ``in_features``.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    device, dtype, backend : optional
        Where the parameters are and what dtype they have.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.Linear(3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        backend: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        place = {"device": device, "dtype": dtype, "backend": backend}
        self.weight = Parameter(empty(out_features, in_features, **place))
        if bias:
            self.bias = Parameter(empty(out_features, **place))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # the bound is then 1 / sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """The mapped input."""
        parameters: dict[str, Any] = self._parameters
        try:
            weight, bias = parameters["weight"], parameters["bias"]
        except KeyError:  # taken out of the module, for a tensor that is no parameter to be its attribute
            weight, bias = self.weight, self.bias
        return functional.linear(input, weight, bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Module):
    """Several dimensions as one; by default all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """The flattened input."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """While training, zero each element with probability ``p`` and divide the others by ``1 - p``.

    Raises
    ------
    ValueError
        If ``p`` is not in [0, 1].
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The input, thinned out while training."""
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class LayerNorm(Module):
    """Standardise over the last dimensions, then scale and shift by parameters.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of those dimensions.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether there are parameters; they start as ones and zeros.
    bias : bool
        Whether there is one to shift.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        backend: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        place = {"device": device, "dtype": dtype, "backend": backend}
        self.register_parameter("weight", Parameter(ones(shape, **place)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(zeros(shape, **place)) if elementwise_affine and bias else None)

    def forward(self, input: Tensor) -> Tensor:
        """The normalised input."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine},"
            f" bias={self.bias is not None}"
        )


class Sequential(Module):
    """Modules one after another.

    Parameters
    ----------
    *args : Module
        In order; or one mapping from names to modules.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.nn.Sequential(pb.nn.Flatten(), pb.nn.ReLU())
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0] if len(args) == 1 and isinstance(args[0], Mapping) else {str(i): m for i, m in enumerate(args)}
        for name, module in named.items():
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """What the last module makes of what the one before it makes of ... the input."""
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    @overload
    def __getitem__(self, index: int) -> Any: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return self._modules[_key(self._modules, index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, _key(self._modules, index), module)

    def __delitem__(self, index: int) -> None:
        delattr(self, _key(self._modules, index))
        self._modules = {str(i): module for i, module in enumerate(self._modules.values())}

    def append(self, module: Module) -> Sequential:
        """Add a module at the end, and return the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Sequential:
        """Add modules at the end, and return the container."""
        for module in modules:
            self.append(module)
        return self


class ModuleList(Module):
    """A list of modules whose parameters belong to whoever holds it."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        for module in modules or ():
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end, and return the list."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end, and return the list."""
        for module in modules:
            self.append(module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[_key(self._modules, index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, _key(self._modules, index), module)


def _key(modules: Mapping[str, Any], index: int) -> str:
    """The name of the module at a position, which may count from the end."""
    index = operator.index(index)
    if not -len(modules) <= index < len(modules):
        raise IndexError(f"index {index} is out of range")
    return next(islice(modules, index % len(modules), None))
