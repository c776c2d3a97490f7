"""The gamma functions, ``erfinv``, ``nextafter``, divisors and membership agree with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.oracle

EXPRESSIONS = [
    "x.lgamma()",
    "lib.lgamma(y)",
    "lib.lgamma(e)",
    "lib.lgamma(s)",
    "lib.lgamma(i + 1)",
    "lib.lgamma(m)",
    "lib.lgamma(x + 1j)",
    "(x * 1).lgamma_()",
    "lib.digamma(x)",
    "lib.digamma(y * 1.3)",
    "lib.digamma(i)",
    "lib.digamma(x + 1j)",
    "(x * 1).digamma_()",
    "lib.polygamma(0, x)",
    "lib.polygamma(1, x)",
    "lib.polygamma(2, x + 1)",
    "lib.polygamma(3, x + 1)",
    "lib.polygamma(1, y * 1.3)",
    "lib.polygamma(n=2, input=x)",
    "lib.polygamma(2, i + 1)",
    "x.polygamma(1)",
    "x.polygamma(n=1)",
    "x.detach().clone().polygamma_(1)",
    "lib.polygamma(-1, x)",
    "lib.polygamma(1.5, x)",
    "lib.mvlgamma(x + 2, 1)",
    "lib.mvlgamma(x + 2, 3)",
    "lib.mvlgamma(x, 3)",
    "(x + 2).mvlgamma(2)",
    "(x + 2).mvlgamma_(2)",
    "lib.mvlgamma(x, 0)",
    "lib.erfinv(x / 2.5)",
    "lib.erfinv(y / 2.5)",
    "lib.erfinv(v * 0 + lib.tensor([0.999, -0.9999, 0.0]))",
    "lib.erfinv(i)",
    "lib.erfinv(x + 1j)",
    "(x / 2.5).erfinv_()",
    "lib.nextafter(x.detach(), y.detach())",
    "lib.nextafter(x, y)",
    "lib.nextafter(x, x)",
    "lib.nextafter(x.detach().double(), v.detach().double())",
    "lib.nextafter(x.detach().half(), y.detach().half())",
    "lib.nextafter(i, i)",
    "lib.nextafter(x, 2.0)",
    "x.detach().clone().nextafter_(y.detach())",
    "lib.gcd(integers([12, -8, 0, 7]), integers([18, 4, 5, 0]))",
    "lib.gcd(integers([[12], [9]]), integers([18, 4, 5]))",
    "lib.gcd(integers([12]), lib.tensor([18], dtype=lib.int8))",
    "integers([12, 5]).gcd_(integers([18, 10]))",
    "lib.gcd_(integers([12, 5]), integers([18, 10]))",
    "lib.gcd(x, x)",
    "lib.gcd(m, m)",
    "lib.gcd(i, 2)",
    "lib.lcm(integers([4, -6, 0]), integers([6, 4, 0]))",
    "lib.lcm(lib.tensor([6], dtype=lib.uint8), lib.tensor([250], dtype=lib.uint8))",
    "integers([12, 5]).lcm_(integers([18, 10]))",
    "lib.lcm(x, x)",
    "lib.isin(integers([[1, 2], [3, 4]]), integers([2, 3]))",
    "lib.isin(integers([[1, 2], [3, 4]]), integers([2, 3]), invert=True, assume_unique=True)",
    "lib.isin(x, x[0])",
    "lib.isin(x, e)",
    "lib.isin(e, x)",
    "lib.isin(integers([1, 2]), lib.tensor([2.0, 1.5]))",
    "lib.isin(lib.tensor([1, 2], dtype=lib.int8), integers([258, 1]))",
    "lib.isin(lib.tensor([1, 44], dtype=lib.uint8), 300)",
    "lib.isin(integers([1, 2]), 2)",
    "lib.isin(2, integers([1, 2]))",
    "lib.isin(lib.tensor([1.0, float('nan')]), lib.tensor([float('nan'), 1.0]))",
    "lib.isin(x.detach().half(), x.detach().half()[0])",
    "lib.isin(x.detach().bfloat16(), x.detach().bfloat16()[0])",
    "lib.isin(m, m)",
    "lib.isin(x + 1j, x)",
]
#: JAX compiles each anew.
ON_JAX = [
    e for e in EXPRESSIONS if e.startswith(("lib.lgamma(y", "lib.digamma(y", "lib.polygamma(1, y", "lib.erfinv(y"))
]
ON_JAX += ["lib.nextafter(x, y)", "lib.isin(x, x[0])", "lib.gcd(integers([12, -8, 0, 7]), integers([18, 4, 5, 0]))"]


@pytest.mark.parametrize(
    ("expression", "backend"), [*((e, "numpy") for e in EXPRESSIONS), *((e, "jax") for e in ON_JAX)]
)
def test_expressions_agree(agrees: Callable[[str, str], None], expression: str, backend: str) -> None:
    agrees(expression, backend)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_special_values_agree(same_program: Callable[..., None], backend: str) -> None:
    def program(lib: Any) -> Any:
        inf, nan = float("inf"), float("nan")
        x = lib.tensor([0.0, -0.0, -1.0, -2.0, inf, -inf, nan, -0.5, 1.0, 2.0, 171.5, 1e-300], dtype=lib.float64)
        y = lib.tensor([0.0, -0.0, 1.0, -1.0, 2.0, nan, 1e-300, 0.9999999999999999], dtype=lib.float64)
        found = [lib.lgamma(x), lib.digamma(x), lib.polygamma(1, x[-5:]), lib.polygamma(2, x[-5:]), lib.erfinv(y)]
        return [repr([float(f"{v:.9g}") for v in t.tolist()]) for t in found]

    same_program(program, backend)


def test_derivatives_are_right(same_program: Callable[..., None]) -> None:
    def program(lib: Any) -> Any:
        x = lib.tensor([0.3, 1.2, 2.5], dtype=lib.float64, requires_grad=True)
        check, second = lib.autograd.gradcheck, lib.autograd.gradgradcheck
        functions = (
            lib.lgamma,
            lib.digamma,
            lambda x: lib.polygamma(1, x),
            lambda x: lib.mvlgamma(x + 1, 3),
            lambda x: lib.erfinv(x / 3),
        )
        return [(check(f, x, check_forward_ad=True), second(f, x, atol=1e-4)) for f in functions]

    same_program(program, "numpy")


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_membership_maps(same_program: Callable[..., None], backend: str) -> None:
    def program(lib: Any) -> Any:
        x, values = lib.tensor([[1, 2, 3], [4, 5, 6]]), lib.tensor([[2, 3, 9, 9], [1, 2, 4, 6]])
        return [
            lib.vmap(lib.isin, in_dims)(x, values).tolist()
            if in_dims != (None, 0)
            else lib.vmap(lib.isin, in_dims)(x[0], values).tolist()
            for in_dims in ((0, 0), (0, None), (1, None), (None, 0))
        ]

    same_program(program, backend)
