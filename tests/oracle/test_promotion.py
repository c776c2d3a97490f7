"""The whole table of promotion: each pair of dtypes, ranks and Python numbers, for each operation of two operands.

Result dtypes, values, refusals and their texts are PyTorch's. Where they are not, :data:`DIFFERENCES` says why.
"""

from __future__ import annotations

import itertools
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import pullback as pb
from pullback.meta import dtypes

torch = pytest.importorskip("torch", reason="the `oracle` extra installs PyTorch")
pytestmark = pytest.mark.oracle

NAMES = [dtype.name for dtype in dtypes.ALL]
NUMBERS: list[Any] = [True, 2, -1, 2.5, 1 + 2j]
ELEMENTS: dict[str, list[Any]] = {
    "bool": [True, False, True],
    "unsigned": [3, 1, 200],
    "signed": [-7, 2, 5],
    "floating": [-2.5, 0.75, 3.0],
    "complex": [1.5 - 2j, 0.5 + 1j, -2 + 0j],
}
#: In units of the dtype's precision: what the array library's functions may be off by.
TOLERANCE = 8

Outcome = Any


class Case(NamedTuple):
    """One call: its operands as they read in a failure, and for both libraries."""

    text: str
    theirs: tuple[Any, Any]
    ours: tuple[Any, Any]


class Difference(NamedTuple):
    """A disagreement with PyTorch that is meant, and where: in these operations, or in all."""

    reason: str
    operations: frozenset[str]
    applies: Callable[[str, str], bool]


def _has_no_kernel(theirs: str, ours: str) -> bool:
    return "not implemented for 'UInt" in theirs and theirs != ours


def _is_half_complex(theirs: str, ours: str) -> bool:
    return "complex32" in theirs or "ComplexHalf" in theirs


DIFFERENCES = [
    Difference(
        "PyTorch lacks kernels for uint16, uint32 and uint64 that the array libraries have",
        frozenset(),
        _has_no_kernel,
    ),
    Difference("complex32 is no dtype of pullback: float16 with complex64 is that", frozenset(), _is_half_complex),
    Difference(
        "PyTorch takes a number only as the second operand of these, and lists all signatures when it comes first",
        frozenset(("eq", "ne", "lt", "le", "gt", "ge", "fmod", "copysign", "rsub")),
        lambda theirs, ours: "invalid combination of arguments" in theirs,
    ),
    Difference(
        "PyTorch copies for the exponent 1 before it asks whether it has a kernel for bool",
        frozenset(("pow", "operator **", "pow_", "operator **=")),
        lambda theirs, ours: (
            (theirs, ours) == ("torch.bool", "NotImplementedError: \"pow\" not implemented for 'Bool'")
        ),
    ),
    Difference(
        "logaddexp of complex tensors is not there yet",
        frozenset(("logaddexp",)),
        lambda theirs, ours: theirs.startswith("torch.complex") and "not implemented for 'Complex" in ours,
    ),
    Difference(
        "with one bound PyTorch's kernel is that of maximum",
        frozenset(("clamp from below",)),
        lambda theirs, ours: ours == theirs.replace("maximum_cpu", "clamp_cpu"),
    ),
    Difference(
        "PyTorch holds the number against float32 and makes it infinite then",
        frozenset(("where",)),
        lambda theirs, ours: theirs in ("torch.float16", "torch.bfloat16") and "without overflow" in ours,
    ),
    Difference(
        "the same refusal, with the operands in the order they are written in",
        frozenset(("rsub",)),
        lambda theirs, ours: "attempted to promote" in theirs and "attempted to promote" in ours,
    ),
]


def elements_of(name: str) -> list[Any]:
    dtype = dtypes.by_name[name]
    if dtype is dtypes.bool_:
        return ELEMENTS["bool"]
    if dtype.category == dtypes.INTEGER:
        return ELEMENTS["signed" if dtype.is_signed else "unsigned"]
    return ELEMENTS["complex" if dtype.is_complex else "floating"]


