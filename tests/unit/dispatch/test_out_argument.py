"""``out=``: a function's result written into a tensor that the caller gives."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

import pullback as pb
from pullback.dispatch.out_rules import CAST, EXACT
from pullback.tensor.registry import registry

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "jax"])


@pytest.fixture(autouse=True)
def on(request: pytest.FixtureRequest) -> Any:
    name = request.node.callspec.params.get("backend") if hasattr(request.node, "callspec") else None
    with pb.use_backend(name or "numpy"):
        yield


@BACKENDS
def test_the_result_is_written_into_the_tensor_and_through_its_views(backend: str) -> None:
    memory = pb.zeros(4)
    part = memory[1:3]
    assert pb.add(pb.ones(2), 1, out=part) is part
    assert memory.tolist() == [0, 2, 2, 0]
    assert memory._version == 1


@BACKENDS
def test_several_results_go_into_a_tuple(backend: str) -> None:
    values, indices = pb.zeros(3), pb.zeros(3, dtype=pb.int64)
    result = pb.sort(pb.tensor([3.0, 1.0, 2.0]), out=(values, indices))
    assert result.values is values
    assert result.indices is indices
    assert (values.tolist(), indices.tolist()) == ([1, 2, 3], [1, 2, 0])


@BACKENDS
def test_the_dtype_of_out_decides_what_is_made(backend: str) -> None:
    assert pb.zeros(2, out=pb.ones(2, dtype=pb.int64)).dtype is pb.int64
    assert pb.sum(pb.tensor([[1, 2]]), 0, out=pb.zeros(2)).tolist() == [1.0, 2.0]


@BACKENDS
def test_out_may_be_an_operand(backend: str) -> None:
    x = pb.tensor([1.0, 2.0])
    assert pb.mul(x, x, out=x).tolist() == [1, 4]
    y = pb.ones(2, 2)
    assert pb.mm(y, y, out=y).tolist() == [[2, 2], [2, 2]]


@BACKENDS
def test_memory_that_overlaps_in_part_is_refused(backend: str) -> None:
    memory = pb.arange(4.0)
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor refer"):
        pb.exp(memory[1:], out=memory[:-1])
    assert (memory.tolist(), memory._version) == ([0, 1, 2, 3], 0)


def test_another_shape_is_taken_with_a_warning_unless_there_were_no_elements() -> None:
    out = pb.zeros(3)
    with pytest.warns(UserWarning, match=r"it had shape \[3\], .* required output shape \[2, 2\]") as caught:
        pb.exp(pb.zeros(2, 2), out=out)
    assert caught[0].filename == __file__
    assert out.tolist() == [[1, 1], [1, 1]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pb.exp(pb.zeros(2), out=pb.zeros(0)).shape == (2,)
        assert pb.full((2,), 7, out=pb.zeros(5)).tolist() == [7, 7]


def test_a_warning_that_is_an_error_leaves_the_tensors_as_they_were() -> None:
    values, indices = pb.zeros(2), pb.zeros(1, dtype=pb.int64)
    x = pb.tensor([2.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="resized"):
            pb.sort(x, out=(values, indices))
    assert (values.tolist(), indices.shape, values._version) == ([0, 0], (1,), 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pb.exp(pb.ones(2), out=3), r"exp\(\): argument 'out' must be Tensor, not int"),
        (lambda: pb.exp(pb.ones(2), out=(1,)), "must be Tensor, not int"),
        (lambda: pb.sort(pb.ones(2), out=(pb.ones(2),)), "expected tuple of 2 elements but got 1"),
        (lambda: pb.exp(pb.ones(2), pb.ones(2)), "takes from 0 to 1 positional arguments"),
        (lambda: pb.ones(2).exp(out=pb.ones(2)), "unexpected keyword argument 'out'"),
        (lambda: pb.ones(2).__add__(1, out=pb.ones(2)), "unexpected keyword argument 'out'"),
    ],
)
def test_what_is_no_tensor_and_who_has_no_out(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_results_are_cast_only_where_pytorch_casts() -> None:
    assert pb.exp(pb.zeros(1), out=pb.zeros(1, dtype=pb.float64)).dtype is pb.float64
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        pb.exp(pb.zeros(1), out=pb.zeros(1, dtype=pb.int64))
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype float, but got double instead"):
        pb.mm(pb.ones(1, 1), pb.ones(1, 1), out=pb.zeros(1, 1, dtype=pb.float64))


def test_gradients_are_refused_and_without_a_graph_they_are_not() -> None:
    x, out = pb.ones(2, requires_grad=True), pb.zeros(2)
    with pytest.raises(RuntimeError, match=r"mul\(\): functions with out=\.\.\. arguments don't support automatic"):
        pb.mul(x, 2, out=out)
    with pytest.raises(RuntimeError, match="don't support automatic"):
        pb.mul(pb.ones(2), 2, out=x)
    with pb.no_grad():
        assert pb.mul(x, 2, out=out).tolist() == [2, 2]
        assert pb.mul(out, 2, out=x) is x
    assert x.is_leaf
    assert x.requires_grad


def test_forward_mode_is_refused() -> None:
    forward_ad = pb.autograd.forward_ad
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match="exp_out that does not support it"):
        pb.exp(forward_ad.make_dual(pb.ones(2), pb.ones(2)), out=pb.zeros(2))


def test_two_backends_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"exp\(\): expected all tensors to be on one backend"):
        pb.exp(pb.ones(2), out=pb.zeros(2, backend="jax"))


def test_a_kernel_writes_straight_into_memory_that_fits() -> None:
    import numpy as np

    memory = np.zeros(1000, np.float32)
    out = pb.from_numpy(memory)
    x = pb.ones(1000)
    pb.add(x, 1, out=out)
    address = out.data_ptr()
    pb.add(x, x, out=out)
    assert (out.data_ptr(), memory[0], out._version) == (address, 2.0, 2)


def test_an_error_of_the_function_comes_first_and_changes_nothing() -> None:
    out = pb.zeros(3)
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        pb.add(pb.ones(2), pb.ones(3), out=out)
    assert (out.tolist(), out._version) == ([0, 0, 0], 0)


def test_signatures_show_it() -> None:
    assert "out" in inspect.signature(pb.exp).parameters
    assert "out" in inspect.signature(pb.zeros).parameters
    assert "out" not in inspect.signature(pb.Tensor.exp).parameters
    assert "out" not in inspect.signature(pb.relu).parameters


def test_the_declaration_says_who_has_it() -> None:
    assert registry["exp"].out is CAST
    assert registry["mm"].out is EXACT
    assert registry["reshape"].out is None
    assert all(
        ("out" in inspect.signature(getattr(pb, name)).parameters) == (record.out is not None)
        for name, record in registry.items()
        if inspect.isfunction(getattr(pb, name, None))
    )


def test_requires_grad_of_what_is_made() -> None:
    out = pb.zeros(2)
    assert pb.ones(2, out=out, requires_grad=True) is out
    assert out.requires_grad
