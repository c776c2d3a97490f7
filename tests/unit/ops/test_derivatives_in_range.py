"""Derivatives at the ends of the range: right wherever they are numbers that the dtype has, in both modes.

What is right comes from formulas written here for mpmath, whose numbers have no ends.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb
from pullback.nn import functional

mpmath = pytest.importorskip("mpmath", reason="the conformance extra installs it")
mp = mpmath.mp.clone()
mp.prec = 400

#: The smallest normal number, the largest, and the distance from 1 to the next.
LIMITS = {
    pb.float16: (2.0**-14, 65504.0, 2.0**-10),
    pb.bfloat16: (2.0**-126, (2 - 2.0**-7) * 2.0**127, 2.0**-7),
    pb.float32: (2.0**-126, (2 - 2.0**-23) * 2.0**127, 2.0**-23),
    pb.float64: (2.0**-1022, (2 - 2.0**-52) * 2.0**1023, 2.0**-52),
}
DTYPES = [pb.float16, pb.bfloat16, pb.float32, pb.float64]

Function = Callable[..., Any]


@pytest.fixture(params=["numpy", "jax"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def sinc_slope(x: Any) -> Any:
    if abs(x) < mp.mpf(10) ** -20:  # where the quotient would need more digits still
        return -(mp.pi**2) * x / 3
    return (mp.cospi(x) - mp.sincpi(x)) / x


def gelu_slope(x: Any) -> Any:
    if abs(x) > 1000:
        return mp.mpf(x > 0)
    return mp.ncdf(x) + x * mp.npdf(x)


def gelu_by_tanh_slope(x: Any) -> Any:
    scale, cubic = mp.sqrt(2 / mp.pi), mp.mpf("0.044715")
    inner = scale * (x + cubic * x**3)
    return (1 + mp.tanh(inner)) / 2 + x * mp.sech(inner) ** 2 * scale * (1 + 3 * cubic * x * x) / 2


#: Functions of one tensor, their derivatives, and how much of the numbers line they take.
UNARY: list[tuple[str, Function, Function, Callable[[float], bool]]] = [
    ("log", pb.log, lambda x: 1 / x, lambda x: x > 0),
    ("log2", pb.log2, lambda x: 1 / (x * mp.ln2), lambda x: x > 0),
    ("log10", pb.log10, lambda x: 1 / (x * mp.ln10), lambda x: x > 0),
    ("log1p", pb.log1p, lambda x: 1 / (1 + x), lambda x: x > -1),
    ("sqrt", pb.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), lambda x: x > 0),
    ("rsqrt", pb.rsqrt, lambda x: -1 / (2 * x * mp.sqrt(x)), lambda x: x > 0),
    ("reciprocal", pb.reciprocal, lambda x: -1 / (x * x), lambda x: x != 0),
    ("square", pb.square, lambda x: 2 * x, lambda x: True),
    ("asin", pb.asin, lambda x: 1 / mp.sqrt((1 - x) * (1 + x)), lambda x: abs(x) < 1),
    ("acos", pb.acos, lambda x: -1 / mp.sqrt((1 - x) * (1 + x)), lambda x: abs(x) < 1),
    ("atan", pb.atan, lambda x: 1 / (1 + x * x), lambda x: True),
    ("asinh", pb.asinh, lambda x: 1 / mp.sqrt(1 + x * x), lambda x: True),
    ("acosh", pb.acosh, lambda x: 1 / mp.sqrt((x - 1) * (x + 1)), lambda x: x > 1),
    ("atanh", pb.atanh, lambda x: 1 / ((1 - x) * (1 + x)), lambda x: abs(x) < 1),
    ("sinc", pb.sinc, sinc_slope, lambda x: True),
    ("logit", pb.logit, lambda x: 1 / (x * (1 - x)), lambda x: 0 < x < 1),
    ("erf", pb.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), lambda x: abs(x) < 2),
    ("gelu", functional.gelu, gelu_slope, lambda x: x > -1 or x < -1e3),
    ("gelu by tanh", lambda x: functional.gelu(x, approximate="tanh"), gelu_by_tanh_slope, lambda x: not -15 < x < -1),
    ("silu", functional.silu, lambda x: logistic(x) * (1 + x * logistic(-x)), lambda x: not -1e3 < x < -1),
    ("x ** -1", lambda x: x**-1, lambda x: -1 / x**2, lambda x: x != 0),
    ("x ** 1.5", lambda x: x**1.5, lambda x: 1.5 * mp.sqrt(x), lambda x: x > 0),
    ("3 / x", lambda x: 3 / x, lambda x: -3 / x**2, lambda x: x != 0),
]

#: Functions of two tensors, and their derivatives by each.
BINARY: list[tuple[str, Function, Function, Function]] = [
    ("div", pb.div, lambda a, b: 1 / b, lambda a, b: -a / b**2),
    (
        "addcdiv",
        lambda a, b: pb.addcdiv(pb.zeros_like(a), a, b, value=2.0),
        lambda a, b: 2 / b,
        lambda a, b: -2 * a / b**2,
    ),
    ("atan2", pb.atan2, lambda a, b: b / (a * a + b * b), lambda a, b: -a / (a * a + b * b)),
    ("hypot", pb.hypot, lambda a, b: a / mp.hypot(a, b), lambda a, b: b / mp.hypot(a, b)),
    ("logaddexp", pb.logaddexp, lambda a, b: logistic(a - b), lambda a, b: logistic(b - a)),
    (
        "logsumexp",
        lambda a, b: pb.stack([a, b]).logsumexp(0),
        lambda a, b: logistic(a - b),
        lambda a, b: logistic(b - a),
    ),
    ("xlogy", lambda a, b: pb.xlogy(a, b.abs()), lambda a, b: mp.log(abs(b)), lambda a, b: a / b),
    (
        "norm",
        lambda a, b: pb.stack([a, b]).norm(dim=0),
        lambda a, b: a / mp.hypot(a, b),
        lambda a, b: b / mp.hypot(a, b),
    ),
    (
        "norm of order 3",
        lambda a, b: pb.stack([a, b]).norm(3, dim=0),
        lambda a, b: mp.sign(a) * (abs(a) / mp.cbrt(abs(a) ** 3 + abs(b) ** 3)) ** 2,
        lambda a, b: mp.sign(b) * (abs(b) / mp.cbrt(abs(a) ** 3 + abs(b) ** 3)) ** 2,
    ),
    (
        "std",
        lambda a, b: pb.stack([a, b]).std(0),
        lambda a, b: mp.sign(a - b) / mp.sqrt(2),
        lambda a, b: mp.sign(b - a) / mp.sqrt(2),
    ),
]


#: Results that derivatives are made of: where they themselves are out of range or rounded, so are those.
RESULTS: dict[str, Function] = {
    "norm": mp.hypot,
    "norm of order 3": lambda a, b: mp.cbrt(abs(a) ** 3 + abs(b) ** 3),
    "std": lambda a, b: abs(a - b) / mp.sqrt(2),
}


def magnitudes(dtype: Any) -> list[float]:
    """Numbers of either sign from one end of the dtype's range to the other, as it has them."""
    tiny, largest, epsilon = LIMITS[dtype]
    sizes = [
        tiny, tiny * 8, math.sqrt(tiny) / 4, math.sqrt(tiny) * 4, 0.1, 0.5, 1 - epsilon, 1.0, 1 + epsilon, 3.0, 90.0,
        math.sqrt(largest) / 4, math.sqrt(largest) * 2, largest**0.75, largest / 8, largest,
    ]  # fmt: skip
    rounded = pb.tensor(sizes, dtype=dtype).tolist()
    return [-size for size in reversed(rounded)] + rounded


