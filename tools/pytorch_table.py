"""Write the conformance suite's table of PyTorch's results, with the PyTorch that is installed here.

The suite needs no PyTorch to run, and so holds every backend to PyTorch's choices: gradients at kinks, ties, zeros and
infinities, and values of what the core computes itself. Each row is a call in float64 of operands that float16 holds as
well; a row's gradients are those of the sum of all results, weighted 1, 2, 3, ...

    python tools/pytorch_table.py            # write the table
    python tools/pytorch_table.py --check    # compare it with what would be written
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

TABLE = Path(__file__).parents[1] / "conformance/pullback_conformance/oracles/pytorch_table.json"

inf, nan = math.inf, math.nan
EDGES = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, -0.5]
SIGNED = [[5.5, -5.5, 5.5, -5.5, 4.0, -4.0, 0.0], [2.0, 2.0, -2.0, -2.0, 2.0, -2.0, 3.0]]
TIES = [[1.0, 3.0, 3.0, 2.0], [2.0, 2.0, 2.0, 2.0], [-1.0, -2.0, -1.0, -3.0]]
ZEROS = [[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.5, 2.0, -3.0]]
GRID = [[1.0, 2.5, -3.0, 0.5], [8.0, -0.25, 2.0, 2.0], [0.0, 1.0, -1.0, 4.0]]
TAILS = [-12.0, -8.0, -5.0, -3.0, -2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5, 3.0, 5.0, 8.0, 12.0, 30.0]


class Row:
    """One call: the operation, PyTorch's function, the operands and the other arguments by name."""

    without_gradients = frozenset({"floor_divide", "heaviside"})

    def __init__(self, operation: str, function: Callable[..., Any], *operands: Any, **attributes: Any) -> None:
        self.operation, self.function, self.operands, self.attributes = operation, function, operands, attributes

    def as_dict(self) -> dict[str, Any]:
        """The row with PyTorch's results."""
        tensors = [torch.tensor(o, dtype=None if _is_whole(o) else torch.float64) for o in self.operands]
        inputs = [
            t.requires_grad_()
            for t in tensors
            if t.is_floating_point() and self.operation not in self.without_gradients
        ]
        result = self.function(*tensors, **self.attributes)
        results = list(result) if isinstance(result, tuple) else [result]
        recorded = [r for r in results if r.requires_grad]
        row: dict[str, Any] = {"operation": self.operation, "operands": _encoded(list(self.operands))}
        if self.attributes:
            row["attributes"] = _encoded(self.attributes)
        row["results"] = [_encoded(r.tolist()) for r in results]
        if recorded:
            start, weights = 1, []
            for r in recorded:
                weights.append(torch.arange(start, start + r.numel(), dtype=torch.float64).reshape(r.shape))
                start += r.numel()
            grads = torch.autograd.grad(recorded, inputs, weights, allow_unused=True)
            row["gradients"] = [None if g is None else _encoded((g + 0).tolist()) for g in grads]
        return row


