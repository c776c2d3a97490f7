"""``repr`` against PyTorch's, to the character, over generated tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import pullback as pb
from pullback.meta.dtypes import ALL, FLOATS, INEXACT, DType

torch = pytest.importorskip("torch", reason="the `oracle` extra installs PyTorch")

pytestmark = pytest.mark.oracle

SPECIAL = [0.0, -0.0, math.nan, math.inf, -math.inf]

# How elements may be distributed: a function of the generator and the number of elements.
MAGNITUDES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "whole": lambda rng, n: rng.integers(-1000, 1000, n).astype(float),
    "whole and large": lambda rng, n: rng.integers(-(10**9), 10**9, n).astype(float),
    "one scale": lambda rng, n: rng.standard_normal(n) * 10.0 ** rng.integers(-12, 12),
    "many scales": lambda rng, n: rng.standard_normal(n) * 10.0 ** rng.integers(-20, 20, n),
    "thresholds": lambda rng, n: rng.choice([1.0, 2.5, 1e-4, 9.9999e-5, 1e8, 1.0001e8, 1e3, 1001.0], n),
    "near powers of ten": lambda rng, n: rng.uniform(0.99995, 1.00005, n) * 10.0 ** rng.integers(-5, 9),
    "special": lambda rng, n: rng.choice(SPECIAL, n),
    "some special": lambda rng, n: np.where(rng.random(n) < 0.1, rng.choice(SPECIAL, n), rng.uniform(-9, 9, n)),
    "extreme": lambda rng, n: rng.choice([5e-324, 1e-310, 1e308, 1.0, 0.0], n),
}

# Shapes around every decision: empty, 0-d, lines to break, blocks to set apart, the threshold of summaries.
SHAPES: list[Callable[[np.random.Generator], tuple[int, ...]]] = [
    lambda rng: (),
    lambda rng: (int(rng.integers(0, 40)),),
    lambda rng: tuple(rng.integers(0, 6, rng.integers(1, 5)).tolist()),
    lambda rng: (int(rng.integers(990, 1100)),),
    lambda rng: tuple(rng.integers(1, 60, 2).tolist()),
    lambda rng: tuple(rng.integers(1, 14, 3).tolist()),
    lambda rng: (int(rng.integers(1, 4)), int(rng.integers(1, 400))),
]


def numpy_dtype(dtype: DType) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if dtype is pb.bfloat16 else dtype.name)


def elements(rng: np.random.Generator, dtype: DType, size: int) -> np.ndarray:
    if dtype is pb.meta.dtypes.bool_:
        return rng.random(size) < rng.choice([0, 0.5, 1])
    if dtype in INEXACT:
        parts = [MAGNITUDES[name](rng, size) for name in rng.choice(list(MAGNITUDES), 2)]
        values = parts[0].astype(complex)
        values.imag = parts[1]
        with np.errstate(all="ignore"):  # magnitudes beyond the dtype become infinite or zero
            return (values if dtype.is_complex else parts[0]).astype(numpy_dtype(dtype))
    limits = np.iinfo(dtype.name)
    if rng.random() < 0.5:
        return rng.integers(limits.min, limits.max, size, dtype=dtype.name, endpoint=True)
    return rng.integers(max(limits.min, -9), 9, size).astype(dtype.name)


def array(rng: np.random.Generator, dtype: DType) -> np.ndarray:
    """Elements of any magnitude in any shape, sometimes a strided view."""
    shape = SHAPES[rng.integers(len(SHAPES))](rng)
    values = elements(rng, dtype, math.prod(shape)).reshape(shape)
    if values.ndim and rng.random() < 0.3:
        return values[1::2] if rng.random() < 0.5 else values.transpose(rng.permutation(values.ndim))
    return values


def in_torch(values: np.ndarray, dtype: DType) -> Any:
    if dtype is pb.bfloat16:
        return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)


def options(rng: np.random.Generator) -> dict[str, Any]:
    """A few of the print options."""
    choices: dict[str, Callable[[], Any]] = {
        "precision": lambda: int(rng.integers(0, 9)),
        "threshold": lambda: int(rng.choice([0, 5, 50, 2000])),
        "edgeitems": lambda: int(rng.integers(0, 5)),
        "linewidth": lambda: int(rng.integers(1, 150)),
        "profile": lambda: str(rng.choice(["default", "short"])),
        "sci_mode": lambda: bool(rng.random() < 0.5),
    }
    return {name: choose() for name, choose in choices.items() if rng.random() < 0.4}


@pytest.mark.parametrize("dtype", ALL, ids=lambda dtype: dtype.name)
def test_repr(dtype: DType) -> None:
    rng = np.random.default_rng(dtype.itemsize)
    for _ in range(200):
        values = array(rng, dtype)
        assert repr(pb.from_numpy(values)) == repr(in_torch(values, dtype))


@pytest.mark.parametrize("dtype", ALL, ids=lambda dtype: dtype.name)
def test_repr_with_options(dtype: DType) -> None:
    rng = np.random.default_rng(100 + dtype.itemsize)
    for _ in range(80):
        values, chosen = array(rng, dtype), options(rng)
        with torch._tensor_str.printoptions(**chosen), pb.printoptions(**chosen):
            assert pb.get_printoptions() == torch._tensor_str.get_printoptions()
            assert repr(pb.from_numpy(values)) == repr(in_torch(values, dtype)), chosen


@pytest.mark.parametrize("sci_mode", [None, True, False])
@pytest.mark.parametrize("dtype", [pb.float16, pb.bfloat16], ids=lambda dtype: dtype.name)
def test_every_value_of_the_short_floats(dtype: DType, sci_mode: bool | None) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(numpy_dtype(dtype))
    with torch._tensor_str.printoptions(sci_mode=sci_mode), pb.printoptions(sci_mode=sci_mode):
        for values in every.reshape(-1, 512):
            assert repr(pb.from_numpy(values)) == repr(in_torch(values, dtype))


@pytest.mark.parametrize("default", sorted(FLOATS, key=lambda dtype: dtype.name), ids=lambda dtype: dtype.name)
def test_the_default_dtype(default: DType) -> None:
    before = pb.get_default_dtype(), torch.get_default_dtype()
    pb.set_default_dtype(default)
    torch.set_default_dtype(getattr(torch, default.name))
    try:
        for dtype in ALL:
            for shape in [(), (0,), (2, 0), (2,)]:
                values = np.ones(shape, dtype=numpy_dtype(dtype))
                assert repr(pb.from_numpy(values)) == repr(in_torch(values, dtype))
    finally:
        pb.set_default_dtype(before[0])
        torch.set_default_dtype(before[1])


@pytest.mark.parametrize(
    "program",
    [
        lambda x: x,
        lambda x: x.detach(),
        lambda x: x + 1,
        lambda x: 2 * x,
        lambda x: -x,
        lambda x: x.exp(),
        lambda x: x.sum(),
        lambda x: x.reshape(-1),
        lambda x: x[0],
        lambda x: x.mT,
    ],
    ids=["leaf", "detached", "add", "multiply", "negative", "exp", "sum", "reshape", "select", "transpose"],
)
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64], ids=lambda dtype: dtype.name)
def test_autograd(program: Callable[[Any], Any], dtype: DType) -> None:
    rng = np.random.default_rng(0)
    # Rows of every length, so that suffixes meet the end of the line everywhere.
    for columns in range(1, 24):
        values = rng.integers(1, 9, (2, columns)).astype(dtype.name)
        mine = pb.from_numpy(values).requires_grad_()
        reference = torch.from_numpy(values).requires_grad_()
        assert repr(program(mine)) == repr(program(reference))


def test_a_tensor_written_through_a_view() -> None:
    def written(framework: Any) -> Any:
        x = framework.ones(3, requires_grad=True) * 1
        x[0].mul_(2)
        return x

    assert repr(written(pb)) == repr(written(torch)) == "tensor([2., 1., 1.], grad_fn=<CopySlices>)"


@pytest.mark.parametrize("spec", ["", ".3f", "8", "d", "e", ">10", "x", "no such"])
@pytest.mark.parametrize("dtype", ALL, ids=lambda dtype: dtype.name)
def test_format(dtype: DType, spec: str) -> None:
    def outcome(tensor: Any) -> str | tuple[type, str]:
        try:
            return format(tensor, spec)
        except (TypeError, ValueError) as error:
            return type(error), str(error)

    for shape in [(), (2,)]:
        values = np.ones(shape, dtype=numpy_dtype(dtype))
        assert outcome(pb.from_numpy(values)) == outcome(in_torch(values, dtype))
