"""The rules of promotion and casting, on the core's own dtypes: no array is touched but where a backend converts."""

from __future__ import annotations

import pickle

import pytest

import pullback as pb
from pullback.extend import Accepts, Array, Promotes, elementwise, registry
from pullback.meta import dtypes
from pullback.meta.dtypes import dtype_of_scalar, result_type_of


def test_promotion_is_symmetric_and_idempotent() -> None:
    for first in dtypes.ALL:
        assert pb.promote_types(first, first) is first
        for second in dtypes.ALL:
            try:
                together = pb.promote_types(first, second)
            except RuntimeError:
                assert {first, second} & {pb.uint16, pb.uint32, pb.uint64}
                continue
            assert together is pb.promote_types(second, first)
            assert pb.can_cast(first, together)
            assert pb.can_cast(second, together)


@pytest.mark.parametrize(
    ("dimensioned", "zero_dimensional", "scalars", "result"),
    [
        ([pb.int8], [pb.int64], [], pb.int8),
        ([pb.int8], [pb.float16], [], pb.float16),
        ([pb.float32], [pb.float64], [], pb.float32),
        ([pb.float32], [pb.complex128], [], pb.complex64),
        ([pb.float64], [], [pb.complex64], pb.complex128),
        ([], [pb.uint8], [pb.int64], pb.uint8),
        ([pb.bool], [pb.uint8], [pb.int64], pb.uint8),
        ([pb.bool], [], [pb.int64], pb.int64),
        ([pb.bfloat16], [], [pb.float32], pb.bfloat16),
        ([pb.uint8, pb.int8], [], [], pb.int16),
        ([pb.float16, pb.bfloat16], [], [], pb.float32),
    ],
)
def test_a_lower_rank_counts_only_with_a_higher_category(dimensioned, zero_dimensional, scalars, result) -> None:
    assert result_type_of(dimensioned, zero_dimensional, scalars) is result


def test_python_numbers_have_dtypes() -> None:
    assert dtype_of_scalar(True) is pb.bool
    assert dtype_of_scalar(2**63 - 1) is pb.int64
    assert dtype_of_scalar(2**63) is pb.uint64
    assert dtype_of_scalar(1.0) is pb.float32
    assert dtype_of_scalar(1j) is pb.complex64
    for value, message in ((2**64, "int too big to convert"), (-(2**63) - 1, "can't convert negative int to unsigned")):
        with pytest.raises(OverflowError, match=message):
            dtype_of_scalar(value)


def test_the_default_dtype_is_what_floats_become_until_it_is_set_back() -> None:
    pb.set_default_dtype(pb.float64)
    try:
        assert pb.tensor(1.5).dtype is (pb.tensor([1]) / 2).dtype is pb.float64
        assert pb.tensor(1j).dtype is pb.complex128
        with pytest.raises(TypeError, match=r"^only floating-point types are supported as the default type$"):
            pb.set_default_dtype(pb.int64)
        assert pb.get_default_dtype() is pb.float64
    finally:
        pb.set_default_dtype(pb.float32)


def test_dtypes_are_single_objects() -> None:
    for dtype in dtypes.ALL:
        assert pickle.loads(pickle.dumps(dtype)) is dtype
        assert repr(dtype) == f"torch.{dtype.name}"


def test_integer_dtypes_have_no_complex_form() -> None:
    with pytest.raises(RuntimeError, match=r"^Unknown Complex ScalarType for Long$"):
        pb.int64.to_complex()
    assert pb.bfloat16.to_complex() is pb.complex64
    assert pb.complex128.to_real() is pb.float64


