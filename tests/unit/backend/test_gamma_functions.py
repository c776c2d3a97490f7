"""lgamma, digamma, polygamma and erfinv against mpmath, in units of the last place."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

X = np.concatenate(
    [
        np.linspace(0.01, 12, 301),
        np.linspace(1.43, 1.49, 60),  # around the root of digamma, the minimum of lgamma
        np.geomspace(1e-9, 1e9, 100),
        [0.23164, 0.7316, 0.9, 1 - 1e-9, 1 + 1e-9, 2 - 1e-9, 2 + 1e-9, 1.2316, 1.7316, 8.0, 10.0],
    ]
)
X = X[(X != 1) & (X != 2)]
Y = np.concatenate([np.linspace(-0.999, 0.999, 201), 1 - np.geomspace(1e-15, 0.3, 60), np.geomspace(1e-300, 0.7, 40)])
NEGATIVE = np.linspace(-10.3, -0.013, 97)
EXACT = {"lgamma": lambda v: mpmath.re(mpmath.loggamma(v)), "digamma": mpmath.digamma, "erfinv": mpmath.erfinv}


def ulps(actual, exact):
    return max(
        float(abs(mpmath.mpf(float(a)) - e) / mpmath.mpf(float(np.spacing(np.abs(np.asarray(float(e), a.dtype))))))
        for a, e in zip(actual, exact, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "points", "bound"), [("lgamma", X, 3.0), ("digamma", X, 3.0), ("erfinv", Y[Y != 0], 2.0)]
)
def test_double_precision(run, name, points, bound):
    with mpmath.workdps(40):
        exact = [EXACT[name](mpmath.mpf(v)) for v in points.tolist()]
        assert ulps(run(name, points), exact) <= bound


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_derivatives_of_digamma(run, n):
    points = X[(X > 0.01) & (X < 1e6)]
    with mpmath.workdps(40):
        exact = [mpmath.psi(n, mpmath.mpf(v)) for v in points.tolist()]
        assert ulps(run("polygamma", points, n), exact) <= 4 + n / 2


@pytest.mark.parametrize("name", ["lgamma", "digamma", "polygamma"])
def test_negative_numbers(run, name):
    """Near the roots between the poles the error is small against one."""
    order = (2,) if name == "polygamma" else ()
    with mpmath.workdps(40):
        exact = [
            float(mpmath.psi(2, mpmath.mpf(v)) if order else EXACT[name](mpmath.mpf(v))) for v in NEGATIVE.tolist()
        ]
    np.testing.assert_allclose(run(name, NEGATIVE, *order), exact, rtol=1e-13, atol=2e-14)


@pytest.mark.parametrize("name", ["lgamma", "digamma", "erfinv"])
def test_single_precision_is_rounded_once(run, name):
    points = (Y[np.abs(Y) > 1e-30] if name == "erfinv" else X).astype("float32")
    points = points[(points != 1) & (points != 2)]
    with mpmath.workdps(30):
        exact = [EXACT[name](mpmath.mpf(float(v))) for v in points if abs(v) < 1 or name != "erfinv"]
        points = points[np.abs(points) < 1] if name == "erfinv" else points
        assert ulps(run(name, points), exact) <= 0.51


def test_no_elements_and_no_dimensions(run):
    for name in ("lgamma", "digamma", "erfinv"):
        assert run(name, np.array(0.5)).shape == ()
        assert run(name, np.zeros((0, 2))).shape == (0, 2)
    assert run("lgamma", np.array([1.0, 2.0])).tolist() == [0.0, 0.0]
    assert not np.signbit(run("lgamma", np.array([1.0, 2.0]))).any()


def test_divisors_and_membership(run):
    a, b = np.array([12, -8, 0, 7, 2**40]), np.array([18, 4, 5, 0, 3 * 2**20])
    assert run("gcd", a, b).tolist() == np.gcd(a, b).tolist()
    assert run("lcm", a, b).tolist() == np.lcm(a, b).tolist()
    values = np.array([3.0, np.nan, -1.0, 3.0])
    x = np.array([[3.0, np.nan], [-1.0, 4.0], [5.0, -2.0]])
    assert run("isin", x, values).tolist() == np.isin(x, values).tolist()
