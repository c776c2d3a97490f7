"""A program gives the same bits inside a cross-check as outside, and where nothing is wrong nothing is said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pullback as pb
import pullback.nn.functional as F
from pullback.extend import import_all
from pullback_crosscheck import Report, crosscheck

import_all()


def trains_with_dropout() -> Iterator[pb.Tensor]:
    weight, bias = pb.randn(6, 4, requires_grad=True), pb.zeros(4, requires_grad=True)
    optimizer = pb.optim.Adam([weight, bias], lr=0.1)
    for _ in range(3):
        images, labels = pb.randn(5, 6), pb.randint(4, (5,))
        loss = F.cross_entropy(F.dropout(images @ weight + bias, 0.3), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.detach()
    yield from (weight.detach(), bias.detach())


def writes_in_place() -> Iterator[pb.Tensor]:
    leaf = pb.randn(4, 5, requires_grad=True)
    base = leaf * 1
    base[1:, ::2].mul_(3).add_(pb.ones(3), alpha=2)
    base.T[0] = 7
    base[base > 1] = -1
    base.sum().backward()
    yield from (base.detach(), leaf.grad)
    steps = pb.zeros(5, dtype=pb.int64)
    steps += 2
    steps.index_add_(0, pb.tensor([0, 0, 3]), pb.tensor([1, 2, 3]))
    yield steps


def gives_out() -> Iterator[pb.Tensor]:
    target = pb.empty(3, 3)
    pb.exp(pb.randn(3, 3), out=target)
    pb.add(target, target, out=target)
    yield target
    values, indices = pb.empty(3), pb.empty(3, dtype=pb.int64)
    pb.max(target, 1, out=(values, indices))
    yield from (values, indices)


def uses_modes() -> Iterator[pb.Tensor]:
    x = pb.randn(3, requires_grad=True)
    with pb.no_grad():
        yield x.exp()
    with pb.inference_mode():
        yield x.sin() + 1
    with pb.autograd.forward_ad.dual_level():
        dual = pb.autograd.forward_ad.make_dual(x.detach(), pb.ones(3))
        yield pb.autograd.forward_ad.unpack_dual(dual.exp() * dual).tangent


def uses_hooks() -> Iterator[pb.Tensor]:
    x = pb.randn(3, requires_grad=True)
    y = x.exp()
    y.register_hook(lambda grad: grad * 2)
    x.register_hook(lambda grad: grad + 1)
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        z = (y * y).sum()
    z.backward()
    yield x.grad


def differentiates_twice() -> Iterator[pb.Tensor]:
    x = pb.randn(4, requires_grad=True)
    (grad,) = pb.autograd.grad((x.tanh() * x).sum(), x, create_graph=True)
    grad.square().sum().backward()
    yield from (grad.detach(), x.grad)


def maps() -> Iterator[pb.Tensor]:
    xs = pb.randn(3, 4)
    yield pb.vmap(lambda x: (x.softmax(0) * x.cumsum(0)).sum())(xs)
    yield pb.vmap(pb.func.grad(lambda x: x.log_softmax(0)[1]))(xs)
    yield pb.func.jacrev(lambda x: x.sort().values * x)(xs[0])


def draws() -> Iterator[pb.Tensor]:
    generator = pb.Generator().manual_seed(5)
    yield pb.rand(7).bernoulli(generator=generator)
    yield pb.zeros(50).normal_(2, 3)
    yield pb.zeros(50).exponential_()
    yield pb.poisson(pb.full((50,), 4.0), generator=generator)
    yield pb.zeros(20).geometric_(0.2)
    yield pb.zeros(20, dtype=pb.int64).random_(5)
    yield pb.randn(3)


def joins_and_splits() -> Iterator[pb.Tensor]:
    parts = pb.randn(6, 4).split([1, 2, 3])
    yield from pb.cat(parts[::-1]).unbind(1)
    yield pb.stack([part.mean(0) for part in parts])
    yield pb.randn(5).topk(2).indices
    yield pb.randn(5, dtype=pb.complex64).abs()
    yield (pb.arange(5) / 3).to(pb.bfloat16) * 2


PROGRAMS: list[Callable[[], Iterator[pb.Tensor]]] = [
    trains_with_dropout,
    writes_in_place,
    gives_out,
    uses_modes,
    uses_hooks,
    differentiates_twice,
    maps,
    draws,
    joins_and_splits,
]
PAIRS = [
    ("numpy", "Faultless"),
    pytest.param("numpy", "jax", marks=pytest.mark.jax),
    pytest.param("jax", "numpy", marks=pytest.mark.jax),
]


def bits(program: Callable[[], Iterator[pb.Tensor]]) -> list[tuple[Any, ...]]:
    pb.manual_seed(3)
    return [
        (t.dtype, tuple(t.shape), tuple(t.stride()), t.backend.to_numpy(t.array).tobytes())
        for t in map(_known, program())
    ]


def _known(tensor: pb.Tensor | None) -> pb.Tensor:
    assert tensor is not None
    return tensor


def checked(program: Callable[[], Iterator[pb.Tensor]], **options: Any) -> tuple[list[tuple[Any, ...]], Report]:
    with crosscheck(mode="collect", **options) as report:
        return bits(program), report


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("shadow", [False, True])
def test_a_program_gives_the_same_bits_and_nothing_differs(faulty, program, first, second, shadow):
    if "Faultless" in (first, second):
        faulty("Faultless")
    with pb.use_backend(first):
        without = bits(program)
        within, report = checked(program, backend=second, shadow=shadow)
    assert within == without
    assert report.checked >= 3
    assert not report.divergences, str(report)
    assert not report.skipped, str(report)


def test_after_the_block_nothing_is_checked(faulty):
    faulty("Faultless")
    with crosscheck("Faultless") as report:
        pb.ones(2).exp()
    pb.ones(2).exp()
    assert report.checked == 1


def test_it_decorates_functions(faulty):
    faulty("ImpreciseTanh")

    @crosscheck("ImpreciseTanh", mode="collect")
    def inside() -> None:
        pb.ones(2).tanh()

    inside()