def _tensors(library: Any, shift: int) -> dict[tuple[str, int], Any]:
    """A tensor for each dtype with one dimension, and one without."""
    made = {}
    for name in NAMES:
        values = elements_of(name)
        values = values[shift:] + values[:shift]
        made[name, 1] = library.tensor(values, dtype=getattr(library, name))
        made[name, 0] = library.tensor(values[0], dtype=getattr(library, name))
    return made


LEFT = [_tensors(library, 0) for library in (torch, pb)]
RIGHT = [_tensors(library, 1) for library in (torch, pb)]


def pairs_of_tensors(ranks: tuple[tuple[int, int], ...] = ((1, 1), (1, 0), (0, 1), (0, 0))) -> Iterator[Case]:
    for rank, other_rank in ranks:
        for first in NAMES:
            for second in NAMES:
                yield Case(
                    f"{first}[{'3' * rank}], {second}[{'3' * other_rank}]",
                    (LEFT[0][first, rank], RIGHT[0][second, other_rank]),
                    (LEFT[1][first, rank], RIGHT[1][second, other_rank]),
                )


def numbers_second() -> Iterator[Case]:
    for rank in (1, 0):
        for first in NAMES:
            for number in NUMBERS:
                yield Case(
                    f"{first}[{'3' * rank}], {number}", (LEFT[0][first, rank], number), (LEFT[1][first, rank], number)
                )


def numbers_first() -> Iterator[Case]:
    for rank in (1, 0):
        for number in NUMBERS:
            for second in NAMES:
                yield Case(
                    f"{number}, {second}[{'3' * rank}]",
                    (number, RIGHT[0][second, rank]),
                    (number, RIGHT[1][second, rank]),
                )


def outcome(function: Callable[..., Any], *operands: Any) -> Outcome:
    """The result, or what the error says in its first line."""
    try:
        return function(*operands)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def described(result: Outcome) -> str:
    return result if isinstance(result, str) else str(result.dtype)