def rows() -> list[Row]:
    """Every row, by the name of pullback's operation."""
    unary: list[tuple[str, Callable[..., Any]]] = [
        ("abs", torch.abs), ("relu", torch.relu), ("sgn", torch.sgn), ("sign", torch.sign), ("angle", torch.angle),
        ("sqrt", torch.sqrt), ("rsqrt", torch.rsqrt), ("reciprocal", torch.reciprocal), ("square", torch.square),
        ("exp", torch.exp), ("expm1", torch.expm1), ("log", torch.log), ("log2", torch.log2), ("log10", torch.log10),
        ("log1p", torch.log1p), ("exp2", torch.exp2), ("sinc", torch.sinc), ("frac", torch.frac),
        ("trunc", torch.trunc), ("floor", torch.floor), ("ceil", torch.ceil), ("round", torch.round),
        ("erf", torch.erf), ("erfc", torch.erfc), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid),
        ("logsigmoid", functional.logsigmoid),
        ("atan", torch.atan), ("asinh", torch.asinh), ("nan_to_num", torch.nan_to_num), ("deg2rad", torch.deg2rad),
        ("rad2deg", torch.rad2deg), ("isnan", torch.isnan), ("isinf", torch.isinf), ("signbit", torch.signbit),
    ]  # fmt: skip
    activations: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
        ("gelu", functional.gelu, {}), ("gelu", functional.gelu, {"approximate": "tanh"}),
        ("selu", functional.selu, {}),
        ("elu", functional.elu, {"alpha": 1.5}), ("celu", functional.celu, {"alpha": 2.0}),
        ("silu", functional.silu, {}),
        ("softplus", functional.softplus, {}), ("softplus", functional.softplus, {"beta": 2.0, "threshold": 5.0}),
        ("leaky_relu", functional.leaky_relu, {"negative_slope": 0.25}), ("hardtanh", functional.hardtanh, {}),
        ("hardtanh", functional.hardtanh, {"min_val": -0.5, "max_val": 2.5}),
        ("threshold", functional.threshold, {"threshold": 0.5, "value": -3.0}),
        ("clamp_to_numbers", torch.clamp, {"min": -0.5, "max": 2.5}), ("clamp_to_numbers", torch.clamp, {"min": 0.0}),
        ("sinc", torch.sinc, {}), ("erf", torch.erf, {}), ("erfc", torch.erfc, {}), ("tanh", torch.tanh, {}),
    ]  # fmt: skip
    binary: list[tuple[str, Callable[..., Any]]] = [
        ("remainder", torch.remainder), ("fmod", torch.fmod), ("copysign", torch.copysign), ("maximum", torch.maximum),
        ("minimum", torch.minimum), ("atan2", torch.atan2), ("hypot", torch.hypot), ("true_divide", torch.true_divide),
        ("floor_divide", torch.floor_divide), ("pow", torch.pow), ("xlogy", torch.xlogy), ("ldexp", torch.ldexp),
        ("logaddexp", torch.logaddexp), ("heaviside", torch.heaviside), ("mul", torch.mul),
    ]  # fmt: skip
    found = [Row(name, function, EDGES) for name, function in unary]
    found += [Row(name, function, TAILS, **attributes) for name, function, attributes in activations]
    found += [Row(name, function, *SIGNED) for name, function in binary]
    ties = [[1.0, 2.0, 0.0, -0.0, inf, -inf], [1.0, 3.0, -0.0, 0.0, inf, inf]]
    found += [
        Row(name, function, *ties)
        for name, function in (("maximum", torch.maximum), ("minimum", torch.minimum), ("logaddexp", torch.logaddexp))
    ]
    zeros = [[0.0, 0.0, 0.0, 2.0, -2.0, -2.0, -3.0, 0.0], [0.0, 1.0, 2.0, 0.0, 2.0, 3.0, 0.0, 0.5]]
    found += [Row("pow", torch.pow, *zeros), Row("xlogy", torch.xlogy, *zeros)]
    found += [Row("hypot", torch.hypot, *[z[1:] for z in zeros])]  # at the origin pullback has zero for PyTorch's NaN
    found += [Row("pow", torch.pow, [-3.0, -0.5, 0.0, 2.0], [2.0])]
    # Zeros of remainders, and infinite divisors.
    dividends, divisors = (
        [2.0, -2.0, 2.0, -2.0, 0.0, -0.0, 0.0, -0.0, 1.0, -1.0],
        [1.0, 1.0, -1.0, -1.0] * 2 + [inf] * 2,
    )
    found += [Row(name, function, dividends, divisors) for name, function in binary[:2]]
    found += [
        Row("add", torch.add, [1.0, 2.0], [3.0, 5.0], alpha=2.5),
        Row("sub", torch.sub, [1.0, 2.0], [3.0, 5.0], alpha=2.5),
        Row("mul", torch.mul, [[1.0], [2.0]], [3.0, 5.0, 7.0]),
        Row("where", torch.where, [True, False, True], [nan, 1.0, 2.0], [3.0, nan, inf]),
        Row("lerp", torch.lerp, [1.0, 2.0, -1.0], [3.0, 0.0, 5.0], [0.25, 0.5, 0.75]),
        Row("logit", torch.logit, [0.0, 0.25, 0.5, 0.75, 1.0], eps=0.125),
        Row("logaddexp", torch.logaddexp, [30.0, 1.0, 800.0, -800.0], [1.0, 30.0, -800.0, 800.0]),
        Row("round", torch.round, [1.25, 1.3125, -2.6875, 0.0625, 13.5, -14.75, inf, nan], decimals=1),
        Row("round", torch.round, [14.0, 16.0, -25.0, 1234.0, -0.0], decimals=-1),
        Row("nan_to_num", torch.nan_to_num, EDGES, nan=1.5, posinf=2.0, neginf=-3.0),
        Row("nan_to_num", torch.nan_to_num, EDGES, nan=-0.5, posinf=8.0),
        Row("rsub", torch.rsub, [1.0, 2.0], [3.0, 5.0], alpha=2.5),
    ]
    for name, function in (("amax", torch.amax), ("amin", torch.amin)):
        found += [Row(name, function, TIES, dim=1), Row(name, function, TIES), Row(name, function, TIES, dim=(0, 1))]
    for name, function in (("max_of_all", torch.max), ("min_of_all", torch.min), ("median_of_all", torch.median)):
        found += [Row(name, function, TIES), Row(name, function, GRID), Row(name, function, [1.0, nan, 2.0])]
    for name, function in (
        ("max_along_dim", torch.max), ("min_along_dim", torch.min), ("median_along_dim", torch.median),
    ):  # fmt: skip
        found += [Row(name, function, GRID, dim=1), Row(name, function, TIES[:2], dim=0)]
    found += [
        Row("sort", torch.sort, TIES, stable=True),
        Row("sort", torch.sort, TIES, stable=True, descending=True),
        Row("sort", torch.sort, [2.0, nan, -1.0, inf, -inf, nan], stable=True),
        Row("topk", torch.topk, GRID[:1], k=2),
        Row("topk", torch.topk, GRID[::2], k=2, largest=False),
        Row("rot90", torch.rot90, GRID),
        Row("rot90", torch.rot90, GRID, k=-1),
        Row("rot90", torch.rot90, GRID, k=2),
        Row("roll", torch.roll, GRID, shifts=1, dims=1),
        Row("roll", torch.roll, GRID, shifts=-5),
        Row("flip", torch.flip, GRID, dims=(0,)),
        Row("nansum", torch.nansum, [[1.0, nan, 2.0], [nan, nan, nan]], dim=1),
        Row("logsumexp", torch.logsumexp, [[inf, 1.0], [-inf, 2.0], [nan, 1.0]], dim=1),
        Row("softmax", torch.softmax, [[-inf, 0.0], [1.0, 1.0], [30.0, -30.0]], dim=1),
        Row("median_along_dim", torch.median, [[3.0, nan, 1.0], [4.0, 2.0, 9.0]], dim=1),
    ]
    for name, function in (("prod", torch.prod), ("cumprod", torch.cumprod)):
        found += [Row(name, function, ZEROS, dim=1), Row(name, function, ZEROS, dim=0)]
    found += [
        Row("prod", torch.prod, ZEROS),
        Row("prod", torch.prod, [2.0, 0.0, 3.0]),
        Row("cumsum", torch.cumsum, GRID, dim=0),
    ]
    for name, function in (("var", torch.var), ("std", torch.std)):
        found += [
            Row(name, function, GRID),
            Row(name, function, GRID, dim=1),
            Row(name, function, GRID, dim=(0, 1), correction=0),
            Row(name, function, GRID, dim=0, correction=2, keepdim=True),
        ]
    found += [Row("std", torch.std, [[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]], dim=1)]
    for order in (2, 1, 0, 3, inf, -inf, 0.5):
        found.append(
            Row("vector_norm", torch.linalg.vector_norm, [[3.0, -4.0], [0.0, 0.0], [2.0, -2.0]], ord=order, dim=1)
        )
    residuals = [[-3.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 3.0], [0.0] * 9]
    for reduction in ("mean", "sum", "none"):
        found += [
            Row("huber_loss", functional.huber_loss, *residuals, reduction=reduction, delta=0.5),
            Row("smooth_l1_loss", functional.smooth_l1_loss, *residuals, reduction=reduction, beta=0.5),
            Row("l1_loss", functional.l1_loss, *residuals, reduction=reduction),
            Row("mse_loss", functional.mse_loss, *residuals, reduction=reduction),
        ]
    return [*found, *_of_choices(), *_of_sent_elements(), *_of_losses()]