def derivatives(
    function: Function, points: tuple[tuple[float, ...], ...], dtype: Any
) -> tuple[list[float], list[list[Any]]]:
    """The function's results, and its derivatives by each operand in reverse and in forward mode."""
    columns = [pb.tensor([point[i] for point in points], dtype=dtype) for i in range(len(points[0]))]
    leaves = [column.clone().requires_grad_() for column in columns]
    result = function(*leaves)
    found = [[grad.tolist()] for grad in pb.autograd.grad(result, leaves, pb.ones_like(result))]
    for i, column in enumerate(columns):

        def alone(x: Any, i: int = i) -> Any:
            return function(*columns[:i], x, *columns[i + 1 :])

        found[i].append(pb.func.jvp(alone, (column,), (pb.ones_like(column),))[1].tolist())
    return result.tolist(), found


@functools.cache
def exact_values(formula: Function, points: tuple[tuple[float, ...], ...]) -> list[Any]:
    return [formula(*(mp.mpf(x) for x in point)) for point in points]


def wrong_derivatives(
    function: Function, formulas: list[Function], points: tuple[tuple[float, ...], ...], dtype: Any
) -> list[str]:
    tiny, largest, epsilon = LIMITS[dtype]
    results, found = derivatives(function, points, dtype)
    wrong = []
    for operand, formula in enumerate(formulas):
        for point, result, exact, *values in zip(
            points, results, exact_values(formula, points), *found[operand], strict=True
        ):
            # Without a result, or with one that has lost its digits, there is nothing to say of what is made of it.
            if not math.isfinite(result) or 0 < abs(result) < tiny or not tiny <= abs(exact) <= largest / 2:
                continue
            for mode, value in zip(("reverse", "forward"), values, strict=True):
                if not math.isfinite(value) or abs(mp.mpf(value) - exact) > 16 * epsilon * abs(exact):
                    wrong.append(f"{mode} by operand {operand} at {point}: {value}, exactly {mp.nstr(exact, 8)}")
    return wrong


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("name", "function", "formula", "takes"), UNARY, ids=[case[0] for case in UNARY])
def test_derivatives_of_functions_of_one_tensor(
    name: str, function: Function, formula: Function, takes: Callable[[float], bool], dtype: Any, backend: str
) -> None:
    with pb.use_backend(backend):
        points = tuple((x,) for x in magnitudes(dtype) if takes(x))
        assert not wrong_derivatives(function, [formula], points, dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("name", "function", "first", "second"), BINARY, ids=[case[0] for case in BINARY])