class Comparison:
    """Outcomes of one operation in both libraries: described alike one by one, with equal values in the end."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.differing: list[str] = []
        self.met: set[str] = set()
        self.results: dict[str, list[tuple[str, Any, Any]]] = {}

    def add(self, text: str, theirs: Outcome, ours: Outcome) -> None:
        their_text, our_text = described(theirs), described(ours)
        for difference in DIFFERENCES:
            if (not difference.operations or self.operation in difference.operations) and difference.applies(
                their_text, our_text
            ):
                self.met.add(difference.reason)
                return
        if their_text != our_text:
            self.differing.append(f"{text}: PyTorch {their_text}, pullback {our_text}")
        elif not isinstance(theirs, str):
            self.results.setdefault(their_text, []).append((text, theirs, ours))

    def check(self) -> None:
        for name, results in self.results.items():
            theirs = torch.cat([_plain(t).reshape(-1) for _, t, _ in results]).numpy()
            ours = np.concatenate([_plain(p).numpy().reshape(-1) for _, _, p in results])
            equal = ours == theirs
            if theirs.dtype.kind in "fc":
                precision = torch.finfo(getattr(torch, name.removeprefix("torch."))).eps
                equal = np.isclose(ours, theirs, rtol=TOLERANCE * precision, atol=TOLERANCE * precision, equal_nan=True)
            starts = np.cumsum([0, *(p.numel() for _, _, p in results)])
            wrong = np.unique(np.searchsorted(starts, np.flatnonzero(~equal), side="right") - 1)
            for text, t, p in (results[place] for place in wrong):
                self.differing.append(f"{text}: PyTorch {t.tolist()}, pullback {p.tolist()}")
        assert not self.differing, "\n".join([f"{len(self.differing)} cases of {self.operation}", *self.differing[:20]])


def _plain(tensor: Any) -> Any:
    return tensor.detach().float() if str(tensor.dtype) == "torch.bfloat16" else tensor.detach()


def compare(name: str, function: Callable[..., Any], cases: Iterator[Case]) -> set[str]:
    """Compare an operation, ``function(library, x, y)``; the reasons of the differences that were met."""
    comparison = Comparison(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases:
            comparison.add(case.text, outcome(function, torch, *case.theirs), outcome(function, pb, *case.ours))
    comparison.check()
    return comparison.met


def everything() -> Iterator[Case]:
    yield from pairs_of_tensors()
    yield from numbers_second()
    yield from numbers_first()


FUNCTIONS = [
    "add",
    "sub",
    "mul",
    "true_divide",
    "div",
    "floor_divide",
    "remainder",
    "fmod",
    "pow",
    "float_power",
    "rsub",
    "atan2",
    "hypot",
    "maximum",
    "minimum",
    "copysign",
    "logaddexp",
    "xlogy",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "isclose",
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_two(name: str) -> None:
    met = compare(name, lambda library, x, y: getattr(library, name)(x, y), everything())
    assert {d.reason for d in DIFFERENCES if name in d.operations} <= met  # no reason without a case


OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "@": operator.matmul, "&": operator.and_, "|": operator.or_,
    "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_and_their_reflected_forms(symbol: str) -> None:
    cases = itertools.chain(pairs_of_tensors(ranks=((1, 1),)), numbers_second(), numbers_first())
    compare(f"operator {symbol}", lambda _, x, y: OPERATORS[symbol](x, y), cases)


# -- in place ---------------------------------------------------------------------------------------------------------

AUGMENTED: dict[str, Callable[..., Any]] = {
    "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv, "//=": operator.ifloordiv,
    "%=": operator.imod, "**=": operator.ipow, "&=": operator.iand, "|=": operator.ior, "^=": operator.ixor,
    "<<=": operator.ilshift, ">>=": operator.irshift,
}  # fmt: skip
#: The other methods in place that take numbers too.
METHODS = ["div_", "true_divide_", "fmod_", "copysign_", "xlogy_", "eq_", "ne_", "lt_", "le_", "gt_", "ge_"]
TAKE_TENSORS_ALONE = ["atan2_", "hypot_", "logical_and_", "logical_or_", "logical_xor_"]


def written(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` on a copy of its first operand, which must come back itself, and unchanged if there is an error."""

    def run(_: Any, x: Any, y: Any) -> Any:
        target = x.clone()
        try:
            result = function(target, y)
        except Exception:
            if isinstance(target, pb.Tensor):
                assert target._version == 0
                assert target.tolist() == x.tolist()
            raise
        assert result is target
        return result

    return run


def writable_cases() -> Iterator[Case]:
    yield from pairs_of_tensors(ranks=((1, 1), (1, 0), (0, 0)))
    yield from numbers_second()


@pytest.mark.parametrize("symbol", AUGMENTED)
def test_augmented_assignments(symbol: str) -> None:
    compare(f"operator {symbol}", written(AUGMENTED[symbol]), writable_cases())


@pytest.mark.parametrize("name", METHODS)
def test_methods_in_place(name: str) -> None:
    compare(name, written(lambda x, y: getattr(x, name)(y)), writable_cases())


@pytest.mark.parametrize("name", TAKE_TENSORS_ALONE)
def test_methods_in_place_of_tensors(name: str) -> None:
    cases = pairs_of_tensors(ranks=((1, 1), (1, 0), (0, 0)))
    compare(name, written(lambda x, y: getattr(x, name)(y)), cases)


# -- three operands ---------------------------------------------------------------------------------------------------

