"""Forward mode: duals, and the JVP of operations of each kind."""

from __future__ import annotations

import gc
import threading
import weakref

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
        (pb.ones(3), "of size \\[2\\] while the given forward gradient is of size \\[3\\]"),
        (pb.ones(2, dtype=pb.float64), "same dtype as the primal"),
    ],
)
def test_tangents_must_fit(tangent, message) -> None:
    with fwd.dual_level(), pytest.raises(RuntimeError, match=message):
        fwd.make_dual(pb.ones(2), tangent)


def test_a_dual_needs_a_level() -> None:
    with pytest.raises(RuntimeError, match="no level exists"):
        fwd.make_dual(pb.ones(2), pb.ones(2))


BACKENDS = pytest.mark.parametrize("backend", ["numpy", "jax"])


def test_what_is_no_longer_used_goes_before_the_level_ends() -> None:
    with fwd.dual_level():
        dual = fwd.make_dual(pb.ones(2), pb.ones(2))
        reference = weakref.ref(dual * 2)
        gc.collect()
        assert reference() is None


def test_a_tangent_laid_out_differently_is_copied_so_that_views_correspond() -> None:
    tangent = pb.arange(6.0).reshape(2, 3)
    with fwd.dual_level():
        dual = fwd.make_dual(pb.ones(3, 2), tangent.T)
        kept = fwd.unpack_dual(dual).tangent
        assert kept is not tangent
        assert kept.stride() == dual.stride()
        dual.view(-1)[0] = 5.0
        assert fwd.unpack_dual(dual).tangent.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
        assert tangent.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_an_expanded_tangent_can_be_written() -> None:
    with fwd.dual_level():
        dual = fwd.make_dual(pb.ones(3), pb.ones(1).expand(3))
        dual.mul_(pb.tensor([1.0, 2.0, 3.0]))
        assert fwd.unpack_dual(dual).tangent.tolist() == [1.0, 2.0, 3.0]


@BACKENDS
def test_a_tensor_multiplied_in_place_with_itself(backend) -> None:
    with pb.use_backend(backend), fwd.dual_level():
        dual = fwd.make_dual(pb.tensor([2.0, 3.0]), pb.tensor([1.0, 10.0]))
        dual.mul_(dual)
        assert fwd.unpack_dual(dual).tangent.tolist() == [4.0, 60.0]


@BACKENDS
def test_a_gradient_keeps_the_tangent_that_an_operand_had_before_it_was_written(backend) -> None:
    with pb.use_backend(backend), fwd.dual_level():
        weight = pb.tensor([5.0, 7.0], requires_grad=True)
        value = fwd.make_dual(pb.tensor([2.0, 3.0]), pb.tensor([1.0, 10.0])) * 1
        value.mul_(weight)
        (gradient,) = pb.autograd.grad(value.sum(), weight, create_graph=True)
        assert fwd.unpack_dual(gradient).tangent.tolist() == [1.0, 10.0]


@BACKENDS
def test_a_primal_stays_without_a_tangent_when_its_base_is_written_with_one(backend) -> None:
    with pb.use_backend(backend), fwd.dual_level():
        base = pb.ones(2)
        primal, view = fwd.unpack_dual(base).primal, base[:]
        base.mul_(fwd.make_dual(pb.ones(2), pb.tensor([1.0, 10.0])))
        assert fwd.unpack_dual(view).tangent.tolist() == [1.0, 10.0]
        assert fwd.unpack_dual(primal).tangent is None
        assert fwd.unpack_dual(primal * 2).tangent is None


def test_a_second_level_begins_without_tangents_of_the_first() -> None:
    with fwd.dual_level():
        dual = fwd.make_dual(pb.ones(2), pb.ones(2))
        saved = (dual * dual).exp()
    with fwd.dual_level():
        for tensor in (dual, saved, saved * dual):
            assert fwd.unpack_dual(tensor).tangent is None
        assert fwd.unpack_dual(fwd.make_dual(dual, pb.ones(2))).tangent.tolist() == [1.0, 1.0]


def test_levels_are_those_of_a_thread() -> None:
    seen = []
    with fwd.dual_level():
        thread = threading.Thread(target=lambda: seen.append(fwd.enter_dual_level()))
        thread.start()
        thread.join()
    assert seen == [0]


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: fwd.exit_dual_level(), RuntimeError, "Dual level must be a positive number"),
        (lambda: fwd.exit_dual_level(level=2), RuntimeError, "not the last one that was created"),
        (lambda: fwd.make_dual(pb.ones(2), pb.ones(2), level=-1), RuntimeError, "no level exists"),
    ],
)
def test_refused_outside_a_level(action, error, message) -> None:
    with pytest.raises(error, match=message):
        action()


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: fwd.enter_dual_level(), RuntimeError, "Nested forward mode AD is not supported"),
        (lambda: fwd.make_dual(pb.ones(2), pb.ones(2), level=1), RuntimeError, "Invalid level given to _make_dual"),
        (lambda: fwd.unpack_dual(pb.ones(2), level=1), RuntimeError, "Invalid level given to _fw_primal"),
        (lambda: fwd.unpack_dual(3), TypeError, "must be Tensor, not int"),
        (
            lambda: fwd.make_dual(pb.tensor([1]), pb.ones(1)),
            ValueError,
            "Expected primal to be floating point or complex",
        ),
        (
            lambda: fwd.make_dual(pb.ones(1), pb.tensor([1])),
            ValueError,
            "Expected tangent to be floating point or comp",
        ),
    ],
)
def test_refused_in_a_level_which_goes_on(action, error, message) -> None:
    with fwd.dual_level():
        with pytest.raises(error, match=message):
            action()
        assert fwd.unpack_dual(fwd.make_dual(pb.ones(1), pb.ones(1)) * 3).tangent.tolist() == [3.0]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_views_by_layout_carry_tangents(backend: str) -> None:
    with pb.use_backend(backend), fwd.dual_level():
        x = fwd.make_dual(pb.arange(4.0), pb.tensor([1.0, 2.0, 3.0, 4.0]))
        tangent = fwd.unpack_dual(x.as_strided((2, 2), (1, 2))).tangent
        assert tangent is not None
        assert tangent.tolist() == [[1.0, 3.0], [2.0, 4.0]]


@BACKENDS
def test_a_dual_that_is_not_resized_stays_as_it_is(backend) -> None:
    with pb.use_backend(backend), fwd.dual_level():
        dual = fwd.make_dual(pb.ones(2), pb.tensor([1.0, 10.0]))
        with pytest.raises(RuntimeError, match="cannot resize variables that has a forward grad"):
            dual.resize_(1)
        assert dual.shape == (2,)
        assert fwd.unpack_dual(dual).tangent.tolist() == [1.0, 10.0]
