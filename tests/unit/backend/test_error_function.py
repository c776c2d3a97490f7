"""erf and erfc against mpmath, in units of the last place."""

from __future__ import annotations

import ml_dtypes
import mpmath
import numpy as np
import pytest

X = np.concatenate(
    [
        np.linspace(-6.2, 6.2, 401),
        [0.84375, 1.25, 1 / 0.35, 0.25, 6.0, 1e-300, 1e-20, 5e-324, 0.843749999, 1.2499999, 26.0, 26.5],
        np.geomspace(1e-9, 27, 200),
    ]
)
ULP = {"erf": 1.0, "erfc": 2.5}


def ulps(actual, exact):
    return max(
        float(abs(mpmath.mpf(float(a)) - e) / mpmath.mpf(float(np.spacing(np.abs(np.asarray(float(e), a.dtype))))))
        for a, e in zip(actual, exact, strict=True)
    )


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_double_precision(run, name):
    # Below the smallest normal number the last place means nothing; JAX flushes such results to zero.
    x = X[(np.abs(X) > 1e-300) & (X < 26.5)]
    with mpmath.workdps(40):
        exact = [getattr(mpmath, name)(mpmath.mpf(v)) for v in x.tolist()]
        assert ulps(run(name, x), exact) <= ULP[name]


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_single_precision(run, name):
    x = X[(np.abs(X) > 1e-30) & (np.abs(X) < 9)].astype("float32")
    with mpmath.workdps(40):
        exact = [getattr(mpmath, name)(mpmath.mpf(float(v))) for v in x]
        # JAX's erf is XLA's own in single precision.
        assert ulps(run(name, x), exact) <= (4 if (run.backend.name, name) == ("jax", "erf") else 0.51)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16])
def test_half_precision_is_computed_wider(run, dtype):
    if not run.has(dtype):
        pytest.skip("the namespace has no such dtype")
    x = np.linspace(-3, 3, 101).astype(dtype)
    out = run("erf", x)
    exact = np.array([float(mpmath.erf(float(v))) for v in x]).astype(dtype)
    assert out.dtype == dtype
    np.testing.assert_allclose(out.astype("float64"), exact.astype("float64"), rtol=float(ml_dtypes.finfo(dtype).eps))


def test_special_values(run):
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0])
    np.testing.assert_array_equal(run("erf", x), [1, -1, np.nan, 0, 0])
    assert np.signbit(run("erf", x))[4]
    np.testing.assert_array_equal(run("erfc", x), [0, 2, np.nan, 1, 1])
    assert run("erf", np.array(0.5)).shape == ()
    assert run("erf", np.zeros((0, 2))).shape == (0, 2)