OF_THREE: dict[str, Callable[..., Any]] = {
    "where": lambda library, x, y: library.where(library.tensor([True, False, True]), x, y),
    "where, 0-d condition": lambda library, x, y: library.where(library.tensor(False), x, y),
    "lerp by 0.25": lambda library, x, y: library.lerp(x, y, 0.25),
    "lerp by a tensor": lambda library, x, y: library.lerp(x, x, y),
    "addcmul": lambda library, x, y: library.addcmul(x, y, y),
    "addcmul scaled": lambda library, x, y: library.addcmul(x, x, y, value=2),
    "addcdiv": lambda library, x, y: library.addcdiv(x, y, y),
    "addcdiv of one": lambda library, x, y: library.addcdiv(x, x, y),
    "add with alpha": lambda library, x, y: library.add(x, y, alpha=3),
    "sub with alpha": lambda library, x, y: library.sub(x, y, alpha=2),
    "div floor": lambda library, x, y: library.div(x, y, rounding_mode="floor"),
    "div trunc": lambda library, x, y: library.div(x, y, rounding_mode="trunc"),
    "clamp from below": lambda library, x, y: library.clamp(x, min=y),
    "clamp between": lambda library, x, y: library.clamp(x, y, y),
}


@pytest.mark.parametrize("name", OF_THREE)
def test_functions_of_three(name: str) -> None:
    compare(name, OF_THREE[name], pairs_of_tensors(ranks=((1, 1), (1, 0), (0, 0))))


# -- numbers out of range ---------------------------------------------------------------------------------------------

EXTREME: list[Any] = [
    300, -129, 2**31, 2**40, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30,
    1e10, 1e300, float("inf"), float("-inf"), float("nan"), -1.5, 127.5, 1j, 2 + 0j,
]  # fmt: skip
OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": lambda library, x, v: x + v,
    "mul": lambda library, x, v: x * v,
    "eq": lambda library, x, v: x == v,
    "add_": lambda library, x, v: x.clone().add_(v),
    "fill_": lambda library, x, v: x.clone().fill_(v),
    "masked_fill": lambda library, x, v: x.masked_fill(x == x, v),
    "where": lambda library, x, v: library.where(x == x, x, v),
    "alpha": lambda library, x, v: library.add(x, x, alpha=v),
    "clamp": lambda library, x, v: library.clamp(x, v),
}


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_numbers_that_a_dtype_cannot_hold(name: str) -> None:
    comparison = Comparison(name)
    for dtype in NAMES:
        for value in EXTREME:
            function = OF_NUMBERS[name]
            infinite = value in (1e300, float("inf"), float("-inf"))
            if infinite and name in ("add", "add_") and dtype.startswith("complex"):
                continue  # PyTorch multiplies what it adds by alpha, even where that is 1: infinity gets NaN beside it
            theirs = outcome(function, torch, LEFT[0][dtype, 1], value)
            ours = outcome(function, pb, LEFT[1][dtype, 1], value)
            comparison.add(f"{dtype}, {value}", theirs, ours)
    comparison.check()


# -- one operand ------------------------------------------------------------------------------------------------------

OF_ONE = [
    "neg",
    "abs",
    "sign",
    "sgn",
    "positive",
    "floor",
    "ceil",
    "trunc",
    "round",
    "frac",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "rsqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "erf",
    "erfc",
    "isnan",
    "isinf",
    "isfinite",
    "signbit",
    "logical_not",
    "bitwise_not",
    "angle",
    "real",
    "imag",
    "relu",
    "sum",
    "nansum",
    "mean",
    "prod",
    "var",
    "std",
    "any",
    "all",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "median",
    "norm",
    "count_nonzero",
    "argsort",
    "msort",
]
WITH_ARGUMENTS: dict[str, Callable[..., Any]] = {
    "~": lambda library, x: ~x,
    "-": lambda library, x: -x,
    "+": lambda library, x: +x,
    "abs()": lambda library, x: abs(x),
    "clamp between integers": lambda library, x: library.clamp(x, 0, 2),
    "clamp between floats": lambda library, x: library.clamp(x, 0.5, 2.0),
    "max": lambda library, x: library.max(x),
    "min along a dimension": lambda library, x: library.min(x, 0)[0],
    "median along a dimension": lambda library, x: library.median(x, 0)[0],
    "sort": lambda library, x: library.sort(x, 0)[0],
    "topk": lambda library, x: library.topk(x, 1)[0],
    "aminmax": lambda library, x: library.aminmax(x)[0],
    "std_mean": lambda library, x: library.std_mean(x)[0],
    "var_mean": lambda library, x: library.var_mean(x)[0],
    "cumsum": lambda library, x: library.cumsum(x, 0),
    "cumprod": lambda library, x: library.cumprod(x, 0),
    "softmax": lambda library, x: library.softmax(x, 0),
    "log_softmax": lambda library, x: library.log_softmax(x, 0),
}


