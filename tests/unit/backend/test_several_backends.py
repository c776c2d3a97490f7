"""One graph over several backends: each operation runs where its operands are, each gradient goes back there."""

from __future__ import annotations

from collections.abc import Iterator

import array_api_strict
import pytest

import pullback as pb
from pullback.extend import ArrayAPIBackend, register_backend, unregister_backend

pytestmark = pytest.mark.jax


@pytest.fixture
def strict() -> Iterator[str]:
    register_backend(ArrayAPIBackend("strict", array_api_strict, mutable=True))
    yield "strict"
    unregister_backend("strict")


def program(x: pb.Tensor, w: pb.Tensor, b: pb.Tensor, way: tuple[str, str, str]) -> pb.Tensor:
    first, second, third = way
    hidden = (x.to(first) @ w.to(first)).to(second).exp()
    return (hidden * b.to(second)).to(third).sum(0).square().sum()


def leaves() -> list[pb.Tensor]:
    data = [[[0.5, -1.0], [1.5, 0.25]], [[1.0, 0.5], [-0.5, 0.75]], [0.5, 2.0]]
    return [pb.tensor(d, dtype=pb.float64, requires_grad=True) for d in data]


@pytest.mark.parametrize("order", [1, 2])
def test_three_backends_in_one_backward_pass_give_what_one_gives(strict: str, order: int) -> None:
    expected, got = leaves(), leaves()
    ways = [("numpy", "numpy", "numpy"), ("jax", strict, "numpy")]
    for inputs, way in zip((expected, got), ways, strict=True):
        loss = program(*inputs, way)
        if order == 2:
            first = pb.autograd.grad(loss, inputs, create_graph=True)
            loss = sum((g.square().sum() for g in first), pb.zeros((), dtype=pb.float64))
        loss.backward()
    for one, other in zip(expected, got, strict=True):
        assert other.grad is not None
        assert one.grad is not None
        assert other.grad.backend.name == "numpy"
        pb.testing.assert_close(other.grad, one.grad, rtol=1e-12, atol=1e-12)


def test_leaves_of_several_backends_get_their_gradients_where_they_are(strict: str) -> None:
    x = pb.tensor([1.0, 2.0], backend="jax", requires_grad=True)
    y = pb.tensor([3.0, 4.0], backend=strict, requires_grad=True)
    z = pb.tensor([5.0, 6.0], requires_grad=True)
    (x.to("numpy") * y.to("numpy") * z).sum().backward()
    assert [t.grad.backend.name for t in (x, y, z)] == ["jax", strict, "numpy"]
    assert x.grad.tolist() == [15.0, 24.0]
    assert y.grad.tolist() == [5.0, 12.0]
    assert z.grad.tolist() == [3.0, 8.0]


def test_tangents_go_the_same_way(strict: str) -> None:
    def moved(x: pb.Tensor) -> pb.Tensor:
        return x.to("jax").sin().to(strict).square()

    def at_home(x: pb.Tensor) -> pb.Tensor:
        return x.sin().square()

    at = (pb.tensor([0.3, 0.7], dtype=pb.float64),), (pb.tensor([1.0, -2.0], dtype=pb.float64),)
    value, tangent = pb.func.jvp(moved, *at)
    expected, expected_tangent = pb.func.jvp(at_home, *at)
    assert value.backend.name == tangent.backend.name == strict
    assert value.tolist() == pytest.approx(expected.tolist())
    assert tangent.tolist() == pytest.approx(expected_tangent.tolist())
