"""Forward mode: duals, and the JVP of operations of each kind."""

from __future__ import annotations

import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwd


def jvp(function, *pairs):
    with fwd.dual_level():
        duals = [fwd.make_dual(primal, tangent) for primal, tangent in pairs]
        return fwd.unpack_dual(function(*duals)).tangent


def test_elementwise_by_partials() -> None:
    x, t = pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0])
    assert jvp(lambda a: a**2, (x, t)).tolist() == [2.0, 40.0]
    assert jvp(lambda a, b: a * b, (x, t), (pb.tensor([3.0, 4.0]), pb.ones(2))).tolist() == [4.0, 42.0]


def test_broadcasting() -> None:
    tangent = jvp(lambda a: a + pb.ones(3, 2), (pb.ones(2), pb.tensor([1.0, 2.0])))
    assert tangent.tolist() == [[1.0, 2.0]] * 3


def test_linear_operations_apply_to_the_tangent() -> None:
    x, t = pb.ones(2, 3), pb.arange(6.0).reshape(2, 3)
    assert jvp(lambda a: a.sum(1), (x, t)).tolist() == [3.0, 12.0]
    assert jvp(lambda a: a.T, (x, t)).tolist() == t.T.tolist()


def test_forward_over_reverse() -> None:
    x = pb.tensor([1.0, 2.0], dtype=pb.float64)
    with fwd.dual_level():
        dual = fwd.make_dual(x.requires_grad_(), pb.ones(2, dtype=pb.float64))
        (gradient,) = pb.autograd.grad((dual**3).sum(), dual, create_graph=True)
        assert fwd.unpack_dual(gradient).tangent.tolist() == [6.0, 12.0]


def test_reverse_over_forward() -> None:
    x = pb.tensor([1.0, 2.0], dtype=pb.float64, requires_grad=True)
    tangent = jvp(lambda a: a**3, (x, pb.ones(2, dtype=pb.float64)))
    (second,) = pb.autograd.grad(tangent.sum(), x)
    assert second.tolist() == [6.0, 12.0]


def test_tangents_end_with_their_level() -> None:
    with fwd.dual_level():
        dual = fwd.make_dual(pb.ones(2), pb.ones(2))
        out = dual * 2
    assert fwd.unpack_dual(out).tangent is None
    assert fwd.unpack_dual(dual).tangent is None


@pytest.mark.parametrize(
    ("tangent", "message"),
    [
        (pb.ones(3), "same shape as the primal"),
        (pb.ones(2, dtype=pb.float64), "same dtype as the primal"),
    ],
)
def test_tangents_must_fit(tangent, message) -> None:
    with fwd.dual_level(), pytest.raises(RuntimeError, match=message):
        fwd.make_dual(pb.ones(2), tangent)


def test_a_dual_needs_a_level() -> None:
    with pytest.raises(RuntimeError, match="no level exists"):
        fwd.make_dual(pb.ones(2), pb.ones(2))
