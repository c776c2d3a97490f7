"""Forward mode through every operation, with its samples: over reverse mode, and written in place."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwd
import pullback.nn.functional
from pullback.backend.selection import get_backend
from pullback.dispatch.declaration import Operation
from pullback.dispatch.inplace import apply_inplace
from pullback.tensor import Tensor
from pullback.tensor.registry import registry
from pullback_conformance.case import Call, is_inexact
from pullback_conformance.samples import samples_of

EPS = 1e-6
DIFFERENTIABLE = sorted(
    n for n, o in registry.items() if isinstance(o, Operation) and o.nondifferentiable is None and not o.draws
)
#: The in-place methods that take other arguments than the operation, by the operations that they write the result of.
METHODS: dict[str, Callable[..., Tensor]] = {
    "clamp_to_numbers": Tensor.clamp_,
    "clamp_to_tensors": Tensor.clamp_,
    "copy": Tensor.copy_,
    "cumprod": Tensor.cumprod_,
    "cumsum": Tensor.cumsum_,
    "fill": Tensor.fill_,
    "fill_tensor": Tensor.fill_,
    "index_add": lambda t, index, source, dim, **options: t.index_add_(dim, index, source, **options),
    "index_copy": lambda t, index, source, dim: t.index_copy_(dim, index, source),
    "index_fill": lambda t, index, dim, value: t.index_fill_(dim, index, value),
    "index_fill_tensor": lambda t, index, value, dim: t.index_fill_(dim, index, value),
    "index_put": lambda t, *args: apply_inplace(registry["index_put"], t, args, {}),  # also with slices among tensors
    "index_reduce": lambda t, index, source, dim, reduce, include_self: t.index_reduce_(
        dim, index, source, reduce, include_self=include_self
    ),
    "masked_fill": Tensor.masked_fill_,
    "masked_fill_tensor": Tensor.masked_fill_,
    "masked_scatter": Tensor.masked_scatter_,
    "put": Tensor.put_,
    "scatter": lambda t, index, src, dim: t.scatter_(dim, index, src),
    "scatter_add": lambda t, index, src, dim: t.scatter_add_(dim, index, src),
    "scatter_reduce": lambda t, index, src, dim, reduce, include_self: t.scatter_reduce_(
        dim, index, src, reduce, include_self=include_self
    ),
    "scatter_value": lambda t, index, dim, value: t.scatter_(dim, index, value),
    "zero": Tensor.zero_,
}
INPLACE = [n for n in DIFFERENTIABLE if registry[n].inplace_name or n in METHODS]


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
        if not sample.values_only and call.chosen and all(t.numel() <= 40 for t in call.inputs):
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


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_of_tangents_are_the_tangents_of_gradients(name: str) -> None:
    random = Random(name)
    for label, call in small_calls(name, pb.float64):
        cotangents = [numbers_like(o, random) for o in call.run() if is_inexact(o)]
        points = [t.detach() for t in call.inputs]
        directions = [numbers_like(p, random) for p in points]
        with fwd.dual_level():
            duals = [fwd.make_dual(p.clone(), d).requires_grad_() for p, d in zip(points, directions, strict=True)]
            found = gradients(call, cotangents, duals)
            forward_over_reverse = [None if g is None else fwd.unpack_dual(g).tangent for g in found]
        leaves = [p.clone().requires_grad_() for p in points]
        with fwd.dual_level():
            duals = [fwd.make_dual(p, d) for p, d in zip(leaves, directions, strict=True)]
            outs = [o for o in call.run(dict(zip(call.chosen, duals, strict=True))) if is_inexact(o)]
            tangents = [(fwd.unpack_dual(o).tangent, c) for o, c in zip(outs, cotangents, strict=True)]
        products = [t * c.conj() for t, c in tangents if t is not None]
        along = sum(((p.real if p.is_complex() else p).sum() for p in products), pb.zeros((), dtype=pb.float64))
        reverse_over_forward = (
            pb.autograd.grad(along, leaves, allow_unused=True) if along.requires_grad else (None,) * len(leaves)
        )
        for one, other, point in zip(forward_over_reverse, reverse_over_forward, points, strict=True):
            got, wanted = (point * 0 if t is None else t.detach() for t in (one, other))
            assert got.allclose(wanted, equal_nan=True), (label, got, wanted)


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
            method = METHODS[name] if name in METHODS else getattr(Tensor, operation.inplace_name)
            method(written, *others, **call.kwargs)
            got = fwd.unpack_dual(written).tangent
            zeros = target.detach() * 0
            wanted, got = (zeros if t is None else t for t in (wanted, got))
            assert got.allclose(wanted, equal_nan=True), (label, got, wanted)
            of_whole = fwd.unpack_dual(whole).tangent
            if where != "a tensor" and of_whole is not None:
                assert of_whole[1].allclose(wanted, equal_nan=True), label
                assert not of_whole[0].any(), label


@pytest.mark.parametrize("name", INPLACE)
def test_tangents_of_gradients_through_what_is_written_in_place(name: str) -> None:
    operation = registry[name]
    method = METHODS[name] if name in METHODS else getattr(Tensor, operation.inplace_name)
    for label, call in small_calls(name, pb.float64):
        if call.run()[0].shape != call.args[0].shape:
            continue
        wanted = gradients_and_tangents(call, operation.call)
        written = gradients_and_tangents(call, lambda first, *args, **options: method(first.clone(), *args, **options))
        for got, expected in zip(written, wanted, strict=True):
            assert got.allclose(expected, equal_nan=True), (label, got, expected)


def gradients_and_tangents(call: Call, function: Callable[..., Tensor]) -> list[Tensor]:
    """The gradients of a call's operands, and the tangents of these, at random points and along random directions."""
    random = Random(0)
    with fwd.dual_level():
        inputs = [fwd.make_dual(p.clone(), numbers_like(p, random)).requires_grad_() for p in call.inputs]
        replaced = dict(zip(call.chosen, inputs, strict=True))
        tensors = iter(replaced.get(number, tensor) for number, tensor in enumerate(call.tensors))
        result = function(*(next(tensors) if isinstance(a, Tensor) else a for a in call.args), **call.kwargs)
        cotangent = numbers_like(result, random)
        found = pb.autograd.grad(result, inputs, cotangent, create_graph=True, materialize_grads=True)
        parts = [fwd.unpack_dual(gradient) for gradient in found]
        return [t for p, d in parts for t in (p.detach(), p.detach() * 0 if d is None else d.detach())]
