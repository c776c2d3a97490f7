"""``grad``, ``vjp``, ``jvp`` and ``linearize``: what they leave alone, and how they nest."""

from __future__ import annotations

import math

import pytest

import pullback as pb
from pullback.func import grad, grad_and_value, jacfwd, jacrev, jvp, linearize, vjp, vmap


def test_nothing_accumulates() -> None:
    x = pb.ones(2, requires_grad=True)
    w = pb.ones(2, requires_grad=True)
    grad(lambda t: (t * w).sum())(x)
    vjp(lambda t: t * w, x)[1](pb.ones(2))
    assert x.grad is None
    assert w.grad is None


def test_it_works_where_no_graph_is_recorded() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    with pb.no_grad():
        gradient = grad(lambda t: t**3)(x)
        second = grad(grad(lambda t: t**3))(x)
    assert (gradient.item(), second.item()) == (12.0, 12.0)
    assert not gradient.requires_grad
    assert not second.requires_grad


def test_what_the_function_hides_stays_hidden() -> None:
    def f(t: pb.Tensor) -> pb.Tensor:
        with pb.no_grad():
            constant = t**2
        return t - constant

    assert grad(f)(pb.tensor(3.0)).item() == 1.0


def test_a_result_has_a_history_only_if_that_leads_outside() -> None:
    x, w = pb.ones(2), pb.ones(2, requires_grad=True)
    assert not grad(lambda t: (t * t).sum())(x).requires_grad
    assert grad(lambda t: (t * t * w).sum())(x).requires_grad
    gradient, value = grad_and_value(lambda t: (t * w).sum())(x)
    assert gradient.requires_grad
    value.backward()
    assert w.grad is not None
    assert w.grad.tolist() == [1.0, 1.0]
    output, pull = vjp(lambda t: t * t, x)
    assert not output.requires_grad
    assert not pull(pb.ones(2))[0].requires_grad


def test_auxiliary_results_can_be_differentiated_outside() -> None:
    w = pb.tensor(3.0, requires_grad=True)

    def f(t: pb.Tensor) -> tuple[pb.Tensor, pb.Tensor]:
        square = t * t
        return square, square * w

    gradient, aux = grad(f, has_aux=True)(pb.tensor(2.0))
    aux.backward()
    assert gradient.item() == 4.0
    assert w.grad is not None
    assert w.grad.item() == 4.0


def test_the_gradient_of_a_gradient_reaches_the_outside() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    grad(grad(lambda t: t**4))(x).backward()
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(48.0)


def test_a_pullback_may_be_used_again() -> None:
    _, pull = vjp(lambda t: t**2, pb.tensor([1.0, 2.0]))
    assert pull(pb.tensor([1.0, 0.0]))[0].tolist() == [2.0, 0.0]
    assert pull(pb.tensor([0.0, 1.0]))[0].tolist() == [0.0, 4.0]


def test_inner_and_outer_variables_are_not_confused() -> None:
    # d/dx (x * d/dy (x * y)) = d/dx (x * x)
    nested = grad(lambda x: x * grad(lambda y: x * y)(pb.tensor(7.0)))
    assert nested(pb.tensor(3.0)).item() == 6.0
    forward = jvp(
        lambda x: x * jvp(lambda y: x * y, (pb.tensor(7.0),), (pb.tensor(1.0),))[1],
        (pb.tensor(3.0),),
        (pb.tensor(1.0),),
    )
    assert forward[1].item() == 6.0
    mixed = jvp(lambda x: x * grad(lambda y: x * y)(pb.tensor(7.0)), (pb.tensor(3.0),), (pb.tensor(1.0),))
    assert mixed[1].item() == 6.0
    inside = vmap(lambda x: jvp(lambda s: s * jvp(lambda t: s * t, (x,), (x,))[1], (x,), (pb.tensor(1.0),))[1])
    assert inside(pb.tensor([1.0, 2.0])).tolist() == [2.0, 8.0]