def test_derivatives_of_functions_of_two_tensors(
    name: str, function: Function, first: Function, second: Function, dtype: Any, backend: str
) -> None:
    with pb.use_backend(backend):
        points = tuple(itertools.product(magnitudes(dtype)[::3], magnitudes(dtype)[1::4]))
        if name in RESULTS:
            columns = [pb.tensor(column, dtype=dtype) for column in zip(*points, strict=True)]
            exact, allowed = exact_values(RESULTS[name], points), 4 * LIMITS[dtype][2]
            results = [mp.mpf(r) for r in function(*columns).tolist()]
            points = tuple(
                p
                for p, r, e in zip(points, results, exact, strict=True)
                if mp.isfinite(r) and abs(r - e) <= allowed * e
            )
        assert not wrong_derivatives(function, [first, second], points, dtype)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_derivatives_of_complex_functions_at_the_ends_of_the_range(size: float, backend: str) -> None:
    """The conjugate of the derivative, which is the gradient of the real part."""
    with pb.use_backend(backend):
        numbers = [size * z for z in (1 + 1j, 2 - 1j, -1 + 3j)]
        point = pb.tensor(numbers, dtype=pb.complex128)
        cases: list[tuple[Function, list[complex]]] = [
            (lambda z: pb.real(point / z), [(-1 / z).conjugate() for z in numbers]),
            (lambda z: pb.real(z * 3 / z), [0j] * 3),
            (lambda z: pb.angle(z), [1j * (z / size) / abs(z / size) ** 2 / size for z in numbers]),
            (lambda z: pb.abs(z), [z / abs(z) for z in numbers]),
        ]
        if size > 1:
            cases.append(
                (lambda z: pb.real(pb.atan(z) * 1e200), [((1 / z) * (1e200 / z)).conjugate() for z in numbers])
            )
        for function, expected in cases:
            leaf = point.clone().requires_grad_()
            function(leaf).sum().backward()
            for got, exact in zip(leaf.grad.tolist(), expected, strict=True):
                assert abs(got - exact) <= 1e-12 * (abs(exact) or 1 / size)


def test_the_gradient_of_sinc_has_every_order_at_zero(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.zeros((), dtype=pb.float64, requires_grad=True)
        value, found = pb.sinc(x), []
        for _ in range(5):
            (value,) = pb.autograd.grad(value, x, create_graph=True)
            found.append(value.item())
        assert found == pytest.approx([0, -(math.pi**2) / 3, 0, math.pi**4 / 5, 0], rel=1e-12)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(pb.float16, 1e4), (pb.bfloat16, 1e20), (pb.float32, 1e20), (pb.float64, 1e200), (pb.float32, 1e-25)],
    ids=str,
)
def test_layer_norm_of_numbers_whose_squares_leave_the_range(dtype: Any, size: float, backend: str) -> None:
    """It does not see by what all are multiplied: its derivatives are those of medium numbers, divided by that."""
    weights = [1.0, 2.0, 4.0]

    def both_modes(dtype: Any, size: float) -> list[list[float]]:
        x, tangent = (pb.tensor([size * value for value in values], dtype=dtype) for values in ([1, 2, 4], weights))
        leaf = x.clone().requires_grad_()
        out = functional.layer_norm(leaf, (3,), eps=0.0)
        (gradient,) = pb.autograd.grad(out, leaf, pb.tensor(weights, dtype=dtype))
        moved = pb.func.jvp(lambda x: functional.layer_norm(x, (3,), eps=0.0), (x,), (tangent,))[1]
        return [out.tolist(), [value * size for value in gradient.tolist()], moved.tolist()]

    with pb.use_backend(backend):
        for found, expected in zip(both_modes(dtype, size), both_modes(pb.float64, 1.0), strict=True):
            assert found == pytest.approx(expected, rel=16 * LIMITS[dtype][2], abs=16 * LIMITS[dtype][2])


def test_layer_norm_of_equal_numbers_is_divided_by_the_root_of_epsilon(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.full((2, 2), 1e20, requires_grad=True)
        out = functional.layer_norm(x, (2,), eps=0.25)
        (gradient,) = pb.autograd.grad(out[0, 0], x)
        assert out.tolist() == [[0.0, 0.0], [0.0, 0.0]]
        assert gradient.tolist() == [[1.0, -1.0], [0.0, 0.0]]
