"""A user's Function inside transforms."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

import pullback as pb
from pullback.func import grad, jacrev, jvp, vmap


class Scale(pb.autograd.Function):
    """``x * factor``, written with the derivative of another factor, to be seen."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: pb.Tensor, factor: pb.Tensor) -> pb.Tensor:
        return x * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: pb.Tensor) -> Any:
        x, factor = ctx.saved_tensors
        return gradient * factor * 10, (gradient * x).sum_to_size(factor.shape) if factor.shape else (
            gradient * x
        ).sum()

    @staticmethod
    def jvp(ctx: Any, x: Any, factor: Any) -> Any:
        return x * 100


rows, factors = pb.tensor([[1.0, 2.0], [3.0, 4.0]]), pb.tensor([10.0, 20.0])


def total(x: pb.Tensor, factor: pb.Tensor) -> pb.Tensor:
    return Scale.apply(x, factor).sum()


def test_its_own_derivative_is_used_inside_and_outside() -> None:
    inside = vmap(grad(total))(rows, factors)
    outside = grad(lambda x, f: vmap(total)(x, f).sum())(rows, factors)
    assert inside.tolist() == outside.tolist() == [[100.0, 100.0], [200.0, 200.0]]


def test_a_shared_argument_gets_the_sum_outside_and_its_part_inside() -> None:
    shared = pb.tensor(10.0)
    inside = vmap(grad(total, argnums=1), in_dims=(0, None))(rows, shared)
    outside = grad(lambda x, f: vmap(total, in_dims=(0, None))(x, f).sum(), argnums=1)(rows, shared)
    assert inside.tolist() == [3.0, 7.0]
    assert outside.item() == 10.0


def test_its_own_tangent_is_used() -> None:
    assert jvp(lambda x: vmap(Scale.apply)(x, factors), (rows,), (rows,))[1].tolist() == (rows * 100).tolist()
    assert vmap(lambda x: jvp(lambda t: Scale.apply(t, factors), (x,), (x,))[1])(rows).tolist() == (rows * 100).tolist()


def test_levels_nest() -> None:
    found = vmap(vmap(Scale.apply, in_dims=(0, None)))(rows, factors)
    assert found.tolist() == [[10.0, 20.0], [60.0, 80.0]]
    nested = vmap(vmap(grad(total), in_dims=(0, None)))(rows, factors)
    assert nested.tolist() == [[100.0, 100.0], [200.0, 200.0]]


def test_a_jacobian_needs_only_the_backward_to_be_mapped() -> None:
    assert jacrev(lambda x: Scale.apply(x, pb.tensor(1.0)))(pb.ones(2)).tolist() == [[10.0, 0.0], [0.0, 10.0]]


class Own(Scale):
    generate_vmap_rule = False
    told: ClassVar[list[Any]] = []

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: pb.Tensor, factor: pb.Tensor) -> Any:
        Own.told.append((info.batch_size, info.randomness, in_dims, tuple(x.shape)))
        return Scale.apply(x.movedim(in_dims[0], 0), factor.unsqueeze(-1)), 0


def test_a_vmap_of_its_own_gets_the_whole_arguments() -> None:
    Own.told.clear()
    found = vmap(Own.apply, in_dims=(1, 0), randomness="same")(rows, factors)
    assert found.tolist() == [[10.0, 30.0], [40.0, 80.0]]
    assert Own.told == [(2, "same", (1, 0), (2, 2))]


def test_several_results() -> None:
    class Two(pb.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: pb.Tensor) -> tuple[pb.Tensor, pb.Tensor]:
            return x * 2, x.sum()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.shape = inputs[0].shape

        @staticmethod
        def backward(ctx: Any, first: pb.Tensor, second: pb.Tensor) -> pb.Tensor:
            return first * 2 + second

    double, sums = vmap(Two.apply)(rows)
    assert double.tolist() == (rows * 2).tolist()
    assert sums.tolist() == [3.0, 7.0]
    assert vmap(grad(lambda x: Two.apply(x)[0].sum() + Two.apply(x)[1]))(rows).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert grad(lambda x: vmap(lambda t: Two.apply(t)[1])(x).sum())(rows).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_without_a_rule_it_is_refused() -> None:
    class Without(Scale):
        generate_vmap_rule = False

    with pytest.raises(RuntimeError, match="You tried to vmap over Without, but it does not have vmap support"):
        vmap(Without.apply)(rows, factors)
    assert grad(lambda x: Without.apply(x, pb.tensor(1.0)).sum())(rows).tolist() == [[10.0, 10.0], [10.0, 10.0]]