def test_three_forward_passes_nest() -> None:
    def derivative(f):
        return lambda t: jvp(f, (t,), (pb.ones_like(t),))[1]

    third = derivative(derivative(derivative(lambda t: t**4)))
    assert third(pb.tensor(2.0)).item() == pytest.approx(48.0)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_all_orders_of_modes_agree(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.tensor([0.5, 1.0, -0.75])

        def f(t: pb.Tensor) -> pb.Tensor:
            return (t.exp() * t.tanh()).prod()

        expected = jacrev(jacrev(f))(x)
        for outer, inner in ((jacfwd, jacrev), (jacrev, jacfwd), (jacfwd, jacfwd)):
            pb.testing.assert_close(outer(inner(f))(x), expected, rtol=1e-4, atol=1e-5)


def test_saved_results_keep_their_tangents() -> None:
    # the derivative of exp is its saved result
    for function in (pb.exp, pb.tanh, pb.sigmoid, pb.sqrt):
        second = jvp(grad(function), (pb.tensor(0.5),), (pb.tensor(1.0),))[1]
        assert second.item() == pytest.approx(grad(grad(function))(pb.tensor(0.5)).item(), rel=1e-5)


def test_tangents_end_with_the_pass() -> None:
    x = pb.ones(2)
    output, tangent = jvp(lambda t: t * 2, (x,), (x,))
    for tensor in (x, output, tangent):
        assert pb.autograd.forward_ad.unpack_dual(tensor).tangent is None


def test_a_linear_function_runs_without_the_original() -> None:
    calls = []

    def f(t: pb.Tensor) -> pb.Tensor:
        calls.append(1)
        return t**2

    output, push = linearize(f, pb.tensor([1.0, 2.0]))
    assert output.tolist() == [1.0, 4.0]
    assert push(pb.tensor([1.0, 1.0])).tolist() == [2.0, 4.0]
    assert push(pb.tensor([0.0, 1.0])).tolist() == [0.0, 4.0]
    assert len(calls) == 1
    assert vmap(push)(pb.eye(2)).tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_linearized_constants_and_unused_arguments() -> None:
    _, push = linearize(lambda t, u: (t * 2, pb.ones(3)), pb.ones(2), pb.ones(2))
    first, second = push(pb.ones(2), pb.ones(2))
    assert first.tolist() == [2.0, 2.0]
    assert second.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("requires_grad", [False, True])
def test_the_argument_cannot_be_written(requires_grad: bool) -> None:
    x = pb.ones(2, requires_grad=requires_grad)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        grad(lambda t: t.mul_(2).sum())(x)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        grad(lambda t: t[:1].mul_(2).sum())(x)
    assert x.tolist() == [1.0, 1.0]


def test_a_gradient_with_respect_to_a_parameter_of_a_closure_in_a_batch() -> None:
    w = pb.tensor([1.0, 2.0], requires_grad=True)
    rows = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    gradients = vmap(grad(lambda row: (row * row * w).sum()))(rows)
    gradients.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [8.0, 12.0]


def test_integers_have_no_gradient() -> None:
    with pytest.raises(RuntimeError, match="only Tensors of floating point dtype can require gradients"):
        grad(lambda t: t.sum())(pb.ones(2, dtype=pb.int64))


def test_complex_functions() -> None:
    z = pb.tensor([1 + 2j, 3 - 1j])
    gradient = grad(lambda t: (t * t.conj()).real.sum())(z)
    pb.testing.assert_close(gradient, 2 * z)
    pb.testing.assert_close(vmap(grad(lambda t: (t * t.conj()).real))(z), 2 * z)


def product(t: pb.Tensor) -> pb.Tensor:
    return (t.exp() * t).sum()


rows = pb.tensor([[0.0, 1.0], [2.0, 3.0]])
gradients = [[1.0, 2 * math.e], [3 * math.e**2, 4 * math.e**3]]


def test_it_works_in_inference_mode() -> None:
    with pb.inference_mode():
        found = [grad(product)(rows), vmap(grad(product))(rows)]
        tangent = jvp(product, (rows,), (pb.ones(2, 2),))[1]
    for gradient in found:
        pb.testing.assert_close(gradient, pb.tensor(gradients))
    assert tangent.item() == pytest.approx(sum(map(sum, gradients)))


def test_it_works_with_what_stands_around_the_graph() -> None:
    expected = pb.tensor(gradients)
    checkpointed = grad(lambda t: pb.utils.checkpoint.checkpoint(product, t, use_reentrant=False))
    pb.testing.assert_close(vmap(checkpointed)(rows), expected)
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t * 1, lambda t: t):
        pb.testing.assert_close(vmap(grad(product))(rows), expected)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"), pb.autograd.detect_anomaly():
        pb.testing.assert_close(vmap(grad(product))(rows), expected)


