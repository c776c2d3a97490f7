"""Every elementwise operation of one tensor, at every number that float16 and bfloat16 have."""

from __future__ import annotations

import warnings

import ml_dtypes
import numpy as np
import pytest

import pullback as pb
from pullback.dispatch.declaration import Operation
from pullback.tensor.registry import registry

HALVES = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
OPERATIONS = sorted(
    name
    for name, record in registry.items()
    if isinstance(record, Operation)
    and len(record.operands) == 1
    and record.broadcasts
    and not record.draws
    and pb.float16 in record.dtypes
    and all(attribute in record.defaults for attribute in record.attributes)
)
BITS = np.arange(1 << 16, dtype=np.uint16)
SMALLEST_NORMAL = 2.0**-126


def places(values):
    """Where each number stands among those of its dtype."""
    bits = values.view(np.int16).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_result_is_that_of_double_precision_rounded(name, dtype, backend):
    with np.errstate(all="ignore"):  # signalling NaN are among them
        compare(name, dtype, backend)


def compare(name, dtype, backend):
    native = HALVES[dtype]
    given = BITS.view(native)
    call = registry[name].call
    exact = call(pb.from_numpy(given.astype(np.float64))).numpy()
    expected = exact.astype(native) if exact.dtype.kind == "f" else exact
    result = call(pb.from_numpy(BITS.view(np.int16).copy()).to(backend).view(getattr(pb, dtype)))
    if result.dtype.category < 2:
        np.testing.assert_array_equal(result.numpy(), expected)
        return
    found = result.view(pb.int16).numpy().view(native)
    both = np.isnan(found.astype(np.float64)) & np.isnan(expected.astype(np.float64))
    distance = np.where(both, 0, np.abs(places(found) - places(expected)))
    if backend == "jax":  # a subnormal number of bfloat16 is one of float32, which XLA takes for zero
        small = np.abs(given.astype(np.float64)) < SMALLEST_NORMAL
        gradual = np.abs(exact) < 16 * 89 * SMALLEST_NORMAL  # what x * sigmoid(x) loses with a subnormal sigmoid
        distance[small | (gradual & (np.abs(found.astype(np.float64)) < 16 * 89 * SMALLEST_NORMAL))] = 0
    worst = int(np.argmax(distance))
    assert distance[worst] <= 1, (float(given[worst]), float(found[worst]), exact[worst])


@pytest.mark.parametrize("function", [pb.relu, pb.nn.functional.hardtanh], ids=lambda f: f.__name__)
def test_comparisons_with_nan_are_silent_in_derivatives_too(function):
    x = pb.tensor([float("nan"), 1.0, -1.0], dtype=pb.bfloat16, requires_grad=True)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        function(x).backward(pb.ones_like(x))
    assert not heard
