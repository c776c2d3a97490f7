"""User-defined functions: both styles, what they save, what they may return, what is refused."""

from __future__ import annotations

import pytest

import pullback as pb


class Scale(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class Exp(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad):
        (result,) = ctx.saved_tensors
        return grad * result


def test_attributes_and_plain_arguments() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = Scale.apply(x, 3)
    assert y.tolist() == [3.0, 6.0]
    assert y.grad_fn.name() == "ScaleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_no_graph_is_recorded_inside_forward_nor_without_need() -> None:
    seen = []

    class Look(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen.append(pb.is_grad_enabled())
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    assert not Look.apply(pb.ones(2)).requires_grad
    with pb.no_grad():
        assert not Look.apply(pb.ones(2, requires_grad=True)).requires_grad
    assert seen == [False, False]


def test_a_saved_result_can_be_differentiated_twice() -> None:
    x = pb.tensor(0.5, dtype=pb.float64, requires_grad=True)
    (first,) = pb.autograd.grad(Exp.apply(x), x, create_graph=True)
    (second,) = pb.autograd.grad(first, x)
    assert second.item() == pytest.approx(x.exp().item())


def test_setup_context_style() -> None:
    class Square(pb.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    x = pb.tensor(3.0, requires_grad=True)
    Square.apply(x).backward()
    assert x.grad.item() == 6.0


def test_several_results_and_zeros_for_those_unused() -> None:
    received = []

    class Both(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            received.append((first.tolist(), second.tolist()))
            return first * 2 + second * 3

    x = pb.tensor([1.0], requires_grad=True)
    _, tripled = Both.apply(x)
    tripled.sum().backward()
    assert x.grad.tolist() == [3.0]
    assert received == [([0.0], [1.0])]


def test_without_materialised_gradients_backward_gets_none() -> None:
    received = []

    class Both(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            received.append(first)
            return second * 3

    x = pb.tensor([1.0], requires_grad=True)
    Both.apply(x)[1].sum().backward()
    assert received == [None]


def test_needs_input_grad() -> None:
    seen = []

    class Product(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, grad):
            seen.append(ctx.needs_input_grad)
            x, _ = ctx.saved_tensors
            return None, grad * x

    Product.apply(pb.ones(1), pb.ones(1, requires_grad=True)).sum().backward()
    assert seen == [(False, True)]


def test_a_non_differentiable_result() -> None:
    class Split(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            sign = x.sign()
            ctx.mark_non_differentiable(sign)
            return x * 1, sign

        @staticmethod
        def backward(ctx, grad, _):
            return grad

    same, sign = Split.apply(pb.ones(2, requires_grad=True))
    assert same.requires_grad
    assert not sign.requires_grad


def test_an_input_written_in_place() -> None:
    class Double(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    leaf = pb.ones(2, requires_grad=True)
    x = leaf * 1
    y = Double.apply(x)
    assert y is x
    assert x.tolist() == [2.0, 2.0]
    y.sum().backward()
    assert leaf.grad.tolist() == [2.0, 2.0]


def test_once_differentiable() -> None:
    from pullback.autograd.function import once_differentiable

    class Square(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    x = pb.tensor(3.0, requires_grad=True)
    weight = pb.tensor(1.0, requires_grad=True)
    (gradient,) = pb.autograd.grad(Square.apply(x) * weight, x, create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.backward()


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (lambda g: (g, g, g), RuntimeError, r"incorrect number of gradients \(expected 1, got 3\)"),
        (lambda g: pb.ones(5), RuntimeError, r"invalid gradient at index 0 - got \[5\] but expected shape"),
        (lambda g: 3, TypeError, r"expected Variable or None \(got int\)"),
    ],
)
def test_wrong_results_of_backward(returned, error, message) -> None:
    class Wrong(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return returned(grad)

    x = pb.ones(2, requires_grad=True)
    with pytest.raises(error, match=message):
        Wrong.apply(x).sum().backward()
    assert x.grad is None
    assert pb.is_grad_enabled()


def test_exceptions_inside_leave_the_mode_as_it_was() -> None:
    class Failing(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            raise ValueError("forward")

    with pytest.raises(ValueError, match="forward"):
        Failing.apply(pb.ones(1, requires_grad=True))
    assert pb.is_grad_enabled()


def test_a_function_is_not_instantiated() -> None:
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        Scale()


def test_forward_must_return_tensors() -> None:
    class Nothing(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return None

    with pytest.raises(TypeError, match="expected to return Tensors"):
        Nothing.apply(pb.ones(1, requires_grad=True))
