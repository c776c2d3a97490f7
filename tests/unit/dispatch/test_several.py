"""Callables of operations that take a sequence of tensors or give several results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pullback as pb
from pullback.dispatch.codegen import source_of
from pullback.dispatch.declaration import Array, op
from pullback.extend import registry


@pytest.fixture
def halves() -> Iterator[None]:
    """An operation whose first result is of another dtype than its operand."""

    @op(
        outputs=("whole", "half"),
        vjp=lambda grads, input_dtype: grads[0].to(input_dtype) if 0 in grads else grads[1].to(input_dtype) * 0.5,
        jvp=lambda tangent: (tangent.to(pb.float64), tangent * 0.5),
        method=False,
    )
    def test_halves(backend, input: Array) -> tuple[Array, Array]:
        """The operand as float64, and its half."""
        return backend.astype(input, pb.float64), backend.multiply(input, input.dtype.type(0.5))

    yield
    del registry["test_halves"]


@pytest.mark.parametrize("name", ["cat", "stack", "sort", "topk", "unbind", "split", "max_along_dim"])
def test_they_do_not_go_to_the_general_path_at_once(name: str) -> None:
    assert "_tables[_backend][_native]" in source_of(registry[name])


def test_a_result_of_another_dtype_is_recorded_with_its_cast(halves: None) -> None:
    x = pb.ones(2, requires_grad=True)
    halves = registry["test_halves"].call
    for _ in range(2):  # the second call finds the table filled
        whole, half = halves(x)
        assert whole.dtype is pb.float64
        for result, expected in ((whole, 1.0), (half, 0.5)):
            (grad,) = pb.autograd.grad(result.sum(), x, retain_graph=True)
            assert grad.dtype is pb.float32
            assert grad.tolist() == [expected, expected]


@pytest.mark.parametrize("given", [list, tuple])
def test_a_sequence_is_joined_whatever_it_is(given: type) -> None:
    parts = [pb.tensor([1.0]), pb.tensor([2.0])]
    for _ in range(2):
        assert pb.cat(given(parts)).tolist() == [1.0, 2.0]
        with pytest.raises(TypeError):
            pb.cat(part for part in parts)


def test_dtypes_still_promote() -> None:
    for _ in range(2):
        assert pb.cat([pb.tensor([1]), pb.tensor([0.5])]).dtype is pb.float32
        assert pb.stack([pb.tensor(1), pb.tensor(2)]).dtype is pb.int64


def test_only_those_that_require_gradients_have_edges() -> None:
    x, y = pb.ones(2, requires_grad=True), pb.ones(1)
    for _ in range(2):
        joined = pb.cat([y, x])
        assert [f is None for f, _ in joined.grad_fn.next_functions] == [True, False]
        (grad,) = pb.autograd.grad((joined * pb.tensor([1.0, 2.0, 3.0])).sum(), x)
        assert grad.tolist() == [2.0, 3.0]


def test_a_view_whose_base_was_written_gets_its_new_history() -> None:
    x = pb.ones(2, requires_grad=True)
    pb.cat([x])
    pb.sort(x)
    base = x * 1
    view = base[:]
    base.mul_(3)
    values, _ = pb.sort(pb.cat([view, view]))
    values.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_a_saved_result_that_has_been_written_is_noticed() -> None:
    x = pb.tensor([2.0, 1.0], requires_grad=True)
    for _ in range(2):
        values, indices = x.sort()
        indices.zero_()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            values.sum().backward()


def test_views_know_which_result_they_are() -> None:
    x = pb.arange(4.0)
    for _ in range(2):
        first, second = x.split(2)
        second.zero_()
        assert x.tolist() == [0.0, 1.0, 0.0, 0.0]
        assert first._base is x


def test_integers_are_those_that_the_general_path_takes() -> None:
    x = pb.ones(2)
    for _ in range(2):
        assert len(x.split((1, 1))) == 2
        assert len(x.split(1)) == 2
        with pytest.raises(ValueError, match="Overflow"):
            x.split(2**64)
        with pytest.raises(TypeError):
            x.split_with_sizes((True, 1))


def test_inference_mode_marks_results_of_its_own_memory() -> None:
    x = pb.ones(2)
    for _ in range(2):
        with pb.inference_mode():
            assert all(t.is_inference() for t in (pb.cat([x]), *x.sort()))
            assert not any(t.is_inference() for t in x.split(1))
