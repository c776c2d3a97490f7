"""Hooks on saved tensors: who is packed, when, and what stays as it was."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.autograd.graph import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)


def _leaf() -> pb.Tensor:
    return pb.tensor([2.0, 3.0], requires_grad=True)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_backward_sees_what_the_unpack_hook_returns(backend: str) -> None:
    with pb.use_backend(backend):
        x = _leaf()
        with saved_tensors_hooks(lambda t: t * 2, lambda t: t):
            y = (x**2).sum()
        y.backward()
        assert x.grad is not None
        assert x.grad.tolist() == [8.0, 12.0]


def test_operations_with_several_operands_and_results_are_packed_too() -> None:
    x = _leaf()
    packed: list[Any] = []

    def pack(tensor: pb.Tensor) -> list[float]:
        packed.append(tensor.tolist())
        return packed[-1]

    with saved_tensors_hooks(pack, pb.tensor):
        joined = pb.cat([x * x, x])
        values, _ = joined.sort()
        product = pb.einsum("i,j->", values, x.exp())
    product.backward()
    assert x.grad is not None
    again = _leaf()
    values = pb.cat([again * again, again]).sort().values
    pb.einsum("i,j->", values, again.exp()).backward()
    assert again.grad is not None
    assert x.grad.tolist() == again.grad.tolist()
    assert [2.0, 3.0] in packed


def test_nothing_is_packed_where_nothing_is_recorded() -> None:
    calls: list[pb.Tensor] = []
    with saved_tensors_hooks(lambda t: calls.append(t), lambda t: t), pb.no_grad():
        _leaf() * _leaf()
    with saved_tensors_hooks(lambda t: calls.append(t), lambda t: t):
        pb.ones(2) * pb.ones(2)
    assert calls == []


def test_hooks_end_with_their_block_also_after_an_error() -> None:
    def fails(tensor: pb.Tensor) -> Any:
        raise ValueError("no")

    x = _leaf()
    with pytest.raises(ValueError, match="no"), saved_tensors_hooks(fails, lambda t: t):
        x * x
    (x * x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 6.0]


def test_what_is_packed_may_be_written_in_place_meanwhile() -> None:
    x = _leaf()
    b = x * 1
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = (b * b).sum()
    b.zero_()
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 6.0]


def test_disabling_refuses_hooks_that_are_in_force_already() -> None:
    with save_on_cpu(), pytest.raises(RuntimeError, match="not now"), disable_saved_tensors_hooks("not now"):
        pass


def test_disabling_as_a_decorator() -> None:
    @disable_saved_tensors_hooks("not in here")
    def hooked() -> None:
        with save_on_cpu():
            pass

    with pytest.raises(RuntimeError, match="not in here"):
        hooked()


def test_one_saved_tensor_takes_hooks_once() -> None:
    x = _leaf()
    y = x.exp()
    assert y.grad_fn is not None
    saved = y.grad_fn._raw_saved_result
    saved.register_hooks(lambda t: t.tolist(), pb.tensor)
    with pytest.raises(RuntimeError, match="already been set"):
        y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t)
    y.sum().backward()
    assert x.grad is not None
    assert pb.allclose(x.grad, y.detach())
    with pytest.raises(RuntimeError, match="freed"):
        y.grad_fn._saved_result  # noqa: B018


def test_nodes_list_what_they_saved() -> None:
    x = _leaf()
    node = (x**2).grad_fn
    names = [name for name in dir(node) if name.startswith("_saved_")]
    assert {"_saved_exponent", "_saved_self"} <= set(names)
    assert node is not None
    with pytest.raises(AttributeError, match="_saved_other"):
        node._saved_other  # noqa: B018


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_only_what_is_written_is_copied(backend: str) -> None:
    with pb.use_backend(backend), allow_mutation_on_saved_tensors():
        x = pb.ones(3, requires_grad=True)
        a, b = x * 2, x * 3
        y = (a * b).sum()
        a[1:].zero_()
        y.backward()
        assert x.grad is not None
        assert x.grad.tolist() == [12.0, 12.0, 12.0]
        assert a.tolist() == [2.0, 0.0, 0.0]


def test_a_block_may_end_in_another_context_than_it_began_in() -> None:
    x = _leaf()
    packed = []
    hooks = saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t)

    def steps() -> Iterator[None]:
        with hooks:
            yield

    block = steps()
    contextvars.copy_context().run(next, block)
    x.exp()
    assert packed == []
    assert next(block, "ended") == "ended"
    x.exp()
    assert packed == []


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", ["sin_", "exp_", "sqrt_", "tanh_", "sigmoid_", "reciprocal_", "log_", "relu_", "abs_"])
def test_writes_in_place_leave_what_hooks_keep_alone(name: str, backend: str) -> None:
    with pb.use_backend(backend):
        found = []
        for hooked in (False, True):
            x = _leaf()
            y = x.clone()
            for _ in range(2):
                if not hooked:
                    y = getattr(y, name.removesuffix("_"))()
                    continue
                with saved_tensors_hooks(lambda t: t, lambda t: t):
                    getattr(y, name)()
            y.sum().backward()
            assert x.grad is not None
            found.append(x.grad.tolist())
        assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_what_hooks_give_back_is_what_is_unpacked(backend: str) -> None:
    with pb.use_backend(backend):
        x, b = pb.ones(2, requires_grad=True), pb.ones(2)
        b.add_(1)
        b.add_(1)
        weight = pb.ones(2, requires_grad=True)
        with saved_tensors_hooks(lambda t: t, lambda t: t):
            y = x * b
            z = y * weight
        other, own = y.grad_fn._saved_other, z.grad_fn._saved_self
        assert other is b
        assert other._version == 2
        assert own is not y  # it has its history, and shares its version
        assert own.grad_fn is y.grad_fn
        pb.autograd.graph.increment_version(y)
        assert own._version == y._version == 1
        z.sum().backward()
        assert x.grad.tolist() == [3.0, 3.0]


def test_a_tensor_that_an_unpack_hook_gives_may_have_been_written_before() -> None:
    x = pb.ones(2, requires_grad=True)
    given = pb.ones(2)
    given.add_(2)
    with saved_tensors_hooks(lambda t: None, lambda packed: given):
        y = x * pb.ones(2) * x.exp()
    (gradient,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    assert gradient.tolist() == [18.0, 18.0]
    assert given._version == 1


def test_a_packed_result_has_its_history_when_it_is_shown() -> None:
    x = pb.ones(2, requires_grad=True)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp()
    shown = y.grad_fn._saved_result
    assert shown.grad_fn is y.grad_fn
    assert shown is not y


def test_a_function_gets_what_the_hooks_give() -> None:
    found = []

    class Scaled(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, b: Any) -> Any:
            out = x * b
            ctx.save_for_backward(b, out)
            return out

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            found.append(ctx.saved_tensors)
            return grad * ctx.saved_tensors[0], None

    packed = []
    x, b = pb.ones(2, requires_grad=True), pb.ones(2)
    b.add_(1)
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        y = Scaled.apply(x, b)
    y.sum().backward()
    assert found[0][0] is b
    assert found[0][0]._version == 1
    assert found[0][1].grad_fn is y.grad_fn
    assert packed[1].grad_fn is None  # the hook's own tensor is left as it is, so that nothing keeps the node alive
