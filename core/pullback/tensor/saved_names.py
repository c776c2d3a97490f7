"""What PyTorch calls the values that nodes save: the names after ``_saved_``, and what can be said without saving it.

A node shows what its formulas save, under PyTorch's names. Here is where those differ from the names that the formulas
use: what isn't shown, what has another name, and what PyTorch saves and can be derived here when somebody asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pullback.tensor import Tensor

Saved = Callable[[str], Any]  # what the node saved by the name that its formulas use; None where it isn't needed

#: The nodes that show the shape of an operand: PyTorch keeps it in these.
_SHOWING_SIZES: Final = frozenset(
    {"DiagonalBackward0", "DiagonalBackward0_copy", "ExpandBackward0", "IndexBackward0", "IndexSelectBackward0"}
    | {"MaskedScatterBackward0.source", "MaxBackward0", "MeanBackward0", "MeanBackward1", "MedianBackward1"}
    | {"MinBackward0", "RepeatBackward0", "ReshapeAliasBackward0", "SelectBackward0", "SliceBackward0"}
    | {"SortBackward0", "SortBackward1", "SplitBackward0", "SplitWithSizesBackward0", "SqueezeBackward0"}
    | {"SqueezeBackward1", "SqueezeBackward2", "SumBackward0", "SumBackward1", "TopkBackward0", "TraceBackward0"}
    | {"UnfoldBackward0", "UnsafeViewBackward0", "ViewBackward0"}
)

#: What formulas save and PyTorch's do not, by node; other shapes and dtypes are never shown.
_NOT_SHOWN: Final = {
    "AsStridedBackward0": ("source", "target"),
    "FmodBackward0": ("self", "other"),
    "LerpBackward0": ("self", "end"),
    "MeanBackward0": ("dim", "keepdim"),
    "MseLossBackwardBackward0": ("factor",),
    "NativeLayerNormBackward0": ("eps",),
    "PowBackward0": ("result",),
    "ProdBackward0": ("dim", "keepdim"),
    "RemainderBackward0": ("self", "other"),
    "StdBackward0": ("unbiased",),
    "SumBackward0": ("dim", "keepdim"),
    "VarBackward0": ("unbiased",),
}

#: Operands and attributes that PyTorch calls otherwise, by node or operation.
_RENAMED: Final = {
    "BmmBackward0": {"other": "mat2"},
    "DotBackward0": {"other": "tensor"},
    "MmBackward0": {"other": "mat2"},
    "HardtanhBackwardBackward0": {"input": "self"},
    "LeakyReluBackwardBackward0": {"input": "self"},
    "MseLossBackwardBackward0": {"gradient": "grad_output", "input": "self"},
    "MvBackward0": {"other": "vec"},
    "NativeLayerNormBackward0": {"self": "input"},
    "ThresholdBackwardBackward0": {"input": "self"},
    "UnfoldBackwardBackward0": {"dimension": "dim"},
    "affine": {"input": "mat1", "weight": "mat2"},
}

#: Operands that PyTorch saves transposed and conjugated, because it multiplies by that.
_ADJOINT: Final = {
    "affine": "mat2",
    "bmm_adjoint_left": "self",
    "bmm_adjoint_right": "mat2",
    "mm_adjoint_left": "self",
    "mm_adjoint_right": "mat2",
    "mv_adjoint": "self",
}

#: Operands that are Python numbers in these nodes: what PyTorch keeps as such.
_NUMBERS: Final = frozenset(
    {("LerpBackward0", "weight"), ("PowBackward0", "exponent"), ("PowBackward2", "self")}
    | {("XlogyBackward1", "self"), ("XlogyBackward2", "other")}
)


def _sizes(name: str) -> Callable[[Saved], Any]:
    def sizes(saved: Saved) -> tuple[int, ...] | None:
        tensor = saved(name)
        return None if tensor is None else tuple(tensor.shape)

    return sizes


def _strides(name: str) -> Callable[[Saved], Any]:
    def strides(saved: Saved) -> tuple[int, ...]:
        tensor = saved(name)
        return () if tensor is None else tuple(tensor.stride())

    return strides


def _size(name: str, dim: int) -> Callable[[Saved], Any]:
    def size(saved: Saved) -> int | None:
        value = saved(name)
        return None if value is None else (value if isinstance(value, tuple) else tuple(value.shape))[dim]

    return size


def _of_matrices(first: str, second: str) -> dict[str, Any]:
    return {
        f"{name}_sym_{what}": derive(name)
        for name in (first, second)
        for what, derive in (("sizes", _sizes), ("strides", _strides))
    }


def _numel(saved: Saved) -> int:
    return math.prod(saved("input_shape"))


def _correction(saved: Saved) -> Any:
    dim, unbiased, correction = saved("dim"), saved("unbiased"), saved("correction")
    if correction is not None:
        return correction
    if isinstance(dim, bool):  # ``std(False)``
        unbiased, dim = dim, None
    if unbiased is not None:
        return int(unbiased)
    return None if dim is None else 1


def _normalized_moments(saved: Saved) -> tuple[Tensor, Tensor]:
    tensor: Tensor = saved("input").detach()
    dims = tuple(range(-len(saved("normalized_shape")), 0))
    return tensor.mean(dims, keepdim=True), (tensor.var(dims, correction=0, keepdim=True) + saved("eps")).rsqrt()


_ONE_TIMES: Final = {"alpha": 1}
_SCALES: Final = {"scale": 1, "input_scale": 1}

#: What PyTorch's nodes save and these don't, by node or operation: a constant, or how to find it. (Where the operand
#: that tells hasn't been saved it is None.)
_DERIVED: Final[dict[str, dict[str, Any]]] = {
    "AddBackward0": _ONE_TIMES,
    "AddbmmBackward0": {
        "batch1_sym_argsize_0": _size("batch1_shape", 0),
        "batch1_sym_argsize_1": _size("batch1_shape", 1),
        "batch2_sym_argsize_2": _size("batch2", 2),
    },
    "AddmmBackward0": _of_matrices("mat1", "mat2"),
    "AsStridedBackward0": {
        "size": lambda saved: tuple(saved("target").shape),
        "stride": lambda saved: tuple(saved("target").strides),
        "storage_offset": lambda saved: saved("target").offset,
    },
    "CumprodBackward0": {"result": lambda saved: saved("input").cumprod(saved("dim"))},
    "GatherBackward0": {"sparse_grad": False},
    "IndexAddBackward0": {"source_dim": lambda saved: len(saved("source_shape"))},
    "IndexCopyBackward0": {"source_dim": lambda saved: len(saved("source_shape"))},
    "LogSigmoidBackward0": {"buffer": lambda saved: (-saved("input").detach().abs()).exp()},
    "MeanBackward0": {"self_sym_numel": _numel},
    "MeanBackward1": {"self_sym_numel": _numel},
    "MmBackward0": _of_matrices("self", "mat2"),
    "NativeLayerNormBackward0": {
        "result1": lambda saved: _normalized_moments(saved)[0],
        "result2": lambda saved: _normalized_moments(saved)[1],
    },
    "ProdBackward0": {"result": lambda saved: saved("input").prod()},
    "ProdBackward1": {"result": lambda saved: saved("input").prod(saved("dim"), saved("keepdim"))},
    "RsubBackward1": _ONE_TIMES,
    "SgnBackward0": {"result": lambda saved: saved("input").sgn()},
    "StdBackward0": {"correction": _correction},
    "SubBackward0": _ONE_TIMES,
    "VarBackward0": {"correction": _correction},
    "affine": {"alpha": 1, "beta": 1},
    "column_sums": {"dim": (0,), "keepdim": False},
    "elu": _SCALES,
    "selu": {"alpha": 1.6732632423543772, "scale": 1.0507009873554805, "input_scale": 1},
    "square": {"exponent": 2},
}


def shown_places(kind: Any) -> dict[str, int]:
    """PyTorch's names of what a class of nodes saves, each with its place among that."""
    operation, name = kind.operation, kind.__name__
    first = operation.operands[0]
    renamed = {**_RENAMED.get(name, {}), **_RENAMED.get(operation.name, {})}
    hidden = _NOT_SHOWN.get(name, ())
    places = {}
    for place, own in enumerate(kind.saved_names):
        operand, _, what = own.rpartition("_")
        if own == "out":
            shown = "result"
        elif what in ("shape", "dtype") and operand in operation.operands:
            shows = (name in _SHOWING_SIZES and operand == "input") or f"{name}.{operand}" in _SHOWING_SIZES
            if what == "dtype" or not shows:
                continue
            shown = f"{'self' if operand == first == 'input' else operand}_sym_sizes"
        else:
            shown = "self" if own == first == "input" else own
        shown = renamed.get(shown, shown)
        if shown not in hidden:
            places[shown] = place
    return places