def _of_choices() -> list[Row]:
    """Rows of what picks or counts elements, and of sums: at ties, NaN and infinities everywhere."""
    rows = []
    levels = [[1.0, 3.0, 3.0, 1.0], [2.0, 2.0, 2.0, 2.0], [1.0, 0.0, 1.0, 0.0]]
    odd = [[nan, 1.0, nan], [inf, -inf, 0.0], [-inf, -inf, -inf]]
    for name, function in (("amax", torch.amax), ("amin", torch.amin)):
        rows += [Row(name, function, levels), Row(name, function, levels, dim=0), Row(name, function, odd[1:], dim=1)]
        rows.append(Row(name, function, levels, dim=(1, 0), keepdim=True))
    for name, function in (("argmax", torch.argmax), ("argmin", torch.argmin)):
        rows += [Row(name, function, levels), Row(name, function, levels, dim=1), Row(name, function, odd, dim=1)]
    for name, function in (
        ("max_along_dim", torch.max),
        ("min_along_dim", torch.min),
        ("median_along_dim", torch.median),
    ):
        rows += [Row(name, function, levels[:2], dim=1), Row(name, function, odd, dim=1, keepdim=True)]
    for name, function in (("max_of_all", torch.max), ("min_of_all", torch.min), ("median_of_all", torch.median)):
        rows += [Row(name, function, levels), Row(name, function, odd[1:])]
    for name, function in (("sum", torch.sum), ("mean", torch.mean), ("prod", torch.prod), ("nansum", torch.nansum)):
        rows += [Row(name, function, odd, dim=1), Row(name, function, odd, dim=0)]
    rows += [Row("cumsum", torch.cumsum, odd, dim=1), Row("cumsum", torch.cumsum, odd, dim=0)]
    rows += [Row("cumprod", torch.cumprod, levels, dim=0), Row("cumprod", torch.cumprod, levels, dim=1)]
    for name, function in (
        ("logsumexp", torch.logsumexp),
        ("softmax", torch.softmax),
        ("log_softmax", torch.log_softmax),
    ):
        rows += [Row(name, function, [[-inf, 1.0], [2.0, 2.0], [-800.0, 800.0]], dim=1)]
        rows += [Row(name, function, [[30.0, 30.0], [-30.0, 30.0]], dim=0)]
    rows += [Row("logsumexp", torch.logsumexp, [[2.0, -inf], [1.0, 1.0]], dim=1, keepdim=True)]
    rows += [Row("sort", torch.sort, levels, stable=True, dim=0), Row("sort", torch.sort, odd[1:], stable=True, dim=1)]
    rows += [Row("count_nonzero", torch.count_nonzero, odd, dim=1)]
    for name, function in (("var", torch.var), ("std", torch.std)):
        rows += [Row(name, function, [[1.0, 3.0], [2.0, 2.5]], dim=1, correction=c) for c in (0, 1, 3)]
    return rows