def test_vjp_is_another_name_of_backward() -> None:
    class Cube(pb.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: pb.Tensor) -> pb.Tensor:
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def vjp(ctx: Any, gradient: pb.Tensor) -> pb.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * 3 * x**2

    expected = (3 * rows**2).tolist()
    assert grad(lambda x: vmap(Cube.apply)(x).sum())(rows).tolist() == expected
    assert vmap(grad(lambda x: Cube.apply(x).sum()))(rows).tolist() == expected
    assert vmap(jacrev(grad(lambda x: Cube.apply(x).sum())))(rows).diagonal(0, -2, -1).tolist() == (6 * rows).tolist()


class Times(pb.autograd.Function):
    """``x * times``, which keeps what it needs as attributes."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: pb.Tensor, times: float = 3.0) -> pb.Tensor:
        return x * x * times

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.x, ctx.times = inputs

    @staticmethod
    def backward(ctx: Any, gradient: pb.Tensor) -> Any:
        return gradient * 2 * ctx.x * ctx.times, None

    @staticmethod
    def jvp(ctx: Any, x: Any, times: Any) -> Any:
        return x * 2 * ctx.x * ctx.times


def test_arguments_have_defaults_and_names() -> None:
    assert vmap(Times.apply)(rows).tolist() == (rows * rows * 3).tolist()
    assert vmap(lambda x: Times.apply(x, times=2.0))(rows).tolist() == (rows * rows * 2).tolist()
    assert vmap(grad(lambda x: Times.apply(x, times=2.0).sum()))(rows).tolist() == (rows * 4).tolist()


def test_tensors_may_be_attributes_of_the_context() -> None:
    assert grad(lambda x: vmap(Times.apply)(x).sum())(rows).tolist() == (rows * 6).tolist()
    assert jvp(lambda x: vmap(lambda t: Times.apply(t))(x), (rows,), (rows,))[1].tolist() == (rows * rows * 6).tolist()
    twice = jacrev(lambda x: grad(lambda t: vmap(Times.apply)(t).sum())(x))(rows)
    assert twice.sum((2, 3)).tolist() == [[6.0, 6.0], [6.0, 6.0]]


def test_undefined_gradients_stay_undefined_where_it_asks_for_that() -> None:
    told = []

    class Pair(pb.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: pb.Tensor) -> tuple[pb.Tensor, pb.Tensor]:
            return x * 2, x * 3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, first: Any, second: Any) -> Any:
            told.append((first is None, second is None))
            return first * 2 if second is None else second * 3

    assert vmap(grad(lambda x: Pair.apply(x)[0].sum()))(rows).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert grad(lambda x: vmap(lambda t: Pair.apply(t)[1])(x).sum())(rows).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert told == [(False, True), (True, False)]


class SavedForForward(pb.autograd.Function):
    """``exp(x) * factor``, whose tangents come from what was saved for them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: pb.Tensor, factor: pb.Tensor) -> pb.Tensor:
        return x.exp() * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output, inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: pb.Tensor) -> Any:
        return gradient * ctx.saved_tensors[0], None

    @staticmethod
    def jvp(ctx: Any, x: Any, factor: Any) -> Any:
        out, saved = ctx.saved_tensors
        return x * out + saved * 0


@pytest.mark.parametrize("in_dims", [(0, None), (1, 0)])
def test_tangents_of_a_mapped_function_use_what_was_saved_for_them(in_dims: tuple[int, int | None]) -> None:
    mapped = vmap(SavedForForward.apply, in_dims)
    factor = factors if in_dims[1] == 0 else factors[0]
    out, tangent = jvp(lambda x: mapped(x, factor), (rows,), (pb.ones(2, 2),))
    assert tangent.tolist() == out.tolist()
    assert grad(lambda x: mapped(x, factor).sum())(rows).sum().item() == pytest.approx(out.sum().item())