@pytest.mark.parametrize("name", [*OF_ONE, *WITH_ARGUMENTS])
def test_functions_of_one(name: str) -> None:
    function = WITH_ARGUMENTS.get(name) or (lambda library, x: getattr(library, name)(x))
    comparison = Comparison(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in NAMES:
            for rank in (1, 0):
                operands = (LEFT[0][dtype, rank], LEFT[1][dtype, rank])
                comparison.add(
                    f"{dtype}[{'3' * rank}]", outcome(function, torch, operands[0]), outcome(function, pb, operands[1])
                )
    comparison.check()


TAKE_DTYPE: dict[str, tuple[Any, ...]] = {
    "sum": (), "nansum": (), "mean": (), "prod": (), "cumsum": (0,), "cumprod": (0,), "softmax": (0,),
    "log_softmax": (0,), "norm": (),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKE_DTYPE)
def test_the_argument_dtype(name: str) -> None:
    plain = [n for n in NAMES if n not in ("uint16", "uint32", "uint64")]
    comparison = Comparison(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for own in plain:
            for asked in plain:
                if own.startswith("complex") and name.endswith("softmax"):
                    continue  # PyTorch drops the imaginary parts there and warns of it; pullback refuses
                theirs, ours = (
                    outcome(lambda lib, x: getattr(lib, name)(x, *TAKE_DTYPE[name], dtype=getattr(lib, asked)), lib, x)  # noqa: B023
                    for lib, x in ((torch, LEFT[0][own, 1]), (pb, LEFT[1][own, 1]))
                )
                if name == "nansum" and "complex" in asked and "complex" not in own:
                    continue  # PyTorch has no kernel for what pullback sums
                comparison.add(f"{own} as {asked}", theirs, ours)
    comparison.check()


# -- the default dtype ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "expression",
    [
        "lib.tensor(1.5)",
        "lib.tensor([1, 2]) / 2",
        "lib.tensor([1, 2]) * 0.5",
        "lib.tensor([1, 2]).sqrt()",
        "lib.arange(3.0)",
        "lib.arange(3)",
        "lib.ones(2)",
        "lib.full((2,), 1.5)",
        "lib.tensor([True]) * 2.5",
        "lib.ones(2, dtype=lib.float32) * 2.5",
        "lib.tensor([1, 2]).mean(dtype=lib.get_default_dtype())",
    ],
)
def test_floats_take_the_default_dtype(name: str, expression: str) -> None:
    for library in (torch, pb):
        library.set_default_dtype(getattr(library, name))
    try:
        theirs, ours = (eval(expression, {"lib": library}) for library in (torch, pb))
        assert str(ours.dtype) == str(theirs.dtype)
        assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-6)  # PyTorch's root of 2 is not the nearest one
    finally:
        for library in (torch, pb):
            library.set_default_dtype(library.float32)


def test_complex_numbers_take_the_complex_form_of_the_default_dtype() -> None:
    for library in (torch, pb):
        library.set_default_dtype(library.float64)
    try:
        for expression in ("lib.tensor(1j)", "lib.tensor([1]) * 1j", "lib.ones(2, dtype=lib.float32) * 1j"):
            theirs, ours = (eval(expression, {"lib": library}).dtype for library in (torch, pb))
            assert str(ours) == str(theirs), expression
    finally:
        for library in (torch, pb):
            library.set_default_dtype(library.float32)


