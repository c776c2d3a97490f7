"""User-defined functions: both styles, what they save, what they may return, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb
from pullback.autograd.function import once_differentiable


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
        (lambda g: 3, RuntimeError, r"expected Variable or None \(got int\)"),
        (lambda g: [g], RuntimeError, r"expected Variable or None \(got list\)"),
        (
            lambda g: g * 1j,
            RuntimeError,
            r"invalid gradient at index 0 - got torch.complex64 but expected a real dtype",
        ),
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


@pytest.mark.parametrize("returned", [None, 5, [], {}, ()])
def test_what_is_no_tensor_is_returned_as_it_is(returned) -> None:
    class Nothing(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return returned

    assert Nothing.apply(pb.ones(1, requires_grad=True)) == returned


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("mark_dirty", "mark_dirty can only accept variables, but argument 0 is of type int"),
        ("mark_non_differentiable", "mark_non_differentiable only accepts variable arguments, but got int"),
    ],
)
def test_only_tensors_can_be_marked(mark, message) -> None:
    class Marks(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            getattr(ctx, mark)(3)
            return x * 1

    with pytest.raises(RuntimeError, match=message):
        Marks.apply(pb.ones(1))


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_body_may_use_the_native_arrays(backend) -> None:
    class Softplus(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return pb.tensor(x.backend.logaddexp(x.array, 0 * x.array))

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return pb.tensor(grad.array / (1 + x.backend.exp(-x.array)))

    with pb.use_backend(backend):
        x = pb.tensor([-1.0, 2.0], dtype=pb.float64, requires_grad=True)
        assert Softplus.apply(x).allclose(x.exp().log1p())
        assert pb.autograd.gradcheck(Softplus.apply, x)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_body_of_native_arrays_differentiates_as_often_as_its_backward_does(backend) -> None:
    class Exp(pb.autograd.Function):
        @staticmethod
        def forward(x):
            return pb.asarray(x.backend.exp(x.array), backend=x.backend)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(output)
            ctx.save_for_forward(output)

        @staticmethod
        def backward(ctx, grad):
            (out,) = ctx.saved_tensors
            return grad * out

        @staticmethod
        def jvp(ctx, tangent):
            (out,) = ctx.saved_tensors
            return tangent * out

    class ExpOnce(Exp):
        @staticmethod
        @pb.autograd.function.once_differentiable
        def backward(ctx, grad):
            (out,) = ctx.saved_tensors
            return pb.asarray(grad.array * out.array, backend=grad.backend)

    with pb.use_backend(backend):
        x = pb.tensor([-1.0, 2.0], dtype=pb.float64, requires_grad=True)
        for _ in range(2):
            first, again = Exp.apply(x), Exp.apply(x)
            for _ in range(3):
                (first,) = pb.autograd.grad(first.sum(), x, create_graph=True)
            assert first.allclose(again)
        assert pb.autograd.gradgradcheck(Exp.apply, x)
        with pb.autograd.forward_ad.dual_level():
            dual = Exp.apply(pb.autograd.forward_ad.make_dual(x, pb.full_like(x, 2.0)))
            (grad,) = pb.autograd.grad(dual.sum(), x, create_graph=True)
            assert pb.autograd.forward_ad.unpack_dual(grad).tangent.allclose(2 * x.exp())
        (grad,) = pb.autograd.grad((ExpOnce.apply(x) * x).sum(), x, create_graph=True)
        assert grad.allclose(x.exp() * (1 + x))
        with pytest.raises(RuntimeError, match="differentiate twice"):
            grad.sum().backward()


def test_a_context_and_its_node_have_the_same_attributes() -> None:
    contexts = []

    class Keeps(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.saved, ctx.edges, ctx.outputs = 1, 2, 3  # names that nodes use themselves
            contexts.append(ctx)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            assert (ctx.saved, ctx.edges, ctx.outputs, ctx.later) == (1, 2, 3, 4)
            return grad * 2

    x = pb.ones(2, requires_grad=True)
    out = Keeps.apply(x)
    out.grad_fn.later = 4
    assert contexts[0].name() == out.grad_fn.name() == "KeepsBackward"
    assert contexts[0].next_functions == out.grad_fn.next_functions
    out.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


class AsItIs(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Doubled(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


@pytest.mark.parametrize("requires_grad", [False, True])
def test_an_input_returned_as_it_is_becomes_a_view(requires_grad: bool) -> None:
    x = pb.ones(2, requires_grad=requires_grad)
    out = AsItIs.apply(x)
    assert out is not x
    assert out._base is x


def test_a_view_out_of_a_function_refuses_a_recorded_write() -> None:
    out = AsItIs.apply(pb.ones(2, requires_grad=True) * 1)
    with pytest.raises(RuntimeError, match="This view was created inside a custom Function"):
        out.add_(1)


def test_marking_an_input_dirty_counts_as_a_write() -> None:
    x = pb.ones(2)
    Doubled.apply(x)
    assert x._version == 2


def test_a_view_written_by_a_function_passes_its_gradient_on() -> None:
    x = pb.ones(2, requires_grad=True)
    y = x * 1
    part = y[:1]
    Doubled.apply(part)
    (part * part).sum().backward()
    assert x.grad.tolist() == [8, 0]


def test_jvp_sees_what_has_been_saved_for_it_and_nothing_else() -> None:
    found = []

    class Doubled(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, forwards: bool) -> Any:
            ctx.save_for_backward(x, x)
            if forwards:
                ctx.save_for_forward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            found.append(len(ctx.saved_tensors))
            return grad * 2, None

        @staticmethod
        def jvp(ctx: Any, tangent: Any, forwards: Any) -> Any:
            found.append(len(ctx.saved_tensors))
            return tangent * 2

    for forwards in (False, True):
        with pb.autograd.forward_ad.dual_level():
            x = pb.autograd.forward_ad.make_dual(pb.ones(2, requires_grad=True), pb.ones(2))
            Doubled.apply(x, forwards).sum().backward()
    assert found == [0, 2, 1, 2]


def test_the_graph_behind_a_once_differentiable_backward() -> None:
    class Product(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, grad: Any) -> Any:
            x, y = ctx.saved_tensors
            return grad * y, grad * x

    x, y = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
    weight = pb.ones(2, requires_grad=True)
    first, second = pb.autograd.grad((Product.apply(x, y) * weight).sum(), (x, y), create_graph=True)
    node = first.grad_fn
    assert node.name() == "torch::autograd::Error"
    assert second.grad_fn is node
    assert (first.output_nr, second.output_nr) == (0, 1)
    assert [(function.name(), number) for function, number in node.next_functions] == [
        ("torch::autograd::AccumulateGrad", 0)
    ] * 2
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        second.sum().backward()
