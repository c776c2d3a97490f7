"""NumPy's protocols on Tensors: conversions, mixed operators, ``out=``, ``where=``, and what is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import pullback as pb


@pytest.fixture
def x() -> pb.Tensor:
    return pb.tensor([1.0, 2.0, 3.0], requires_grad=True)


@pytest.fixture
def plain() -> pb.Tensor:
    return pb.tensor([1.0, 2.0, 3.0])


# -- conversion -------------------------------------------------------------------------------------------------------


def test_asarray_shares_memory(plain: pb.Tensor) -> None:
    array = np.asarray(plain)
    array[0] = 9
    assert plain.tolist() == [9.0, 2.0, 3.0]


def test_array_copies(plain: pb.Tensor) -> None:
    array = np.array(plain)
    array[0] = 9
    assert plain.tolist() == [1.0, 2.0, 3.0]


def test_asarray_converts(plain: pb.Tensor) -> None:
    assert np.asarray(plain, dtype=np.int16).dtype == np.int16
    assert np.asarray(plain, dtype=np.float32, copy=False).dtype == np.float32


def test_a_conversion_that_must_not_copy(plain: pb.Tensor) -> None:
    with pytest.raises(ValueError, match="Unable to avoid copy while creating an array as requested"):
        np.asarray(plain, dtype=np.float64, copy=False)


def test_a_tensor_that_requires_grad_is_no_array(x: pb.Tensor) -> None:
    for convert in (np.asarray, np.array, np.isscalar and np.asanyarray):
        with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
            convert(x)


def test_every_dtype_becomes_an_array() -> None:
    for dtype in pb.get_backend("numpy").native_dtypes:
        assert np.asarray(pb.tensor([1, 0]).to(dtype)).dtype.name == dtype.name


# -- operators --------------------------------------------------------------------------------------------------------

OPERATORS = [
    "a + x", "a - x", "a * x", "a / x", "a // x", "a % x", "a ** x", "a @ x", "a == x", "a != x", "a < x", "a <= x",
    "a > x", "a >= x", "divmod(a, x)",
]  # fmt: skip
INTEGER_OPERATORS = ["a & x", "a | x", "a ^ x", "a << x", "a >> x"]


# The array need not be first, but for divmod: PyTorch's Tensor has no __divmod__.
@pytest.mark.parametrize(
    ("expression", "order"),
    [(expression, "array first") for expression in OPERATORS + INTEGER_OPERATORS]
    + [(expression, "tensor first") for expression in OPERATORS[:-1] + INTEGER_OPERATORS],
)
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_arithmetic_of_an_array_and_a_tensor(expression: str, order: str, backend: str) -> None:
    kind = np.int64 if expression in INTEGER_OPERATORS else np.float64
    a, b = np.array([2, 1, 3], dtype=kind), np.array([1, 2, 3], dtype=kind)
    tensor = pb.tensor(b, backend=backend)
    names = {"a": a, "x": tensor} if order == "array first" else {"x": a, "a": tensor}
    arrays = {"a": a, "x": b} if order == "array first" else {"x": a, "a": b}
    expected = eval(expression, arrays)
    result = eval(expression, names)
    for own, numpys in zip(*(r if isinstance(r, tuple) else (r,) for r in (result, expected)), strict=True):
        assert isinstance(own, pb.Tensor)
        assert own.backend.name == backend
        np.testing.assert_array_equal(own.numpy(), numpys)


def test_numpy_scalars_do_not_promote(plain: pb.Tensor) -> None:
    for result in (np.float64(2) * plain, plain * np.float64(2), np.int64(2) + plain, np.float64(2) ** plain):
        assert result.dtype is pb.float32


def test_arrays_promote_as_tensors_do(plain: pb.Tensor) -> None:
    assert (np.ones(3) * plain).dtype is pb.float64
    assert (np.array(2.0) * plain).dtype is pb.float32  # of no dimensions
    assert (np.ones(3, np.int8) * plain).dtype is pb.float32


def test_products_of_matrices_promote_too(plain: pb.Tensor) -> None:
    assert (np.ones((2, 3)) @ plain).dtype is pb.float64
    assert (plain @ np.ones((3, 2))).dtype is pb.float64


def test_the_gradient_of_mixed_arithmetic(x: pb.Tensor) -> None:
    (np.array([1.0, 10.0, 100.0]) * x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 10.0, 100.0]


@pytest.mark.parametrize("expression", ["a * x", "x * a", "np.multiply(x, a)", "np.dot(a, x)"])
def test_writing_to_the_array_afterwards_does_not_change_the_gradient(expression: str, x: pb.Tensor) -> None:
    a = np.array([1.0, 10.0, 100.0], dtype=np.float32)
    result = eval(expression, {"np": np, "a": a, "x": x})
    a[:] = 0
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 10.0, 100.0]


def test_forward_mode_passes_through() -> None:
    forward_ad = pb.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 10.0]))
        result = np.array([3.0, 4.0], dtype=np.float32) * dual
        assert forward_ad.unpack_dual(result).tangent.tolist() == [3.0, 40.0]


def test_no_grad_holds_for_numpys_calls(x: pb.Tensor) -> None:
    with pb.no_grad():
        assert not np.sin(x).requires_grad


# -- out, where, dtype ------------------------------------------------------------------------------------------------


def test_out_may_be_a_tensor(x: pb.Tensor) -> None:
    out = pb.zeros(3)
    assert np.multiply(x, x, out=out) is out
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_out_may_be_an_array(plain: pb.Tensor) -> None:
    out = np.zeros(3)
    assert np.add(plain, 1, out=out) is out
    assert out.tolist() == [2.0, 3.0, 4.0]
    assert np.sum(plain, axis=0, out=np.zeros(())) == 6


def test_an_array_as_out_would_lose_the_graph(x: pb.Tensor) -> None:
    out = np.zeros(3)
    with pytest.raises(RuntimeError, match=r"numpy\.add\(\): out is a NumPy array, .*would lose its graph"):
        np.add(x, 1, out=out)
    with pytest.raises(RuntimeError, match="would lose its graph"):
        out += x
    assert out.tolist() == [0.0, 0.0, 0.0]


def test_in_place_arithmetic_writes_into_the_array(plain: pb.Tensor) -> None:
    a = same = np.ones(3)
    a += plain
    assert a is same
    assert a.tolist() == [2.0, 3.0, 4.0]


def test_out_of_arrays_alone_into_a_tensor() -> None:
    out = pb.zeros(2)
    assert np.add(np.ones(2), 1, out=out) is out
    assert out.tolist() == [2.0, 2.0]


def test_out_must_be_able_to_hold_the_result(plain: pb.Tensor) -> None:
    for out in (pb.zeros(3, dtype=pb.int64), np.zeros(3, dtype=np.int64)):
        with pytest.raises(TypeError, match=r"Cannot cast output of numpy\.add\(\) from float32 to int64"):
            np.add(plain, 0.5, out=out)


def test_where_with_out(x: pb.Tensor) -> None:
    out = pb.full((3,), 7.0)
    np.multiply(x, 2, out=out, where=np.array([True, False, True]))
    assert out.tolist() == [2.0, 7.0, 6.0]
    array = np.full(3, 7.0)
    np.multiply(x.detach(), 2, out=array, where=[True, False, True])
    assert array.tolist() == [2.0, 7.0, 6.0]


def test_where_without_out_has_undefined_elements(x: pb.Tensor) -> None:
    with pytest.raises(TypeError, match="where= without out= leaves elements undefined"):
        np.multiply(x, 2, where=np.array([True, False, True]))


def test_dtype_is_that_of_the_computation(plain: pb.Tensor) -> None:
    assert np.add(plain, 1, dtype=np.float64).dtype is pb.float64
    assert np.sum(plain, dtype="f8").dtype is pb.float64
    assert np.zeros_like(plain, dtype=int).dtype is pb.int64


def test_copyto_writes_with_the_graph(x: pb.Tensor) -> None:
    target = pb.zeros(3)
    np.copyto(target, x * 2, where=np.array([True, False, True]))
    target.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 0.0, 2.0]
    array = np.zeros(3)
    np.copyto(array, x.detach())
    assert array.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(RuntimeError, match="would lose its graph"):
        np.copyto(array, x)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda t: np.histogram(t), "histogram"),
        (lambda t: np.unique(t), "unique"),
        (lambda t: np.linalg.inv(t), "linalg.inv"),
        (lambda t: np.fft.fft(t), "fft.fft"),
        (lambda t: np.cbrt(t), "cbrt"),
        (lambda t: np.add.reduceat(t, [0]), "add.reduceat"),
        (lambda t: np.add.at(t, [0], 1), "add.at"),
        (lambda t: np.subtract.reduce(t), "subtract.reduce"),
        (lambda t: np.linalg.norm(t.reshape(1, 3), 2), "linalg.norm of matrices with ord=2"),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_function_without_counterpart_says_what_to_do(call: Any, name: str, requires_grad: bool) -> None:
    remedy = r"tensor\.detach\(\)\.numpy\(\)" if requires_grad else r"tensor\.numpy\(\)"
    with pytest.raises(TypeError, match=rf"numpy\.{name}.* has no counterpart .*: {remedy}"):
        call(pb.ones(3, requires_grad=requires_grad))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.sum(t, subok=True),
        lambda t: np.add(t, 1, casting="unsafe"),
        lambda t: np.add(t, 1, order="F"),
        lambda t: np.add(t, 1, signature="dd->d"),
        lambda t: np.reshape(t, -1, order="F"),
        lambda t: np.take(t, [7], mode="clip"),
        lambda t: np.pad(t, 1, mode="edge"),
        lambda t: np.var(t, where=np.array([True, False, True])),
        lambda t: np.meshgrid(t, t, sparse=True),
    ],
)
def test_arguments_without_meaning_are_refused(call: Any, plain: pb.Tensor) -> None:
    with pytest.raises(TypeError):
        call(plain)


def test_numpys_errors_stay_numpys(plain: pb.Tensor) -> None:
    with pytest.raises(ValueError, match="array split does not result in an equal division"):
        np.split(plain, 2)
    with pytest.raises(ValueError, match="cannot select an axis to squeeze out which has size not equal to one"):
        np.squeeze(plain, axis=0)
    with pytest.raises(ValueError, match="does not have an identity"):
        np.max(plain, where=np.array([True, False, True]))
    with pytest.raises(ValueError, match="either both or neither of x and y should be given"):
        np.where(plain > 1, plain)
    with pytest.raises(IndexError):
        np.take(plain, [7])
    with pytest.raises(IndexError, match="Dimension out of range"):
        np.sum(plain, axis=1)


def test_subclasses_of_arrays_are_not_taken_for_arrays(plain: pb.Tensor) -> None:
    with pytest.raises(TypeError):
        np.add(plain, np.ma.masked_array([1.0, 2.0, 3.0], mask=[True, False, False]))
    with pytest.raises(TypeError):
        np.dot(plain, np.ma.masked_array([1.0, 2.0, 3.0], mask=[True, False, False]))


def test_arrays_that_hold_no_numbers_are_refused(plain: pb.Tensor) -> None:
    for array in (np.array(["a", "b", "c"]), np.array([None, 1, 2])):
        with pytest.raises(TypeError, match=r"can't convert np\.ndarray of type"):
            np.add(plain, array)


def test_scipys_functions_that_are_operations() -> None:
    special = pytest.importorskip("scipy.special", reason="scikit-learn brings SciPy")
    x = pb.tensor([0.5, 1.5], requires_grad=True)
    assert special.expit(x).tolist() == pb.sigmoid(x).tolist()
    assert special.erf(x).requires_grad
    with pytest.raises(TypeError, match=r"^gammaln\(\) has no counterpart"):
        special.gammaln(x)


def test_none_among_arrays_to_broadcast(plain: pb.Tensor) -> None:
    tensor, nothing = np.broadcast_arrays(plain, None)
    assert tensor.tolist() == plain.tolist()
    assert nothing.tolist() == [None, None, None]


def test_another_librarys_type_has_its_turn(plain: pb.Tensor) -> None:
    class Other:
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> str:
            return "the other's"

    assert np.add(plain, Other()) == "the other's"


def test_tensors_of_two_backends_do_not_mix(plain: pb.Tensor) -> None:
    with pytest.raises(RuntimeError, match="expected all tensors to be on one backend"):
        np.add(plain, plain.to("jax"))


# -- readers ----------------------------------------------------------------------------------------------------------


def test_arrays_of_tensors_are_saved(plain: pb.Tensor) -> None:
    file = io.BytesIO()
    np.savez(file, plain=plain)
    file.seek(0)
    np.testing.assert_array_equal(np.load(file)["plain"], [1.0, 2.0, 3.0])


def test_readers_refuse_tensors_with_a_graph(x: pb.Tensor) -> None:
    for read in (np.array_repr, lambda t: np.save(io.BytesIO(), t), lambda t: np.savetxt(io.StringIO(), t)):
        with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
            read(x)


def test_dtypes_are_read_whatever_the_graph(x: pb.Tensor) -> None:
    assert np.result_type(x, np.float64) == np.float64