def test_hooks_run_once_for_all_examples() -> None:
    calls = []

    def f(t: pb.Tensor) -> pb.Tensor:
        doubled = t * 2
        doubled.register_hook(lambda g: (calls.append(g.shape), g * 10)[1])
        return doubled.sum()

    assert vmap(grad(f))(rows).tolist() == [[20.0, 20.0]] * 2
    assert calls == [(2,)]


def test_a_linearized_function_can_be_differentiated_by_the_point() -> None:
    v = pb.tensor([1.0, 2.0, 0.5], dtype=pb.float64)
    p = v.clone().requires_grad_()
    w = pb.tensor([1.0, -1.0, 3.0], dtype=pb.float64)

    def along(x: pb.Tensor) -> pb.Tensor:
        return linearize(pb.exp, x)[1](w)

    expected = v.exp() * w
    assert grad(lambda x: along(x).sum())(v).allclose(expected)
    assert jacrev(along)(v).allclose(expected.diag())
    assert jacfwd(along)(v).allclose(expected.diag())
    assert vmap(grad(lambda x: along(x).sum()))(v[None])[0].allclose(expected)
    assert grad(lambda x: vmap(along)(pb.stack([x, x])).sum())(v).allclose(2 * expected)
    assert linearize(along, v)[1](v).allclose(expected * v)
    assert pb.autograd.grad(along(p).sum(), p)[0].allclose(expected)
    assert not along(v).requires_grad
    assert not linearize(lambda x: x**2, v)[1](w).requires_grad


def test_jacobians_one_row_at_a_time_ask_for_no_batching() -> None:
    class Cube(pb.autograd.Function):
        @staticmethod
        def forward(x: pb.Tensor) -> pb.Tensor:
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, gradient: pb.Tensor) -> pb.Tensor:
            (x,) = ctx.saved_tensors
            assert gradient.backend.level == 0
            return gradient * 3 * x**2

    x = pb.tensor([1.0, 2.0])
    assert jacrev(Cube.apply, chunk_size=1)(x).tolist() == [[3.0, 0.0], [0.0, 12.0]]
    structured = jacrev(lambda t: {"a": t * 2, "b": (t.sum(),)}, chunk_size=1)(x)
    assert structured["a"].tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert structured["b"][0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_what_is_written_into_a_tensor_from_outside_has_no_history_there(backend: str) -> None:
    with pb.use_backend(backend):
        x, average = pb.ones(3), pb.zeros(3)
        view = average[1:]

        def loss(t: pb.Tensor) -> pb.Tensor:
            average.mul_(0.5).add_(t * 2)
            return (t * average).sum()

        for expected in (4.0, 5.0):
            assert grad(loss)(x).tolist() == [expected] * 3
            assert not average.requires_grad
            assert not view.requires_grad
        assert average.tolist() == [3.0] * 3
        assert view.tolist() == [3.0] * 2


def test_what_is_written_keeps_the_history_that_leads_outside() -> None:
    weight, held = pb.ones(3, requires_grad=True), pb.zeros(3)
    grad(lambda t: (held.copy_(weight * t) * t).sum())(pb.ones(3))
    assert held.requires_grad
    nested = pb.zeros(3)
    found = grad(lambda t: grad(lambda u: (nested.copy_(u * t) * u).sum())(t).sum())(pb.ones(3))
    assert found.tolist() == [4.0] * 3
    assert not nested.requires_grad


def test_a_failed_transform_leaves_no_history() -> None:
    held = pb.zeros(2)

    def fail(t: pb.Tensor) -> pb.Tensor:
        held.add_(t)
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        grad(fail)(pb.ones(2))
    assert not held.requires_grad


def test_tensors_made_inside_nested_forward_passes_can_be_written() -> None:
    def cube(t: pb.Tensor) -> pb.Tensor:
        y = pb.zeros(2)
        y.copy_(t**3)
        return y * pb.logspace(0, 1, 2)

    x, one = pb.tensor([1.0, 2.0]), pb.ones(2)
    second = jvp(lambda t: jvp(cube, (t,), (one,))[1], (x,), (one,))[1]
    assert second.tolist() == [6.0, 120.0]