def _of_sent_elements() -> list[Row]:
    """Rows of elements that are sent to positions, several to one: zeros and ties, and with the tensor's own or not."""
    rows = []
    own, sent, places = [2.0, 0.0, 5.0, 1.0], [2.0, 3.0, 0.0, 0.0, 5.0, 2.0], [0, 0, 1, 1, 2, 0]

    def scattered(input: Any, index: Any, src: Any, **attributes: Any) -> Any:
        return torch.scatter_reduce(input, index=index, src=src, **attributes)

    def reduced(input: Any, index: Any, source: Any, **attributes: Any) -> Any:
        return torch.index_reduce(input, index=index, source=source, **attributes)

    for include_self in (True, False):
        for reduce in ("sum", "prod", "mean", "amax", "amin"):
            asked = {"dim": 0, "reduce": reduce, "include_self": include_self}
            rows.append(Row("scatter_reduce", scattered, own, places, sent, **asked))
            if reduce != "sum":
                rows.append(Row("index_reduce", reduced, own, places, sent, **asked))
    rows.append(
        Row(
            "index_add",
            lambda i, index, source, **o: torch.index_add(i, index=index, source=source, **o),
            own,
            places,
            sent,
            dim=0,
            alpha=-1.5,
        )
    )
    rows.append(
        Row(
            "scatter_add",
            lambda i, index, src, **o: torch.scatter_add(i, index=index, src=src, **o),
            own,
            places,
            sent,
            dim=0,
        )
    )
    rows.append(Row("put", torch.Tensor.put, own, [-1, 0, -1], [1.5, 2.5, 3.5], accumulate=True))
    rows.append(Row("take", torch.take, GRID, [[-1, 0], [-1, 11]]))
    return rows


