"""Subnormal operands on JAX, whose programs on a CPU take them for zero: wherever a result is normal it is NumPy's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend

NAMES = ["float16", "bfloat16", "float32", "float64"]
SMALLEST = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 2.0**-1074}
EXACT = ["mul", "div", "sqrt", "reciprocal", "ceil", "floor"]
#: Whose last digits are the library's.
ROUNDED = ["atan2", "log", "log2", "log10", "pow", "rsqrt", "xlogy"]
BINARY = {"mul", "div", "atan2", "pow", "xlogy"}


@pytest.fixture(autouse=True)
def silent():
    with np.errstate(all="ignore"):
        yield


def values_of(name):
    """Subnormal numbers, those around them, and what numbers of other sizes make normal results with them."""
    limits, smallest = pb.finfo(getattr(pb, name)), SMALLEST[name]
    rng = np.random.default_rng(0)
    subnormal = [smallest * k for k in (1, 2, 3, 7)] + [limits.tiny * f for f in (0.3, 0.5, 0.999)]
    normal = [
        1.0,
        1.5,
        40.0,
        limits.tiny * 1.5,
        limits.tiny * 70,
        limits.eps,
        1 / limits.eps,
        limits.max,
        limits.max / 2,
    ]
    drawn = 2.0 ** rng.uniform(np.log2(smallest), np.log2(limits.max), 40)
    positive = [0.0, np.inf, *subnormal, *normal, *drawn]
    return [*positive, *(-v for v in positive), np.nan]


def compare(found, expected, units=0):
    """The results where they are no subnormal numbers, nor rounded to the smallest normal one."""
    limits = pb.finfo(expected.dtype)
    found, expected = found.to("numpy").double().numpy(), expected.double().numpy()
    comparable = ~(np.abs(expected) <= limits.tiny) | (expected == 0)
    if units:
        np.testing.assert_allclose(found[comparable], expected[comparable], rtol=units * limits.eps, atol=0)
    else:
        np.testing.assert_array_equal(found[comparable], expected[comparable])
        signed = comparable & ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found[signed]), np.signbit(expected[signed]))
    assert np.all(comparable | (np.abs(found) <= limits.tiny))


@pytest.mark.parametrize("dtype", NAMES)
@pytest.mark.parametrize("name", EXACT + ROUNDED)
def test_normal_results_of_subnormal_operands_are_those_of_numpy(name, dtype):
    values = values_of(dtype)
    units = 4 if name in ROUNDED else 0
    x, y = (pb.tensor(values, dtype=getattr(pb, dtype), backend=b) for b in ("numpy", "jax"))
    call = getattr(pb, name)
    if name not in BINARY:
        compare(call(y), call(x), units)
        compare(call(y[3]), call(x[3]), units)
        return
    compare(call(y[:, None], y), call(x[:, None], x), units)
    compare(call(y, y.flip(0)), call(x, x.flip(0)), units)
    compare(call(y[3], y), call(x[3], x), units)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_the_next_number_of_a_subnormal_one(dtype):
    x, y = (pb.tensor(values_of(dtype), dtype=getattr(pb, dtype), backend=b) for b in ("numpy", "jax"))
    found, expected = (pb.nextafter(v[:, None], v).to("numpy").double().numpy() for v in (y, x))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected) | np.isnan(expected) & np.signbit(found))


@pytest.mark.parametrize("dtype", NAMES)
@pytest.mark.parametrize("name", ["mul", "div"])
def test_subnormal_python_numbers(name, dtype):
    values = values_of(dtype)
    x, y = (pb.tensor(values, dtype=getattr(pb, dtype), backend=b) for b in ("numpy", "jax"))
    for number in (SMALLEST[dtype], -3 * SMALLEST[dtype], 3.7, pb.finfo(x.dtype).max, 0.0):
        compare(getattr(pb, name)(y, number), getattr(pb, name)(x, number))


@pytest.mark.parametrize(
    ("source", "target"), [("bfloat16", "float64"), ("float32", "float64"), ("complex64", "complex128")]
)
def test_conversions_to_double_precision_are_exact(source, target):
    values = [1e-40, -1e-40, 1e-45, 0.0, -0.0, 1.5, np.inf, -np.inf, np.nan]
    if source.startswith("complex"):
        values = [complex(a, b) for a in values for b in values]
    x, y = (pb.tensor(values, dtype=getattr(pb, source), backend=b) for b in ("numpy", "jax"))
    expected = x.to(getattr(pb, target)).numpy()
    found = y.to(getattr(pb, target)).to("numpy").numpy()
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found.real), np.signbit(expected.real))
    np.testing.assert_array_equal(np.signbit(found.imag), np.signbit(expected.imag))


def test_a_float32_beside_a_float64_keeps_its_value():
    tiny, one = pb.tensor([1e-40], backend="jax"), pb.tensor([1.0], dtype=pb.float64, backend="jax")
    assert (tiny * one).item() == np.float32(1e-40)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inside_of_compiled_programs(dtype):
    backend = get_backend("jax")
    tiny = np.array([np.finfo(dtype).tiny / 8], dtype)
    large = np.array([np.finfo(dtype).max], dtype)

    @jax.jit
    def program(x, y):
        wide = backend.astype(x, pb.float64)
        product, quotient = backend.multiply(x, y), backend.divide(backend.sqrt(x), backend.reciprocal(y))
        return product, quotient, backend.log(x), backend.multiply(x, 9.0), wide

    product, quotient, logarithm, multiple, wide = map(np.asarray, program(jnp.asarray(tiny), jnp.asarray(large / 4)))
    assert product == tiny * (large / 4)
    np.testing.assert_allclose(quotient, np.sqrt(tiny) * (large / 4), rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(logarithm, np.log(tiny), rtol=4 * np.finfo(dtype).eps)
    assert multiple == tiny * 9
    assert wide == tiny


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_quotients_by_one_number_are_rounded_once(name):
    # XLA's own are products with its reciprocal, which is subnormal for the largest numbers.
    dtype = getattr(pb, name)
    x, y = (pb.arange(1, 1000, backend=b).to(dtype) for b in ("numpy", "jax"))
    largest = pb.finfo(dtype).max
    for divisor in (3.7, 0.3, 49.0):
        np.testing.assert_array_equal((y / divisor).to("numpy").numpy(), (x / divisor).numpy())
        np.testing.assert_array_equal((y / y[4:5]).to("numpy").numpy(), (x / x[4:5]).numpy())
    assert (pb.full((3,), largest, dtype=dtype, backend="jax") / largest).tolist() == [1.0] * 3


def test_derivatives_by_jax_and_by_pullback():
    backend = get_backend("jax")
    points = jnp.asarray(np.array([0.0, -0.0, 8e-39, 2.0, -3.0], np.float32))
    for kernel, derivative in (
        (lambda x: backend.multiply(x, 3.0), lambda x: 3.0),
        (lambda x: backend.divide(x, 4.0), lambda x: 0.25),
        (lambda x: backend.divide(4.0, x), lambda x: -4 / x**2),
        (lambda x: backend.add(x, 1e-40), lambda x: 1.0),
        (lambda x: backend.subtract(1.0, x), lambda x: -1.0),
        (backend.log, lambda x: 1 / x),
        (lambda x: backend.atan2(x, 1.0), lambda x: 1 / (1 + x**2)),
    ):
        found = [float(jax.grad(kernel)(point)) for point in points]
        exact = np.array([derivative(np.float32(point)) for point in np.asarray(points)], np.float32)
        np.testing.assert_allclose(found, exact, rtol=1e-6)

    x = pb.tensor([8e-39, 2.0], backend="jax", requires_grad=True)
    (x.log() + x * 3).sum().backward()
    np.testing.assert_allclose(x.grad.to("numpy").numpy(), 1 / x.detach().to("numpy").numpy() + 3, rtol=1e-6)
