"""Tensors from data: what is inferred, what is shared, what is refused."""

from __future__ import annotations

import array
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import pullback as pb

BACKENDS = ["numpy", "jax"]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (True, "bool", ()), (3, "int64", ()), (3.0, "float32", ()), (3j, "complex64", ()),
        ([[1, 2], [3, 4]], "int64", (2, 2)), ([[True, 1], [2.5, 3]], "float32", (2, 2)), ([], "float32", (0,)),
        ([[], []], "float32", (2, 0)), (range(3), "int64", (3,)), ((range(2), [0.5, 1]), "float32", (2, 2)),
        (bytearray(b"ab"), "int64", (2,)), ([np.float64(1), 2], "float64", (2,)), ([np.int8(1)], "int8", (1,)),
        ([np.array([1, 2]), [3, 4.5]], "float32", (2, 2)),
    ],
)  # fmt: skip
def test_dtype_and_shape_are_inferred(name, data, dtype, shape):
    made = pb.tensor(data, backend=name)
    assert made.dtype is getattr(pb, dtype)
    assert made.shape == shape


@pytest.mark.parametrize("name", BACKENDS)
def test_tensors_among_the_elements_are_numbers(name):
    with pb.use_backend(name):
        made = pb.tensor([pb.tensor(1), pb.tensor([2.5]), 3])
        assert made.tolist() == [1.0, 2.5, 3.0]
        with pytest.raises(TypeError, match="only integer tensors of a single element can be converted to an index"):
            pb.tensor([pb.tensor([1, 2])])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("value", "dtype", "stored"),
    [(-1, pb.uint8, 255), (-255, pb.uint8, 1), (2.7, pb.int32, 2), (-2.7, pb.int32, -2), (1e300, pb.float32, np.inf),
     (2**63, pb.uint64, 2**63), (2.0**63, pb.int64, -(2**63)), (0.5, pb.bool, True), (1j, pb.bool, True)],
)  # fmt: skip
def test_numbers_become_elements_as_in_c(name, value, dtype, stored):
    for data in (value, [value], [[value, 0]]):
        assert pb.tensor(data, dtype=dtype, backend=name).reshape(-1)[0].item() == stored


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(
    ("value", "dtype", "error"),
    [(256, pb.uint8, RuntimeError), (-256, pb.uint8, RuntimeError), (128, pb.int8, RuntimeError),
     (float("nan"), pb.int64, RuntimeError), (2**63, pb.int64, ValueError), (2**64, pb.uint64, OverflowError),
     (-1, pb.uint64, OverflowError), (1j, pb.float32, TypeError), (1j, pb.int64, TypeError)],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(name, value, dtype, error):
    for data in (value, [value], [0, value]):
        with pytest.raises(error):
            pb.tensor(data, dtype=dtype, backend=name)


@pytest.mark.parametrize("data", [object(), None, {1: 2}, {1}, "a", ["a"], b"a", [[1], [2, 3]], [1, [2]], [[1], 2]])
def test_data_that_is_no_number_is_refused(data):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        pb.tensor(data)


def test_other_numbers_need_a_dtype():
    with pytest.raises(RuntimeError, match="Could not infer dtype of Fraction"):
        pb.tensor(Fraction(1, 2))
    assert pb.tensor(Fraction(1, 2), dtype=pb.float32).item() == 0.5


# -- arrays and buffers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pb.from_numpy, pb.as_tensor, pb.asarray])
def test_arrays_share_their_memory(make):
    given = np.zeros((2, 3))
    made = make(given)
    made[0, 0] = 5
    assert given[0, 0] == 5
    assert make(given.T).stride() == (1, 3)


def test_a_copy_shares_nothing():
    given = np.zeros(2)
    for made in (pb.tensor(given), pb.asarray(given, copy=True), pb.tensor(given.reshape(2, 1).T)):
        made.add_(1)
    assert given.tolist() == [0, 0]


@pytest.mark.parametrize("make", [pb.from_numpy, pb.as_tensor, pb.asarray, pb.tensor])
@pytest.mark.parametrize(
    ("given", "error"),
    [(np.arange(3)[::-1], ValueError), (np.arange(3, dtype=">i4"), ValueError), (np.array(["a"]), TypeError),
     (np.array([object()]), TypeError)],
)  # fmt: skip
def test_arrays_that_no_tensor_can_have_are_refused(make, given, error):
    with pytest.raises(error):
        make(given)


@pytest.mark.parametrize("make", [bytearray, memoryview, lambda data: array.array("b", data)])
def test_buffers_are_read_as_elements(make):
    buffer = make(bytearray([1, 0, 2, 0, 3, 0]))
    assert pb.frombuffer(buffer, dtype=pb.int16).tolist() == [1, 2, 3]
    assert pb.frombuffer(buffer, dtype=pb.int16, offset=2, count=1).tolist() == [2]
    assert pb.asarray(buffer, dtype=pb.int16).tolist() == [1, 2, 3]


def test_buffers_share_their_memory_where_the_backend_can():
    memory = bytearray(8)
    shared, copied = (pb.frombuffer(memory, dtype=pb.int32, backend=name) for name in BACKENDS)
    memory[0] = 7
    assert shared.tolist() == [7, 0]
    assert copied.tolist() == [0, 0]
    shared[1] = 1
    assert memory[4] == 1


def test_memory_that_must_not_be_written_is_not():
    fixed = pb.frombuffer(b"abcd", dtype=pb.uint8)
    with pytest.raises((RuntimeError, ValueError)):
        fixed.add_(1)
    assert fixed.tolist() == [97, 98, 99, 100]


# -- asarray ----------------------------------------------------------------------------------------------------------


def test_the_graph_is_kept_or_left():
    leaf = pb.ones(2, requires_grad=True)
    result = leaf * 2
    with pytest.warns(UserWarning, match="unspecified requires_grad now defaults to obj.requires_grad"):
        assert pb.asarray(result) is result
    assert pb.asarray(result, requires_grad=True) is result
    left = pb.asarray(result, requires_grad=False)
    assert not left.requires_grad
    assert left.data_ptr() == result.data_ptr()
    plain = pb.ones(2)
    made = pb.asarray(plain, requires_grad=True)
    assert made.requires_grad
    assert not plain.requires_grad


def test_an_alias_that_cannot_be_is_refused():
    x = pb.ones(2)
    assert pb.asarray(x, copy=False) is x
    with pytest.raises(ValueError, match="can't alias tensor with dtype 'Float' into dtype 'Double'"):
        pb.asarray(x, dtype=pb.float64, copy=False)
    with pytest.raises(ValueError, match="can't alias arbitrary sequence into a tensor"):
        pb.asarray([1.0], copy=False)
    with pytest.raises(ValueError, match="can't alias tensor from device 'numpy' to 'jax'"):
        pb.asarray(x, backend="jax", copy=False)


# -- the class as a function ------------------------------------------------------------------------------------------


def test_the_class_takes_data_or_a_shape():
    assert pb.Tensor([1, 2]).dtype is pb.float32
    assert pb.Tensor(2, 3).shape == (2, 3)
    assert pb.Tensor(pb.Size([2])).shape == (2,)
    assert pb.Tensor().shape == (0,)
    assert pb.ones(1, dtype=pb.float64).new([1, 2]).dtype is pb.float64
    assert pb.ones(1, dtype=pb.int8).new(2, 3).dtype is pb.int8
    for wrong in (2.5, None, True):
        with pytest.raises(TypeError, match="data must be a sequence"):
            pb.Tensor(wrong)


class _Endless:
    """It says a length, and gives items for ever, as a class that takes any index."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> float:
        return 1.0


class _Itself(_Endless):
    def __getitem__(self, index: int) -> Any:
        return self


class _ItselfWhenIterated(_Endless):
    def __iter__(self) -> Any:
        return iter([self, self, self])


class _Shorter(_Endless):
    def __iter__(self) -> Any:
        return iter([1.0])


def test_sequences_without_an_end_are_refused() -> None:
    for data in (_Endless(), [_Endless()], (_Endless(), _Endless())):
        with pytest.raises(ValueError, match=r"expected sequence of length 3 at dim \d \(got more\)"):
            pb.tensor(data)
    for data in (_Itself(), [_Itself()]):
        with pytest.raises(ValueError, match="too many dimensions '_Itself'"):
            pb.tensor(data)
    with pytest.raises(RuntimeError, match="Could not infer dtype of _ItselfWhenIterated"):
        pb.tensor([_ItselfWhenIterated()])
    with pytest.raises(ValueError, match=r"expected sequence of length 3 at dim 1 \(got 1\)"):
        pb.tensor([_Shorter()])
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="too many dimensions 'matrix'"):
        pb.tensor([matrix, matrix])
    assert pb.tensor(matrix).tolist() == matrix.tolist()
    for text in ("a", ["a"], ["abc"], [["a"], ["b"]]):
        with pytest.raises((TypeError, ValueError), match="str"):
            pb.tensor(text)
    assert pb.tensor([range(3), bytearray(b"abc")]).tolist() == [[0, 1, 2], [97, 98, 99]]