def derived_values(kind: Any) -> dict[str, Any]:
    """What a class of nodes shows without saving it: constants, and functions of what it saves."""
    return {**_DERIVED.get(kind.__name__, {}), **_DERIVED.get(kind.operation.name, {})}


def is_number(kind: Any, name: str) -> bool:
    """Whether PyTorch keeps this operand as a number in such nodes."""
    return (kind.__name__, name) in _NUMBERS


def as_pytorch_saves(kind: Any, name: str, value: Tensor) -> Tensor:
    """A saved operand as PyTorch's node has it."""
    if _ADJOINT.get(kind.operation.name) != name:
        return value
    if value.dtype.is_complex:
        return value.mH
    return value.t() if value.ndim == 2 else value.mT


#: Nodes for which PyTorch keeps every dimension that is reduced in a tuple, also where it is one of several positions.
_REDUCING: Final = frozenset(
    {"AmaxBackward0", "AminBackward0", "LinalgVectorNormBackward0", "LogsumexpBackward0", "MeanBackward1"}
    | {"NansumBackward0", "RollBackward0", "StdBackward0", "StdMeanBackward0", "SumBackward1", "VarBackward0"}
    | {"VarMeanBackward0"}
)
#: Those of them where all dimensions are an empty tuple.
_ALL_ARE_EMPTY: Final = frozenset({"AmaxBackward0", "AminBackward0", "RollBackward0"})
_REDUCTIONS: Final = ("none", "mean", "sum")


def attribute_value(kind: Any, name: str, value: Any) -> Any:
    """An argument that a node keeps, as PyTorch's nodes give it."""
    if name in ("dim", "dims", "shifts") and kind.__name__ in _REDUCING:
        if value is None and kind.__name__ in _ALL_ARE_EMPTY:
            return ()
        if isinstance(value, bool):  # ``std(False)``
            return None
        return (value,) if isinstance(value, int) else value
    if kind.__name__ == "SliceBackward0" and value is None:
        return 0 if name == "start" else 2**63 - 1
    if name == "reduction" and value in _REDUCTIONS:
        return _REDUCTIONS.index(value)
    if name == "indices" and hasattr(value, "parts"):
        value.check()
        return value.parts
    return value
