"""Arithmetic of two tensors, held against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

COMPLEX = np.array([1 + 1j, -2 + 0.5j, 0.3 - 1.2j])
EXPONENTS = np.array([2 - 1j, 0.5 + 1j, -1.5 + 0.25j])
REAL = np.array([1.5, 0.5, 2.0])
VALUES = [-0.0, 0.0, -4.0, 5.0, 60000.0, float("inf"), float("nan"), -7.25]


def gradients(library, input, exponent):
    """Of first and second order."""
    leaves = [library.tensor(v, requires_grad=True) for v in (input, exponent) if isinstance(v, np.ndarray)]
    operands = iter(leaves)
    x, y = (next(operands) if isinstance(v, np.ndarray) else v for v in (input, exponent))
    out = x**y
    first = library.autograd.grad(abs(out).sum(), leaves, create_graph=True)
    total = sum((abs(g) * abs(g)).sum() for g in first)
    second = library.autograd.grad(total, leaves)
    return [(str(t.dtype), t.tolist()) for t in (out, *first, *second)]


@pytest.mark.parametrize(
    ("input", "exponent"),
    [
        (COMPLEX, EXPONENTS),
        (COMPLEX, REAL),
        (REAL, EXPONENTS),
        (COMPLEX, 1.5),
        (COMPLEX, 2 + 1j),
        (2.5, EXPONENTS),
        (1 + 2j, EXPONENTS),
    ],
)
def test_gradients_of_complex_powers_agree(input, exponent):
    results = zip(gradients(pb, input, exponent), gradients(torch, input, exponent), strict=True)
    for (dtype, mine), (expected, theirs) in results:
        assert dtype == expected
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def test_the_exponent_of_a_zero_has_no_gradient():
    got = []
    for library in (pb, torch):
        base = library.tensor([0j, 1 + 1j])
        exponent = library.tensor([2.0, -1.0], requires_grad=True)
        got.append(library.autograd.grad(abs(base**exponent).sum(), exponent)[0].numpy())
    np.testing.assert_allclose(*got, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("other", [2.0, -3.0, 0.625, float("inf"), 0.0])
@pytest.mark.parametrize("scalar", [False, True], ids=["tensor", "number"])
def test_fmod_agrees_to_the_last_bit(dtype, other, scalar):
    got = []
    for library in (pb, torch):
        kind = getattr(library, dtype)
        divisor = other if scalar else library.tensor(other, dtype=kind)
        got.append(library.fmod(library.tensor(VALUES, dtype=kind), divisor).double().numpy())
    np.testing.assert_array_equal(*got)
    np.testing.assert_array_equal(*map(np.signbit, (np.nan_to_num(v) for v in got)))