# -- questions about dtypes, and what they refuse ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "lib.set_default_dtype(lib.int32)",
        "lib.set_default_dtype(lib.complex64)",
        "lib.set_default_dtype('float32')",
        "lib.promote_types('a', lib.int32)",
        "lib.promote_types(lib.int32, 3)",
        "lib.can_cast(lib.int32, 'x')",
        "lib.can_cast(from_=lib.int32, to=lib.float32)",
        "lib.result_type(1, 2)",
        "lib.result_type(1, 2.0)",
        "lib.result_type(1, 2**63)",
        "lib.result_type(1, 2**64)",
        "lib.result_type(lib.ones(2, dtype=lib.int8), 2**40)",
        "lib.is_floating_point(3)",
        "lib.is_floating_point(lib.float32)",
        "lib.is_complex(3)",
        "lib.is_signed(lib.ones(2, dtype=lib.uint8))",
        "lib.ones(2).is_signed()",
        "lib.numel([1])",
        "lib.int32.to_complex()",
        "lib.bool.to_complex()",
        "lib.float64.to_complex()",
        "lib.complex64.to_real()",
        "lib.int32.to_real()",
        "lib.ones(2) + None",
        "lib.ones(2) // 'a'",
        "'a' // lib.ones(2)",
        "None % lib.ones(2)",
        "lib.ones(2) @ 2",
        "lib.tensor([1, 2]) << 1.5",
        "lib.maximum(lib.tensor([1, 2]), 1)",
        "lib.mm(lib.ones(1, 1), lib.ones(1, 1, dtype=lib.int64))",
        "lib.tensor([7, -7]) // 0",
        "5 % lib.tensor([2, 0])",
        "lib.fmod(lib.tensor([7, -7]), lib.tensor(0))",
        "lib.tensor([1, 2, -1, 0, -2]) ** lib.tensor([-1, -2, -3, -1, -1])",
        "lib.tensor([1, 2]) ** -1",
        "2 ** lib.tensor([-1, 2])",
        "lib.tensor([1, 2], dtype=lib.uint8) << 9",
        "lib.tensor([1, -2]) >> 64",
        "lib.tensor([1, 2]) << -1",
        "lib.tensor([100], dtype=lib.int8) + 100",
        "-lib.tensor([200], dtype=lib.uint8)",
        "lib.tensor([-128], dtype=lib.int8).abs()",
        "lib.tensor([300.5, -1.5]).to(lib.uint8)",
        "lib.tensor([float('nan')]).to(lib.bool)",
        "lib.tensor([1, 2]).copy_(1 + 2j)",
        "lib.tensor([1, 2]).clamp_(0.5)",
        "lib.tensor([1, 2]).clamp_(lib.tensor(0.5))",
        "lib.tensor([1, 2]).lerp_(lib.tensor([2, 3]), 0.5)",
        "lib.tensor([1, 2]).sqrt_()",
        "lib.tensor([1, 2]).add_(lib.ones(3))",
        "lib.tensor([1, 2]).add_(lib.ones(2, 2))",
        "lib.cat([lib.ones(1, dtype=lib.int8), lib.ones(1, dtype=lib.uint8)])",
    ],
)
def test_rules_in_single_cases(expression: str) -> None:
    outcomes = []
    for library in (torch, pb):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = outcome(eval, expression, {"lib": library})
        outcomes.append((str(result.dtype), result.tolist()) if hasattr(result, "tolist") else str(result))
    assert outcomes[1] == outcomes[0]