def _of_losses() -> list[Row]:
    """Rows of losses with each of their attributes, and of products with coefficients."""
    rows = []

    def weighted_nll(input: Any, target: Any, weight: Any, **attributes: Any) -> Any:
        return functional.nll_loss(input, target, weight.detach(), **attributes)

    def weighted(input: Any, target: Any, weight: Any, **attributes: Any) -> Any:
        return functional.binary_cross_entropy(input, target, weight.detach(), **attributes)

    logs = [[-0.5, -1.5, -2.0], [-3.0, -0.25, -1.0], [-1.0, -2.0, -0.125], [-4.0, -0.5, -1.25]]
    places, weight = [0, 2, 1, 2], [0.5, 2.0, 1.5]
    for reduction in ("mean", "sum", "none"):
        rows += [
            Row("nll_loss", functional.nll_loss, logs, places, reduction=reduction),
            Row("nll_loss", weighted_nll, logs, places, weight, reduction=reduction),
            Row("nll_loss", weighted_nll, logs, places, weight, reduction=reduction, ignore_index=2),
            Row("binary_cross_entropy", functional.binary_cross_entropy, [0.75, 0.125, 0.25, 0.5],
                [0.0, 1.0, 1.0, 0.75], reduction=reduction),
            Row("binary_cross_entropy", weighted, [0.125, 0.5], [1.0, 0.25], [3.0, 0.5],
                reduction=reduction),
            Row("binary_cross_entropy_with_logits",
                lambda i, target, weight, pos_weight, **o: functional.binary_cross_entropy_with_logits(
                    i, target, weight.detach(), pos_weight=pos_weight.detach(), **o),
                [-60.0, -1.0, 0.0, 60.0], [0.0, 1.0, 0.5, 0.25], [1.0, 2.0, 0.5, 1.5], [3.0, 3.0, 0.25, 1.0],
                reduction=reduction),
            Row("huber_loss", functional.huber_loss, [-3.0, 2.0, 0.5, -2.0], [0.0] * 4, reduction=reduction, delta=2.0),
            Row("smooth_l1_loss", functional.smooth_l1_loss, [-3.0, 2.0, 0.5, -2.0], [0.0] * 4, reduction=reduction,
                beta=2.0),
        ]  # fmt: skip
    square, other = [[1.0, 2.0], [-3.0, 0.5]], [[2.0, -1.0], [0.25, 4.0]]
    rows += [
        Row("addmm", torch.addmm, [[nan, 1.0], [inf, 2.0]], square, other, beta=0.0, alpha=2.0),
        Row("addmm", torch.addmm, [1.0, 2.0], square, other, beta=-0.5, alpha=3.0),
        Row("addmv", torch.addmv, [1.0, 2.0], square, [2.0, -1.0], beta=-0.5, alpha=3.0),
        Row("addr", torch.addr, square, [1.0, 2.0], [3.0, -1.0], beta=-0.5, alpha=3.0),
    ]
    for eps in (1e-5, 0.5):
        rows.append(Row("native_layer_norm", lambda i, w, b, **o: functional.layer_norm(i, weight=w, bias=b, **o),
                        [[2.0, 2.0, 2.0], [1.0, 3.0, -4.0]], [0.5, 2.0, -1.0], [1.0, 0.0, -1.0], normalized_shape=(3,),
                        eps=eps))  # fmt: skip
    return rows


def _is_whole(operand: Any) -> bool:
    while isinstance(operand, list):
        operand = operand[0]
    return isinstance(operand, bool | int)


def _encoded(value: Any) -> Any:
    """A value for JSON, which has neither NaN nor infinities nor tuples."""
    if isinstance(value, dict):
        return {k: _encoded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def text() -> str:
    """The table as it is stored: a line for each row."""
    lines = [json.dumps(row.as_dict()) for row in rows()]
    head = json.dumps({"pytorch": torch.__version__})[:-1]
    return head + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n"


def main() -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description="Write the table of PyTorch's results.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the table is not what it would be")
    if parser.parse_args().check:
        same = json.loads(TABLE.read_text(encoding="utf-8"))["rows"] == json.loads(text())["rows"]
        return 0 if same else 1
    TABLE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
