"""Forward mode through every operation, with its samples: over reverse mode, and written in place."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwd
import pullback.nn.functional
from pullback.backend.selection import get_backend
from pullback.op import Operation, registry
from pullback.tensor import Tensor
from pullback_conformance.case import Call, is_inexact
from pullback_conformance.samples import samples_of

EPS = 1e-6
#: Their methods take the attributes and operands in another order than the operations.
OTHER_ORDER = {
    "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "scatter", "scatter_add", "scatter_reduce",
}  # fmt: skip
DIFFERENTIABLE = sorted(
    n for n, o in registry.items() if isinstance(o, Operation) and o.nondifferentiable is None and not o.draws
)
INPLACE = [n for n in DIFFERENTIABLE if registry[n].inplace_name and n not in OTHER_ORDER]


def numbers_like(tensor: Tensor, random: Random) -> Tensor:
    values: list[Any] = [random.uniform(-1, 1) for _ in range(tensor.numel())]
    if tensor.dtype.is_complex:
        values = [complex(v, random.uniform(-1, 1)) for v in values]
    return pb.tensor(values, dtype=tensor.dtype).reshape(tensor.shape)


def small_calls(name: str, dtype: pb.dtype) -> list[tuple[str, Call]]:
    """The operation's first samples that have a result to differentiate, and little to compute."""
    operation = registry[name]
    if dtype not in operation.dtypes:
        return []
    found = []
    for sample in samples_of(operation, get_backend("numpy"), dtype, most=4):
        call = Call(operation, get_backend("numpy"), sample, lambda tensor: tensor)
        if not sample.is_wide and call.chosen and all(t.numel() <= 40 for t in call.inputs):
            found.append((sample.label, call))
    return found


def gradients(call: Call, cotangents: list[Tensor], inputs: list[Tensor]) -> tuple[Tensor | None, ...]:
    outputs = [o for o in call.run(dict(zip(call.chosen, inputs, strict=True))) if is_inexact(o)]
    kept = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    if not kept:
        return (None,) * len(inputs)
    return pb.autograd.grad([o for o, _ in kept], inputs, [c for _, c in kept], create_graph=True, allow_unused=True)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_tangents_of_gradients(name: str) -> None:
    random = Random(name)
    for dtype in (pb.float64, pb.complex128):
        for label, call in small_calls(name, dtype):
            points = [t.detach() for t in call.inputs]
            cotangents = [numbers_like(o, random) for o in call.run() if is_inexact(o)]
            directions = [numbers_like(p, random) for p in points]
            with fwd.dual_level():
                duals = [fwd.make_dual(p.clone(), d).requires_grad_() for p, d in zip(points, directions, strict=True)]
                found = [None if g is None else fwd.unpack_dual(g).tangent for g in gradients(call, cotangents, duals)]
            above, below = (
                gradients(
                    call, cotangents, [(p + s * d).requires_grad_() for p, d in zip(points, directions, strict=True)]
                )
                for s in (EPS, -EPS)
            )
            for tangent, high, low in zip(found, above, below, strict=True):
                if high is None or low is None:
                    assert tangent is None, label
                    continue
                wanted = (high - low).detach() / (2 * EPS)
                got = wanted * 0 if tangent is None else tangent.detach()
                assert got.allclose(wanted, rtol=1e-4, atol=1e-5, equal_nan=True), (label, got, wanted)


@pytest.mark.parametrize("where", ["a tensor", "a view", "a view of a tensor without a tangent"])
@pytest.mark.parametrize("name", INPLACE)
def test_tangents_of_what_is_written_in_place(name: str, where: str) -> None:
    random = Random(name)
    operation = registry[name]
    for label, call in small_calls(name, pb.float64):
        target, *others = call.args
        if not isinstance(target, Tensor) or call.run()[0].shape != target.shape:
            continue
        tangents = [numbers_like(t, random) if isinstance(t, Tensor) and is_inexact(t) else None for t in call.args]
        if where == "a view of a tensor without a tangent":
            tangents[0] = None
        with fwd.dual_level():
            others = [
                o if t is None else fwd.make_dual(o.clone(), t) for o, t in zip(others, tangents[1:], strict=True)
            ]
            whole = pb.stack([target.detach() * 0, target.detach()])
            if tangents[0] is not None:
                whole = fwd.make_dual(whole, pb.stack([tangents[0] * 0, tangents[0]]))
            written = whole[1].clone() if where == "a tensor" else whole[1]
            wanted = fwd.unpack_dual(operation.call(whole[1].clone(), *others, **call.kwargs)).tangent
            getattr(written, operation.inplace_name)(*others, **call.kwargs)
            got = fwd.unpack_dual(written).tangent
            zeros = target.detach() * 0
            wanted, got = (zeros if t is None else t for t in (wanted, got))
            assert got.allclose(wanted, equal_nan=True), (label, got, wanted)
            of_whole = fwd.unpack_dual(whole).tangent
            if where != "a tensor" and of_whole is not None:
                assert of_whole[1].allclose(wanted, equal_nan=True), label
                assert not of_whole[0].any(), label
