"""The text of a tensor, as literal specifications."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.meta.devices import Device
from pullback.meta.dtypes import DType
from pullback.printing import tensor_repr


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # whole numbers end in a point; any other makes all of them show four digits
        ([1.0, 2.0], "tensor([1., 2.])"),
        ([1.0, 2.5], "tensor([1.0000, 2.5000])"),
        (1.5, "tensor(1.5000)"),
        # the widest element sets the width
        ([1.0, -10.0, 100.0], "tensor([  1., -10., 100.])"),
        ([-1.5, 20.25], "tensor([-1.5000, 20.2500])"),
        # exponents: above 1e8, below 1e-4, or more than a factor 1000 apart
        ([1e8], "tensor([100000000.])"),
        ([1.5e8], "tensor([1.5000e+08])"),
        ([1e-3], "tensor([0.0010])"),
        ([1e-5], "tensor([1.0000e-05])"),
        ([1.0, 1000.0], "tensor([   1., 1000.])"),
        ([1.0, 1001.0], "tensor([1.0000e+00, 1.0010e+03])"),
        # zeros, infinities and NaNs have no say in notation and width
        ([0.0, -0.0], "tensor([0., -0.])"),
        ([nan, inf, -inf], "tensor([nan, inf, -inf])"),
        ([1.0, nan, -inf], "tensor([1., nan, -inf])"),
        ([0.5, nan, -inf], "tensor([0.5000,    nan,   -inf])"),
        ([0.0, 1e-5, nan], "tensor([0.0000e+00, 1.0000e-05,        nan])"),
        # other types
        ([1, -20, 300], "tensor([  1, -20, 300])"),
        ([True, False], "tensor([ True, False])"),
        (True, "tensor(True)"),
        ([1 + 2j, -3 - 4j], "tensor([ 1.+2.j, -3.-4.j])"),
        ([1.5 + 2j], "tensor([1.5000+2.j])"),
        ([complex(nan, -0.0)], "tensor([nan-0.j])"),
        (0.5 - 10.25j, "tensor(0.5000-10.2500j)"),
    ],
)
def test_elements(data: Any, text: str) -> None:
    assert repr(pb.tensor(data)) == text
    assert str(pb.tensor(data)) == text


def test_rows_are_aligned_and_blocks_are_set_apart() -> None:
    assert repr(pb.tensor([[1, 20], [300, 4]])) == "tensor([[  1,  20],\n        [300,   4]])"
    assert repr(pb.zeros(2, 1, 2)) == "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"
    assert repr(pb.zeros(2, 1, 1, 2)) == "tensor([[[[0., 0.]]],\n\n\n        [[[0., 0.]]]])"


def test_long_rows_are_broken_at_80_characters() -> None:
    assert repr(pb.arange(25)) == (
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24])"
    )


def test_more_than_1000_elements_are_summarised() -> None:
    assert repr(pb.arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    assert "..." not in repr(pb.arange(1000))
    assert repr(pb.arange(1400).reshape(7, 200)) == (
        "tensor([[   0,    1,    2,  ...,  197,  198,  199],\n"
        "        [ 200,  201,  202,  ...,  397,  398,  399],\n"
        "        [ 400,  401,  402,  ...,  597,  598,  599],\n"
        "        ...,\n"
        "        [ 800,  801,  802,  ...,  997,  998,  999],\n"
        "        [1000, 1001, 1002,  ..., 1197, 1198, 1199],\n"
        "        [1200, 1201, 1202,  ..., 1397, 1398, 1399]])"
    )


def test_a_summary_takes_notation_and_width_from_what_it_shows() -> None:
    hidden = np.ones(2000, dtype="float32")
    hidden[1000] = 12345.678
    assert repr(pb.from_numpy(hidden)) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])"


@pytest.mark.parametrize(
    ("shape", "dtype", "text"),
    [
        ((0,), pb.float32, "tensor([])"),
        ((0, 3), pb.float32, "tensor([], size=(0, 3))"),
        ((2, 0), pb.float64, "tensor([], size=(2, 0), dtype=torch.float64)"),
        ((0,), pb.int64, "tensor([], dtype=torch.int64)"),
    ],
)
def test_an_empty_tensor_tells_its_shape_and_dtype(shape: tuple[int, ...], dtype: DType, text: str) -> None:
    assert repr(pb.zeros(shape, dtype=dtype)) == text


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        (pb.float32, "tensor([1.])"),
        (pb.int64, "tensor([1])"),
        (pb.complex64, "tensor([1.+0.j])"),
        (pb.float64, "tensor([1.], dtype=torch.float64)"),
        (pb.float16, "tensor([1.], dtype=torch.float16)"),
        (pb.bfloat16, "tensor([1.], dtype=torch.bfloat16)"),
        (pb.uint8, "tensor([1], dtype=torch.uint8)"),
        (pb.int32, "tensor([1], dtype=torch.int32)"),
        (pb.uint64, "tensor([1], dtype=torch.uint64)"),
        (pb.complex128, "tensor([1.+0.j], dtype=torch.complex128)"),
    ],
)
def test_a_dtype_is_named_unless_the_elements_tell_it(dtype: DType, text: str) -> None:
    assert repr(pb.ones(1, dtype=dtype)) == text


def test_the_default_dtype_is_not_named() -> None:
    before = pb.get_default_dtype()
    pb.set_default_dtype(pb.float64)
    try:
        assert repr(pb.ones(1, dtype=pb.float64)) == "tensor([1.])"
        assert repr(pb.ones(1, dtype=pb.complex128)) == "tensor([1.+0.j])"
        assert repr(pb.ones(1, dtype=pb.float32)) == "tensor([1.], dtype=torch.float32)"
    finally:
        pb.set_default_dtype(before)


def test_autograd_is_shown() -> None:
    x = pb.ones(2, requires_grad=True)
    assert repr(x) == "tensor([1., 1.], requires_grad=True)"
    assert repr(x + 1) == "tensor([2., 2.], grad_fn=<AddBackward0>)"
    assert repr(x.detach()) == "tensor([1., 1.])"
    wide = pb.ones(2, dtype=pb.float64, requires_grad=True)
    assert repr(wide) == "tensor([1., 1.], dtype=torch.float64, requires_grad=True)"


def test_a_suffix_without_room_goes_to_the_next_line() -> None:
    x = pb.full((9,), 1.5, requires_grad=True)
    assert repr(x) == (
        "tensor([1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000],\n       requires_grad=True)"
    )


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_every_backend_gives_the_same_text(backend: str) -> None:
    x = pb.tensor([[0.5, nan], [-1.0, 100.0]], backend=backend)
    assert repr(x) == "tensor([[  0.5000,      nan],\n        [ -1.0000, 100.0000]])"
    assert repr(pb.ones(40, 40, dtype=pb.bfloat16, backend=backend)) == (
        "tensor([[1., 1., 1.,  ..., 1., 1., 1.],\n"
        "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "        ...,\n"
        "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "        [1., 1., 1.,  ..., 1., 1., 1.]], dtype=torch.bfloat16)"
    )


class TestFormat:
    def test_a_0d_tensor_is_formatted_as_its_element(self) -> None:
        assert f"{pb.tensor(1.23456):.2f}" == "1.23"
        assert f"{pb.tensor(7):04d}" == "0007"
        assert f"{pb.tensor(1.5, requires_grad=True)}" == "1.5"
        assert f"{pb.tensor(1.5, dtype=pb.bfloat16):.1f}" == "1.5"

    def test_other_tensors_take_no_format(self) -> None:
        x = pb.ones(2)
        assert f"{x}" == "tensor([1., 1.])"
        with pytest.raises(TypeError, match=r"unsupported format string passed to Tensor\.__format__"):
            f"{x:.2f}"


class TestOptions:
    def test_precision(self) -> None:
        with pb.printoptions(precision=2):
            assert repr(pb.tensor([1.2345])) == "tensor([1.23])"
        assert repr(pb.tensor([1.2345])) == "tensor([1.2345])"

    def test_threshold_and_edgeitems(self) -> None:
        with pb.printoptions(threshold=5, edgeitems=1):
            assert repr(pb.arange(10)) == "tensor([0,  ..., 9])"
        with pb.printoptions(threshold=5, edgeitems=0):
            assert repr(pb.arange(10)) == "tensor([...], size=(10,))"

    def test_linewidth(self) -> None:
        with pb.printoptions(linewidth=16):
            assert repr(pb.arange(5)) == "tensor([0, 1, 2,\n        3, 4])"

    def test_sci_mode(self) -> None:
        with pb.printoptions(sci_mode=True):
            assert repr(pb.tensor([1.0])) == "tensor([1.0000e+00])"
        with pb.printoptions(sci_mode=False):
            assert repr(pb.tensor([1e-5, 1e5])) == "tensor([     0.0000, 100000.0000])"

    def test_profiles(self) -> None:
        with pb.printoptions(profile="short"):
            assert repr(pb.tensor([1.2345])) == "tensor([1.23])"
            assert repr(pb.arange(1001)) == "tensor([   0,    1,  ...,  999, 1000])"
        with pb.printoptions(profile="full"):
            assert "..." not in repr(pb.arange(1001))
        with pb.printoptions(profile="short", precision=3):
            assert repr(pb.tensor([1.2345])) == "tensor([1.235])"

    def test_a_call_changes_what_it_names_and_resets_sci_mode(self) -> None:
        before = pb.get_printoptions()
        assert before == {
            "precision": 4,
            "threshold": 1000,
            "edgeitems": 3,
            "linewidth": 80,
            "sci_mode": None,
        }
        try:
            pb.set_printoptions(precision=6, sci_mode=False)
            pb.set_printoptions(edgeitems=2)
            assert pb.get_printoptions() == before | {"precision": 6, "edgeitems": 2}
        finally:
            pb.set_printoptions(**before)

    def test_the_context_manager_restores_the_options_after_an_error(self) -> None:
        before = pb.get_printoptions()
        with pytest.raises(RuntimeError, match="inside"), pb.printoptions(profile="full", sci_mode=True):
            raise RuntimeError("inside")
        assert pb.get_printoptions() == before

    @pytest.mark.parametrize("options", [{"profile": "tall"}, {"precision": -1}, {"edgeitems": -1}])
    def test_a_wrong_option_changes_nothing(self, options: dict[str, Any]) -> None:
        before = pb.get_printoptions()
        with pytest.raises(ValueError, match=next(iter(options))):
            pb.set_printoptions(**{"linewidth": 100} | options)
        assert pb.get_printoptions() == before


@dataclass
class Remote:
    """A backend whose arrays lie in another memory, as printing uses it; it counts what is transferred."""

    transferred: int = 0

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        self.transferred += array.size
        return array

    def kernel(self, name: str) -> Any:
        return {"getitem": lambda array, key: array[key]}.get(name)

    def from_data(self, data: Any, dtype: DType, device: Device) -> np.ndarray:
        return np.asarray(data, dtype=dtype.name)


@dataclass
class RemoteTensor:
    array: np.ndarray
    dtype: DType
    device: Device
    backend: Remote = field(default_factory=Remote)
    requires_grad: bool = False
    grad_fn: None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


def test_a_summary_transfers_no_more_than_it_shows() -> None:
    x = RemoteTensor(np.arange(40_000).reshape(200, 200), pb.int64, Device("cuda", 0))
    with pb.printoptions(edgeitems=1):
        assert tensor_repr(x) == (
            "tensor([[    0,  ...,   199],\n        ...,\n        [39800,  ..., 39999]], device='cuda:0')"
        )
    assert x.backend.transferred == 4


def test_a_tensor_without_known_elements_shows_its_shape() -> None:
    assert tensor_repr(pb.zeros(2, 3), abstract=True) == "tensor(..., size=(2, 3))"
    assert tensor_repr(pb.tensor(1), abstract=True) == "tensor(..., size=(), dtype=torch.int64)"


def test_a_subclass_may_begin_otherwise() -> None:
    assert tensor_repr(pb.zeros(2, 1), prefix="Masked(") == "Masked([[0.],\n        [0.]])"