# -- what is refused, and that nothing has changed then ---------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(
    ("write", "error", "message"),
    [
        (lambda x: x.add_(1.5), RuntimeError, "result type Float can't be cast to the desired output type Long"),
        (lambda x: x.__itruediv__(2), RuntimeError, "result type Float can't be cast to the desired output type Long"),
        (lambda x: x.mul_(1j), RuntimeError, "result type ComplexFloat can't be cast to the desired output type Long"),
        (
            lambda x: x.bitwise_and_(1.5),
            RuntimeError,
            "result type Float can't be cast to the desired output type Long",
        ),
        (lambda x: x.__ifloordiv__(0), RuntimeError, "ZeroDivisionError"),
        (lambda x: x.remainder_(x - 1), RuntimeError, "ZeroDivisionError"),
        (lambda x: x.sub_(True), RuntimeError, "Subtraction, the `-` operator, with a bool tensor is not supported."),
        (lambda x: x.pow_(-1), RuntimeError, "Integers to negative integer powers are not allowed."),
        (lambda x: x.fill_(1j), RuntimeError, "value cannot be converted to type int64_t without overflow"),
        (lambda x: x.fill_(float("nan")), RuntimeError, "value cannot be converted to type int64_t without overflow"),
        (lambda x: x.add_(2**64), OverflowError, "int too big to convert"),
    ],
)
def test_a_refused_write_leaves_the_tensor_as_it_was(write, error, message, backend) -> None:
    x = pb.tensor([1, 2, 5], backend=backend)
    with pytest.raises(error) as raised:
        write(x)
    assert str(raised.value).startswith(message)
    assert (x.tolist(), x._version, x.dtype) == ([1, 2, 5], 0, pb.int64)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_small_integers_wrap_around(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.tensor([100, 200], dtype=pb.uint8)
        assert (x + x).tolist() == [200, 144]
        assert (x + 300).tolist() == [144, 244]
        assert (-x).tolist() == [156, 56]
        assert (x - 150).tolist() == [206, 50]
        assert (x == 356).tolist() == [True, False]
        assert pb.tensor([-128], dtype=pb.int8).abs().tolist() == [-128]


def test_an_infinite_result_of_a_conversion_is_no_mishap() -> None:
    # Warnings are errors here.
    assert (pb.ones(1) + 1e300).tolist() == [float("inf")]
    assert (pb.ones(1, dtype=pb.float16) * 1e6).tolist() == [float("inf")]


def test_a_number_of_more_precision_than_the_tensor_is_rounded_with_the_result_alone() -> None:
    x = pb.tensor([13.0], dtype=pb.bfloat16)
    assert x.mul(0.1).item() == pb.tensor(1.3, dtype=pb.bfloat16).item()
    assert x.clone().mul_(0.1).item() == x.mul(pb.tensor(0.1)).item() == x.mul(0.1).item()
    assert (x * pb.tensor([0.1], dtype=pb.bfloat16)).item() != x.mul(0.1).item()


# -- what a declaration says ------------------------------------------------------------------------------------------


@pytest.fixture
def declared():
    yield
    for name in ("told", "wordy", "choosy", "whole"):
        operation = registry.pop(name, None)
        for method in getattr(operation, "method_names", ()):
            delattr(pb.Tensor, method)


@pytest.mark.usefixtures("declared")
def test_an_unsupported_dtype_is_told_by_kernel_by_text_or_by_error() -> None:
    @elementwise(
        kernel="negative",
        dtypes=Accepts(dtypes.FLOATS, unsupported="told_kernel"),
        partials=-1,
    )
    def told(input: Array) -> Array:
        """By the name of a kernel."""

    @elementwise(
        kernel="negative",
        dtypes=Accepts(dtypes.FLOATS, unsupported="{name}: not for {kind}"),
        partials=-1,
    )
    def wordy(input: Array) -> Array:
        """By a text."""

    @elementwise(
        kernel="negative",
        dtypes=Accepts(dtypes.FLOATS, unsupported=lambda d: TypeError(d.name)),
        partials=-1,
    )
    def choosy(input: Array) -> Array:
        """By an error."""

    for function, error, message in (
        (told, NotImplementedError, "\"told_kernel\" not implemented for 'Long'"),
        (wordy, RuntimeError, "wordy: not for Long"),
        (choosy, TypeError, "int64"),
    ):
        with pytest.raises(error) as raised:
            function(pb.tensor([1]))
        assert str(raised.value) == message
        assert "takes float16, bfloat16, float32, float64" in raised.value.__notes__[0]


@pytest.mark.usefixtures("declared")
def test_operands_may_be_refused_before_they_promote_and_numbers_altogether() -> None:
    def refuse(input: object, other: object) -> None:
        if other is True:
            raise RuntimeError("no bools")

    @elementwise(kernel="add", partials={"input": 1, "other": 1}, dtypes=Accepts(refuses=refuse))
    def choosy(input: Array, other: Array) -> Array:
        """A sum without bools."""

    @elementwise(kernel="add", partials={"input": 1, "other": 1}, promotion=Promotes(numbers=False))
    def whole(input: Array, other: Array) -> Array:
        """A sum of tensors alone."""

    x = pb.ones(2)
    for _ in range(2):  # the second time the fast path knows the dtype
        assert choosy(x, 1).tolist() == whole(x, x).tolist() == [2.0, 2.0]
        with pytest.raises(RuntimeError, match="no bools"):
            choosy(x, True)
        with pytest.raises(TypeError, match=r"whole\(\): argument 'other' \(position 2\) must be Tensor, not int"):
            whole(x, 1)


def test_numbers_out_of_range_are_refused_where_declared_and_wrap_elsewhere() -> None:
    x = pb.tensor([1, 2], dtype=pb.uint8)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="value cannot be converted to type uint8_t without overflow"):
            pb.where(x > 1, x, 300)
        assert pb.where(x > 1, x, -1).tolist() == [255, 2]
        assert (x + 300).tolist() == [45, 46]


def test_alpha_is_a_number_of_the_common_dtype() -> None:
    small, large = pb.tensor([100], dtype=pb.int8), pb.tensor([1000])
    assert pb.add(large, small, alpha=2).tolist() == [1200]
    assert pb.add(pb.tensor([True]), pb.tensor([True]), alpha=2).dtype is pb.bool
    with pytest.raises(RuntimeError, match="For integral input tensors, argument alpha must not be a floating point"):
        pb.sub(large, small, alpha=0.5)
    with pytest.raises(RuntimeError, match="For non-complex input tensors, argument alpha must not be"):
        pb.ones(1).add_(pb.ones(1), alpha=1j)