# -- half precision ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_rounds_each_result_once(name: str) -> None:
    values = np.random.default_rng(5).normal(size=(2, 1000)).astype(np.float32) * 8
    theirs, ours = (
        [library.tensor(row.tolist(), dtype=getattr(library, name)) for row in values] for library in (torch, pb)
    )
    assert ours[0].tolist() == theirs[0].tolist()
    for symbol in ("+", "-", "*", "/"):
        assert OPERATORS[symbol](*ours).tolist() == OPERATORS[symbol](*theirs).tolist(), symbol
        for number in ("0.1", "lib.tensor(0.1)", "lib.tensor(0.1, dtype=lib.float64)"):
            found, expected = (
                OPERATORS[symbol](x, eval(number, {"lib": lib})).tolist()
                for lib, x in ((pb, ours[0]), (torch, theirs[0]))
            )
            assert found == expected, (symbol, number)
        assert OPERATORS[symbol](0.1, ours[0]).tolist() == OPERATORS[symbol](0.1, theirs[0]).tolist(), symbol
    # PyTorch's own kernels round their intermediate results alike only where the compiler does not fuse them.
    found, expected = (lib.addcmul(*x, x[0], value=0.3).double().tolist() for lib, x in ((pb, ours), (torch, theirs)))
    assert np.mean(np.array(found) != expected) < 0.005
    assert ours[0].sqrt().nan_to_num().tolist() == theirs[0].sqrt().nan_to_num().tolist()


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(name: str) -> None:
    """A running sum in half precision would stop at 2048, or at 256."""
    for library in (torch, pb):
        ones = library.ones(5000, dtype=getattr(library, name))
        assert ones.sum().item() == library.tensor(5000.0, dtype=getattr(library, name)).item()
        assert ones.mean().item() == 1.0
        assert ones.cumsum(0)[-1].item() == library.tensor(5000.0, dtype=getattr(library, name)).item()


# -- JAX --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["+", "/", "<"])
def test_jax_promotes_alike(symbol: str) -> None:
    """One operation of each kind of promotion: the rules are the core's, the conversions the backend's."""
    names = ["bool", "uint8", "int64", "bfloat16", "float32", "complex64"]
    comparison = Comparison(f"operator {symbol}")
    with pb.use_backend("jax"):
        left, right = _tensors(pb, 0), _tensors(pb, 1)
        for first in names:
            others: list[tuple[str, Any, Any]] = [(n, RIGHT[0][n, r], right[n, r]) for n in names for r in (1, 0)]
            others += [(str(number), number, number) for number in NUMBERS]
            for text, their_other, our_other in others:
                theirs = outcome(OPERATORS[symbol], LEFT[0][first, 1], their_other)
                ours = outcome(OPERATORS[symbol], left[first, 1], our_other)
                comparison.add(f"{first}, {text}", theirs, ours)
        comparison.check()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(
    "expression",
    [
        "x // 0",
        "x % x.sub(1)",
        "x.fmod(0)",
        "(x - 3) // 2",
        "x.to(lib.uint8) + 300",
        "x.to(lib.uint8) * -1",
        "x + 2**64",
        "x.float() - True",
        "x.double() * 1j",
        "x.fill_(1e30)",
    ],
)
def test_backends_refuse_alike(backend: str, expression: str) -> None:
    theirs = outcome(eval, expression, {"lib": torch, "x": torch.tensor([1, 2, 5])})
    with pb.use_backend(backend):
        ours = outcome(eval, expression, {"lib": pb, "x": pb.tensor([1, 2, 5])})
        assert described(ours) == described(theirs)
        if not isinstance(theirs, str):
            assert ours.tolist() == theirs.tolist()


def test_an_unsupported_dtype_is_named_with_those_that_are_not() -> None:
    with pytest.raises(NotImplementedError, match=re.escape("\"lt_cpu\" not implemented for 'ComplexFloat'")) as raised:
        operator.lt(pb.ones(2), 1j)
    assert raised.value.__notes__[0].startswith("lt() takes bool, uint8,")
