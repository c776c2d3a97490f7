"""Derivatives at zeros of both signs, ones, infinities, NaN and ties: numbers wherever PyTorch's are.

First and second order, in reverse and in forward mode, for gradients from above that are one, zero (what a mask leaves)
and infinite (which only a selection keeps out of elements that have no part in it). Where PyTorch has NaN there may be
the number that is right; ``BETTER`` has the points at which PyTorch's own number is not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb
from pullback.nn import functional as own_functional

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),  # PyTorch's forward mode
]

INFINITY, NAN = math.inf, math.nan
POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, INFINITY, -INFINITY, NAN, 1e-25]

Function = Callable[[Any, Any], Callable[..., Any]]


def _named(names: str, of_functional: bool = False) -> list[tuple[str, Function]]:
    def taken(name: str) -> Function:
        return lambda lib, functional: getattr(functional if of_functional else lib, name)

    return [(name, taken(name)) for name in names.split()]


UNARY: list[tuple[str, Function]] = [
    *_named(
        "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh"
    ),
    *_named("asinh acosh atanh sigmoid erf erfc erfinv lgamma sinc logit abs sign sgn floor ceil trunc round frac neg"),
    *_named("angle nan_to_num positive"),
    *_named("relu gelu silu softplus elu celu selu leaky_relu logsigmoid hardtanh", of_functional=True),
    ("gelu by tanh", lambda lib, functional: lambda x: functional.gelu(x, approximate="tanh")),
    ("threshold", lambda lib, functional: lambda x: functional.threshold(x, 0.5, 7.0)),
    ("clamp", lambda lib, functional: lambda x: x.clamp(-1, 0.5)),
    ("logit within", lambda lib, functional: lambda x: lib.logit(x, 0.1)),
    ("x % 2", lambda lib, functional: lambda x: x % 2),
    ("fmod by 2", lambda lib, functional: lambda x: lib.fmod(x, 2)),
    ("floored x / 2", lambda lib, functional: lambda x: lib.div(x, 2, rounding_mode="floor")),
    ("truncated x / 2", lambda lib, functional: lambda x: lib.div(x, 2, rounding_mode="trunc")),
    ("xlogy of 0", lambda lib, functional: lambda x: lib.xlogy(x, 0.0)),
    ("xlogy of -1", lambda lib, functional: lambda x: lib.xlogy(x, -1.0)),
    ("0 and xlogy", lambda lib, functional: lambda x: lib.xlogy(0.0, x)),
    *(
        (f"x ** {exponent}", lambda lib, functional, exponent=exponent: lambda x: x**exponent)
        for exponent in (0, 1, 2, 3, -1, 1.5, 2.5)
    ),
    *((f"{base} ** x", lambda lib, functional, base=base: lambda x: base**x) for base in (0, 1, 2, 0.5)),
]

BINARY: list[tuple[str, Function]] = [
    *_named("add sub mul div atan2 hypot pow maximum minimum logaddexp xlogy copysign remainder fmod"),
    ("addcdiv", lambda lib, functional: lambda x, y: lib.addcdiv(lib.ones_like(x), x, y, value=2.0)),
    ("lerp", lambda lib, functional: lambda x, y: lib.lerp(x, y, 0.25)),
    ("where", lambda lib, functional: lambda x, y: lib.where(x > y, x, y)),
    ("where behind xlogy", lambda lib, functional: lambda x, y: lib.where(y > 0, lib.xlogy(x, y), 0.0)),
    ("floored quotient", lambda lib, functional: lambda x, y: lib.div(x, y, rounding_mode="floor")),
    ("truncated quotient", lambda lib, functional: lambda x, y: lib.div(x, y, rounding_mode="trunc")),
    *(
        (name, lambda lib, functional, name=name: lambda x, y: getattr(functional, name)(x, y, reduction="none"))
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
    ),
]

REDUCTIONS: list[tuple[str, Function]] = [
    ("var", lambda lib, functional: lambda x: x.var(0)),
    ("var with a great correction", lambda lib, functional: lambda x: x.var(0, correction=4)),
    ("std", lambda lib, functional: lambda x: x.std(0)),
    ("std without correction", lambda lib, functional: lambda x: x.std(0, correction=0)),
    *(
        (f"norm of order {order}", lambda lib, functional, order=order: lambda x: x.norm(order))
        for order in (1, 2, 3, -1, -2, INFINITY, -INFINITY)
    ),
    *((name, lambda lib, functional, name=name: lambda x: getattr(x, name)()) for name in ("max", "min", "median")),
    *(
        (name, lambda lib, functional, name=name: lambda x: getattr(x, name)(0))
        for name in ("amax", "amin", "logsumexp")
    ),
    ("softmax", lambda lib, functional: lambda x: x.softmax(0)),
    ("log_softmax", lambda lib, functional: lambda x: x.log_softmax(0)),
    ("sort", lambda lib, functional: lambda x: x.sort()[0]),
    ("largest along a dimension", lambda lib, functional: lambda x: x.max(0)[0]),
]

VECTORS = [
    [0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0], [-1.0, 3.0], [INFINITY, 1.0], [-INFINITY, -INFINITY],
    [-INFINITY, 1.0], [NAN, 1.0], [1.0], [0.0], [0.0, 0.0, 1.0], [1.0, 3.0, 2.0],
]  # fmt: skip

#: Quantities (``first`` and ``second`` in reverse, ``moved`` in forward mode) that PyTorch gives another number for.
BETTER = {
    # The poles of digamma's derivative, huge in PyTorch, are infinite.
    "lgamma": {"second"},
    # Near zero PyTorch's second derivative is 0 where it is -pi**2 / 3; an infinite gradient times zero is NaN.
    "sinc": {"first", "second", "moved"},
    # Forward mode shares ties and NaN out otherwise than reverse mode does.
    "maximum": {"moved"},
    "minimum": {"moved"},
}


def _quantities(lib: Any, functional: Any, make: Function, columns: list[list[float]], weight: float) -> dict[str, Any]:
    function = make(lib, functional)
    leaves = [lib.tensor(column, dtype=lib.float64, requires_grad=True) for column in columns]
    result = function(*leaves)
    from_above = lib.full_like(result.detach(), weight)
    grads = lib.autograd.grad(result, leaves, from_above, create_graph=True, allow_unused=True)
    found = {f"first, by operand {i}": grad for i, grad in enumerate(grads) if grad is not None}
    again = [grad for grad in grads if grad is not None and grad.requires_grad]
    if again and math.isfinite(weight):
        seconds = lib.autograd.grad(again, leaves, [lib.ones_like(grad) for grad in again], allow_unused=True)
        found |= {f"second, by operand {i}": grad for i, grad in enumerate(seconds) if grad is not None}
    constants = [leaf.detach() for leaf in leaves]
    for i, constant in enumerate(constants if math.isfinite(weight) else ()):

        def alone(x: Any, i: int = i) -> Any:
            return function(*constants[:i], x, *constants[i + 1 :])

        found[f"moved, by operand {i}"] = lib.func.jvp(alone, (constant,), (lib.full_like(constant, weight),))[1]
    # Added to zeros, since PyTorch has zeros without memory, which no list can be made of.
    return {
        n: (lib.zeros(value.shape, dtype=value.dtype) + value.detach()).reshape(-1).tolist()
        for n, value in found.items()
    }


def _differences(name: str, make: Function, columns: list[list[float]], weight: float, each: bool) -> list[str]:
    expected = _quantities(torch, torch.nn.functional, make, columns, weight)
    found = _quantities(pb, own_functional, make, columns, weight)
    wrong = []
    for quantity, numbers in expected.items():
        if quantity.partition(",")[0] in BETTER.get(name, ()):
            continue
        mine = found.get(quantity)
        if mine is None:  # a derivative that is zero everywhere need not be there
            mine = [0.0] * len(numbers)
        for place, (own, theirs) in enumerate(zip(mine, numbers, strict=True)):
            if math.isnan(theirs) or own == theirs or abs(own - theirs) <= 1e-6 * max(1.0, abs(theirs)):
                continue
            point = [column[place] for column in columns] if each else columns[0]
            wrong.append(f"{quantity}, at {point}, from {weight}: {own}, in PyTorch {theirs}")
    return wrong


@pytest.mark.parametrize("weight", [1.0, 0.0, INFINITY])
@pytest.mark.parametrize(("name", "make"), UNARY, ids=[case[0] for case in UNARY])
def test_functions_of_one_tensor(name: str, make: Function, weight: float, backend: str) -> None:
    with pb.use_backend(backend):
        assert not _differences(name, make, [POINTS], weight, each=True)


@pytest.mark.parametrize("weight", [1.0, 0.0, INFINITY])
@pytest.mark.parametrize(("name", "make"), BINARY, ids=[case[0] for case in BINARY])
def test_functions_of_two_tensors(name: str, make: Function, weight: float, backend: str) -> None:
    columns = [list(column) for column in zip(*itertools.product(POINTS, repeat=2), strict=True)]
    with pb.use_backend(backend):
        assert not _differences(name, make, columns, weight, each=True)


@pytest.mark.parametrize("weight", [1.0, 0.0, INFINITY])
@pytest.mark.parametrize(("name", "make"), REDUCTIONS, ids=[case[0] for case in REDUCTIONS])
@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0.*:UserWarning")
def test_reductions(name: str, make: Function, weight: float, backend: str) -> None:
    with pb.use_backend(backend):
        assert not [line for vector in VECTORS for line in _differences(name, make, [vector], weight, each=False)]


@pytest.fixture(params=["numpy", "jax"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


NUMBERS = [0j, 1 + 0j, -1 + 0j, 2 - 1j, -0.5 + 0.3j, 1j]
REALS = [0.0, 1.0, -1.0, 2.0, -0.5, 3.0]


@pytest.mark.parametrize("kinds", ["rr", "rc", "cr", "cc", "nc", "nr", "cn", "rn"])
def test_powers_of_real_and_complex_tensors_and_numbers(kinds: str, backend: str) -> None:
    """``r``: a real tensor; ``c``: a complex one; ``n``: a Python number."""

    def gradients(lib: Any, base: Any, exponent: Any) -> list[complex]:
        operands = [
            value if kind == "n" else lib.tensor(value, dtype=lib.float64 if kind == "r" else lib.complex128)
            for kind, value in zip(kinds, (base, exponent), strict=True)
        ]
        leaves = [operand.requires_grad_() for operand in operands if not isinstance(operand, int | float | complex)]
        result = lib.pow(*operands)
        total = lib.real(result * (0.7 - 0.3j)) if result.dtype.is_complex else result
        return [complex(grad.item()) for grad in lib.autograd.grad(total, leaves)]

    choices = {"r": REALS, "c": NUMBERS, "n": [2, -2, *REALS, *NUMBERS]}
    with pb.use_backend(backend):
        for base, exponent in itertools.product(choices[kinds[0]], choices[kinds[1]]):
            if backend == "jax" and base == 0 and isinstance(exponent, complex):
                continue  # the power itself is XLA's: NaN where it is 0
            expected = gradients(torch, base, exponent)
            for own, theirs in zip(gradients(pb, base, exponent), expected, strict=True):
                for mine, other in ((own.real, theirs.real), (own.imag, theirs.imag)):
                    assert math.isnan(other) or mine == pytest.approx(other, rel=1e-9, abs=1e-12), (base, exponent)
