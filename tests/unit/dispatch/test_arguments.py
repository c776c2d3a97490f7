"""What functions take as arguments, under which names, and how they say that one is wrong."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import pullback as pb
import pullback.nn.functional as F

pytestmark = pytest.mark.usefixtures("backend")


def _matrix() -> pb.Tensor:
    return pb.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: (x.sum(axis=0), x.sum(0)),
        lambda x: (x.sum(axis=1, keepdims=True), x.sum(1, True)),
        lambda x: (pb.sum(x, axis=(0, 1)), x.sum()),
        lambda x: (pb.mean(a=x, axis=0), x.mean(0)),
        lambda x: (x.amax(axis=1), x.amax(1)),
        lambda x: (x.argmax(axis=1, keepdims=True), x.argmax(1, True)),
        lambda x: (x.max(axis=0)[0], x.max(0)[0]),
        lambda x: (x.softmax(axis=1), x.softmax(1)),
        lambda x: (x.unsqueeze(axis=0), x.unsqueeze(0)),
        lambda x: (pb.cat((x, x), axis=1), pb.cat((x, x), 1)),
        lambda x: (pb.add(x1=x, x2=x), x + x),
        lambda x: (pb.add(x, x2=2, alpha=3), x + 6),
        lambda x: (x.mul(x2=x), x * x),
        lambda x: (x.clone().mul_(x2=2), x * 2),
        lambda x: (pb.exp(x=x), x.exp()),
        lambda x: (pb.fliplr(a=x), x.fliplr()),
        lambda x: (F.gelu(x=x), F.gelu(x)),
        lambda x: (x.std(axis=0, correction=0), x.std(0, correction=0)),
        lambda x: (pb.exp(x=x, out=pb.empty(2, 3)), x.exp()),
    ],
)
def test_numpys_names_stand_for_pytorchs(call: Any) -> None:
    got, expected = call(_matrix())
    assert got.tolist() == expected.tolist()


def test_names_of_numpy_keep_gradients() -> None:
    x = _matrix().requires_grad_()
    x.sum(axis=0).mul(x2=2).sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.sum(0, axis=1), "multiple values for argument 'dim'"),
        (lambda x: x.mul(x, x2=x), "multiple values for argument 'other'"),
        (lambda x: x.mul(x, x), "positional arguments but more were given"),
        (lambda x: x.mul(x, x, x), "positional arguments but more were given"),
        (lambda x: pb.exp(x, foo=1), "unexpected keyword argument 'foo'"),
        (lambda x: x.mul(foo=1), "unexpected keyword argument 'foo'"),
        (lambda x: x.fliplr(foo=1), "unexpected keyword argument 'foo'"),
        (lambda x: x.mul(), 'missing 1 required positional arguments: "other"'),
        (lambda x: pb.mul(), 'missing 2 required positional arguments: "input", "other"'),
        (lambda x: x.softmax(), 'missing 1 required positional arguments: "dim"'),
        (lambda x: pb.chunk(x), 'missing 1 required positional arguments: "chunks"'),
        (lambda x: x.permute(), 'missing 1 required positional arguments: "dims"'),
        (lambda x: x.reshape(), 'missing 1 required positional arguments: "shape"'),
    ],
)
def test_names_that_do_not_fit_and_arguments_left_out(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(_matrix())


def test_signatures_show_pytorchs_names_alone() -> None:
    assert list(inspect.signature(pb.Tensor.mul).parameters) == ["input", "other"]
    assert list(inspect.signature(pb.amax).parameters) == ["input", "dim", "keepdim", "out"]
    assert list(inspect.signature(pb.chunk).parameters) == ["input", "chunks", "dim"]


# -- kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pb.sin_([1.0]), r"sin_\(\): argument 'input' \(position 1\) must be Tensor, not list"),
        (lambda x: pb.diag([1]), r"diag\(\): argument 'input' \(position 1\) must be Tensor, not list"),
        (lambda x: pb.exp(np.float32(1)), "must be Tensor, not numpy.float32|must be Tensor, not float32"),
        (lambda x: pb.greater(3, x), "argument 'input'"),
        (lambda x: pb.lerp(x, 1.0, 0.5), "argument 'end'"),
        (lambda x: x.sum(dtype=3), "argument 'dtype' must be torch.dtype, not int"),
        (lambda x: x.half(3), "argument 'memory_format'"),
        (lambda x: x.cumsum(True), r"argument 'dim' \(position 2\) must be int, not bool"),
        (lambda x: x.cumsum(1.0), "argument 'dim' .* must be int, not float"),
        (lambda x: x.argmax(0, [1]), "argument 'keepdim' .* must be bool, not list"),
        (lambda x: x.amax(0, 1), "argument 'keepdim' .* must be bool, not int"),
        (lambda x: F.leaky_relu(x, None), "argument 'negative_slope'"),
        (lambda x: x.sum((0, "a")), "failed to unpack the object at pos 2"),
        (lambda x: pb.hstack([1]), "expected Tensor as element 0 in argument 0, but got int"),
        (lambda x: pb.atleast_2d(x, 2), "expected Tensor as element 1 in argument 0, but got int"),
        (lambda x: F.linear(x, 1.0), "argument 'weight' .* must be Tensor, not float"),
        (lambda x: pb.allclose(x, 1), "argument 'other' .* must be Tensor, not int"),
        (lambda x: pb.chunk(x, "a"), "argument 'chunks' .* must be int, not str"),
        (lambda x: pb.multinomial(x, 1, 3), "argument 'replacement' .* must be bool, not int"),
        (lambda x: x.movedim(0, (0, 1)), "invalid combination"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(call: Any, message: str) -> None:
    x = _matrix()
    for _ in range(2):
        with pytest.raises(TypeError, match=message):
            call(x)
    assert x.tolist() == _matrix().tolist()


def test_integers_of_more_than_64_bits() -> None:
    for call in (lambda x: x.cumsum(2**63), lambda x: x.unsqueeze(-(2**70)), lambda x: pb.diagonal(x, 0, 0, 2**64)):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            call(_matrix())
    with pytest.raises(RuntimeError, match="value cannot be converted to type int64_t without overflow"):
        pb.full((2,), 2**63)


def test_true_is_no_factor_of_numbers() -> None:
    x = _matrix()
    for call in (lambda: pb.add(x, 1, alpha=True), lambda: x.sub(x, alpha=True), lambda: x.clone().add_(x, alpha=True)):
        with pytest.raises(RuntimeError, match="Boolean alpha only supported for Boolean results"):
            call()
    both = pb.tensor([True, False])
    assert pb.add(both, both, alpha=True).tolist() == [True, False]


@pytest.mark.parametrize("number", [np.int64, np.int8, np.uint16, lambda v: pb.tensor(v)])
def test_integers_of_other_libraries(number: Any) -> None:
    x = _matrix()
    one = number(1)
    assert x.sum(one).tolist() == [6.0, 15.0]
    assert x.sum((one,)).tolist() == [6.0, 15.0]
    assert x.amax(one).tolist() == [3.0, 6.0]
    assert x.argmax(one).tolist() == [2, 2]
    assert x.cumsum(one).tolist() == [[1.0, 3.0, 6.0], [4.0, 9.0, 15.0]]
    assert x.roll(one, one).tolist() == [[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]]
    assert x.clamp(one, 3).tolist() == [[1.0, 2.0, 3.0], [3.0, 3.0, 3.0]]
    assert pb.tensor([0, 5]).clamp(min=one).tolist() == [1, 5]
    assert [t.shape for t in x.tensor_split(one)] == [(2, 3)]
    assert pb.eye(one).tolist() == [[1.0]]
    assert round(pb.polygamma(one, x)[0, 0].item(), 4) == 1.6449


@pytest.mark.parametrize("number", [np.float64, np.float32, lambda v: pb.tensor(v)])
def test_floats_of_other_libraries(number: Any) -> None:
    x = _matrix()
    assert F.leaky_relu(-x, number(0.5)).tolist() == [[-0.5, -1.0, -1.5], [-2.0, -2.5, -3.0]]
    assert pb.add(x, x, alpha=number(0.5)).tolist() == (x * 1.5).tolist()
    assert x.clamp(number(1.5), 2.0).tolist() == [[1.5, 2.0, 2.0], [2.0, 2.0, 2.0]]
    assert x.norm(number(1.0)).item() == 21.0


def test_small_differences() -> None:
    number = pb.tensor(1.0)
    with pytest.raises(IndexError, match="Dimension specified as -1 but tensor has no dimensions"):
        number.roll(1, -1)
    with pytest.raises(RuntimeError, match="unflatten got an unexpected error"):
        number.unflatten(-1, (2, -1))
    with pytest.raises(RuntimeError, match="view_as_complex is only supported for half, float and double tensors"):
        pb.view_as_complex(pb.ones(2, 2).bfloat16())
    with pytest.raises(TypeError, match="argument 'diagonal'"):
        _matrix().triu_(True)
    assert pb.remainder(pb.zeros(0, dtype=pb.int32), pb.tensor(0)).shape == (0,)


def test_unknown_names_of_the_module_suggest_near_ones() -> None:
    with pytest.raises(AttributeError, match=r"module 'pullback' has no attribute 'Exp'; did you mean 'exp'\?"):
        _ = pb.Exp
