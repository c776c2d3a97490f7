"""Every function with ``out=``: what it writes, refuses, resizes and counts is PyTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.samples import samples_of

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

import_all()


def converted(lib: Any, value: Any) -> Any:
    """An argument of a sample as the library's own; tensors are copied."""
    if isinstance(value, pb.Tensor):
        array = np.array(value.detach().to("numpy").numpy())
        return pb.tensor(array) if lib is pb else torch.from_numpy(array)
    if isinstance(value, list | tuple):
        return type(value)(converted(lib, v) for v in value)
    if isinstance(value, pb.dtype):
        return getattr(lib, value.name)
    return value


#: Calls of the functions whose samples are those of an operation with other parameters, or none.
X, P = pb.tensor([[0.5, -1.5, 2.0], [1.25, 0.75, -0.25]]), pb.tensor([[0, 1, 0]])
CALLS: dict[str, list[tuple[Any, ...]]] = {
    "gather": [(X, 0, P)],
    "index_add": [(X, 0, pb.tensor([1]), X[:1])],
    "index_copy": [(X, 0, pb.tensor([1]), X[:1])],
    "index_reduce": [(X, 0, pb.tensor([1]), X[:1], "prod")],
    "index_select": [(X, 1, pb.tensor([2, 0]))],
    "isin": [(X, X[0])],
    "median": [(X, 0)],
    "nonzero": [(X,)],
    "polygamma": [(1, X)],
    "normal": [(X, 0.0), (2.0, 0.0, (3,))],
    "rand": [(0, 3)],
    "randint": [(2, 3, (2, 3))],
    "randn": [(0, 3)],
    "randperm": [(1,)],
    "scatter": [(X, 0, P, X), (X, 0, P, 2.0)],
    "scatter_add": [(X, 0, P, X)],
    "scatter_reduce": [(X, 0, P, X, "sum")],
    "where": [(X > 0, X, -X), (X > 0, X, pb.tensor(3.0))],
    # Without randomness, so that the numbers can be compared.
    "bernoulli": [(pb.tensor([0.0, 1.0, 1.0]),)],
    "empty": [(0, 3)],
    "logspace": [(0, 2, 3)],
    "multinomial": [(pb.tensor([0.0, 2.0, 0.0]), 2, True)],
}
#: Attributes without which PyTorch has no ``out=``.
KEYWORDS: dict[str, dict[str, Any]] = {"argsort": {"stable": True}}

#: Where pullback differs on purpose, or where what PyTorch says is not worth repeating.
REFUSED_ALIKE = "both refuse, PyTorch in the words of whatever runs inside"
DIFFERENT_DTYPE = {
    "bernoulli": "PyTorch draws in any dtype; here the result has that of the probabilities",
    "diag": REFUSED_ALIKE,
    "empty": "PyTorch does not count it as a change",
    "matmul": REFUSED_ALIKE,
    "max": REFUSED_ALIKE,
    "median": REFUSED_ALIKE,
    "min": REFUSED_ALIKE,
    "mvlgamma": REFUSED_ALIKE,
    "nansum": "PyTorch has no kernel for integers where it decides by `out`; of integers themselves it has",
    "normal": REFUSED_ALIKE,
    "randn": "PyTorch does not look at the dtype where there are no elements",
    "randperm": "PyTorch has no kernel for bool",
}
DIFFERENT_MEMORY = {
    "log_softmax": "PyTorch reads what it has written",
    "mm": "PyTorch reads what it has written",
    "mvlgamma": "PyTorch copies the result",
    "normal": "PyTorch adds the mean it has overwritten",
    "slice_scatter": "PyTorch reads what it has written",
    "softmax": "PyTorch reads what it has written",
    "threshold": "PyTorch does not look",
    "tril": "PyTorch reads what it has written",
    "triu": "PyTorch reads what it has written",
}
#: PyTorch writes the result as if nothing required gradients, or gives it a node that fails in the backward pass.
NOT_REFUSED_BY_PYTORCH = {
    "conj_physical", "diag", "diagonal_copy", "inner", "log_softmax", "multinomial", "slice_scatter",
    "softmax", "tensordot",
}  # fmt: skip

FUNCTIONS = sorted(
    name
    for name, record in registry.items()
    if callable(getattr(pb, name, None))
    and callable(getattr(torch, name, None))
    and name not in ("bool", "range")  # the latter warns that it is deprecated
)
TAKE_OUT = [name for name in FUNCTIONS if registry[name].out is not None]


class Call:
    """One call in both libraries."""

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs

    def arguments(self, lib: Any) -> tuple[list[Any], dict[str, Any]]:
        return [converted(lib, a) for a in self.args], {k: converted(lib, v) for k, v in self.kwargs.items()}

    def result(self, lib: Any) -> Any:
        args, kwargs = self.arguments(lib)
        return getattr(lib, self.name)(*args, **kwargs)


def calls(name: str, most: int = 6) -> Iterator[Call]:
    """The calls of a function's own samples that PyTorch takes too."""
    if name in CALLS:
        yield from (Call(name, args, KEYWORDS.get(name, {})) for args in CALLS[name])
        return
    found = 0
    for dtype in (pb.float32, pb.int64, pb.bool):
        for sample in samples_of(registry[name], get_backend("numpy"), dtype, most=most):
            kwargs = {k: v for k, v in sample.kwargs.items() if k not in ("generator", "dtype")} | KEYWORDS.get(
                name, {}
            )
            call = Call(name, sample.args, kwargs)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    result = call.result(torch)
            except Exception:
                continue
            if isinstance(result, torch.Tensor) or (isinstance(result, tuple) and len(result)):
                found += 1
                yield call
        if found:
            return


def calls_with_out(name: str, most: int = 6) -> Iterator[Call]:
    """Those that PyTorch has ``out=`` for: some functions have it at some arguments only."""
    return (call for call in calls(name, most) if accepts_out(torch, call))


def parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def made_outs(lib: Any, like: Any, dtype: Any = None, shape: tuple[int, ...] | None = None) -> Any:
    """Tensors to write to, of the shapes and dtypes of PyTorch's results unless others are given."""
    outs = tuple(
        lib.zeros(
            tuple(t.shape) if shape is None else shape, dtype=getattr(lib, dtype or str(t.dtype).removeprefix("torch."))
        )
        for t in parts(like)
    )
    return outs if isinstance(like, tuple) else outs[0]


def outcome(lib: Any, call: Call, outs: Any, args: list[Any] | None = None) -> Any:
    """What a call with ``out=`` does: the error, or values, dtypes, versions, identity and warnings."""
    given, kwargs = call.arguments(lib)
    versions = [t._version for t in parts(outs)]
    before = [t.tolist() for t in parts(outs)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = getattr(lib, call.name)(*(given if args is None else args), **kwargs, out=outs)
        except Exception as error:
            if lib is pb:
                assert [t._version for t in parts(outs)] == versions
                assert [t.tolist() for t in parts(outs)] == before
            return type(error).__name__, str(error).split("\n")[0]
    said = [str(w.message).split(" (Triggered")[0] for w in caught if issubclass(w.category, UserWarning)]
    return (
        [t.tolist() for t in parts(outs)],
        [(str(t.dtype), tuple(t.shape), t._version, t.requires_grad) for t in parts(outs)],
        all(r is t for r, t in zip(parts(result), parts(outs), strict=True)),
        [text for text in said if "resized" in text],
    )


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected[0], str):
        return bool(found == expected)
    return found[1:] == expected[1:] and all(
        np.allclose(np.array(f), np.array(e), rtol=1e-4, atol=1e-5, equal_nan=True)
        for f, e in zip(found[0], expected[0], strict=True)
    )


def accepts_out(lib: Any, call: Call) -> bool:
    """Whether a function knows the keyword, at these arguments."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        like = call.result(torch)
    if not all(isinstance(part, torch.Tensor) for part in parts(like)):
        return False
    found = outcome(lib, call, made_outs(lib, like))
    unknown = ("unexpected keyword argument", "invalid combination", "takes no keyword")
    return not (found[0] == "TypeError" and any(text in found[1] for text in unknown))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_functions_that_take_out_are_pytorchs(name: str) -> None:
    accepted = [accepts_out(torch, call) for call in calls(name)]
    assert [accepts_out(pb, call) for call in calls(name)] == [any(accepted)] * len(accepted)


def test_there_is_a_call_for_each_function() -> None:
    assert [name for name in TAKE_OUT if next(calls_with_out(name), None) is None] == []


@pytest.mark.parametrize("name", TAKE_OUT)
def test_the_result_is_written_and_counted(name: str) -> None:
    for call in calls_with_out(name):
        like = call.result(torch)
        found, expected = (outcome(lib, call, made_outs(lib, like)) for lib in (pb, torch))
        if name == "matmul" and expected[3]:  # PyTorch resizes what has the right size, and counts two changes
            found, expected = found[:1], expected[:1]
        if name != "empty":
            assert same(found, expected), (call.args, found, expected)


@pytest.mark.parametrize("name", TAKE_OUT)
def test_another_shape_is_resized(name: str) -> None:
    for call in calls_with_out(name, 2):
        like = call.result(torch)
        for shape in ((7,), (0,)):
            found, expected = (outcome(lib, call, made_outs(lib, like, shape=shape)) for lib in (pb, torch))
            if expected[0] == "RuntimeError" and name == "normal":  # it adds the mean to an array of the old size
                continue
            if name == "randn":  # made of two steps, which PyTorch counts
                found, expected = (o[3:] for o in (found, expected))
                assert found == expected
                continue
            assert same(found, expected), (shape, found, expected)


@pytest.mark.parametrize("dtype", ["int64", "float64", "bool"])
@pytest.mark.parametrize("name", TAKE_OUT)
def test_another_dtype_is_cast_to_or_refused(name: str, dtype: str) -> None:
    for call in calls_with_out(name, 1):
        like = call.result(torch)
        found, expected = (outcome(lib, call, made_outs(lib, like, dtype)) for lib in (pb, torch))
        if name not in DIFFERENT_DTYPE:
            assert same(found, expected), (found, expected)
        elif DIFFERENT_DTYPE[name] is REFUSED_ALIKE:
            assert isinstance(found[0], str) == isinstance(expected[0], str)


def with_gradients(args: list[Any]) -> list[Any]:
    return [
        with_gradients(a)
        if isinstance(a, list | tuple)
        else a.requires_grad_()
        if hasattr(a, "requires_grad_") and a.is_floating_point()
        else a
        for a in args
    ]


REFUSAL = (
    "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad."
)


@pytest.mark.parametrize("name", TAKE_OUT)
def test_gradients_are_refused(name: str) -> None:
    for call in calls_with_out(name, 1):
        like = call.result(torch)
        found, expected = (
            outcome(lib, call, made_outs(lib, like), with_gradients(call.arguments(lib)[0])) for lib in (pb, torch)
        )
        differentiable = any(t.is_floating_point() for t in parts(like))
        if name in NOT_REFUSED_BY_PYTORCH or (differentiable and REFUSAL in expected[1]):
            assert found == ("RuntimeError", f"{name}(): {REFUSAL}")  # PyTorch names what runs inside
        elif differentiable and expected[1] and not isinstance(expected[0], str):
            assert found[0] == expected[0]


@pytest.mark.parametrize("name", TAKE_OUT)
def test_an_out_that_requires_gradients_is_refused(name: str) -> None:
    for call in calls_with_out(name, 1):
        like = call.result(torch)
        if not all(t.is_floating_point() for t in parts(like)):
            continue
        for lib in (pb, torch):
            outs = made_outs(lib, like)
            for t in parts(outs):
                t.requires_grad_()
            found = outcome(lib, call, outs)
            assert found[0] == "RuntimeError"
            if lib is pb:
                assert found[1] == f"{name}(): {REFUSAL}"


@pytest.mark.parametrize("case", ["itself", "shifted", "expanded"])
@pytest.mark.parametrize("name", TAKE_OUT)
def test_shared_memory(name: str, case: str) -> None:
    for call in calls_with_out(name, 1):
        like = call.result(torch)
        first = call.arguments(torch)[0][:1]
        if not (
            isinstance(like, torch.Tensor)
            and first
            and isinstance(first[0], torch.Tensor)
            and first[0].shape == like.shape
            and first[0].dtype == like.dtype
            and like.numel() > 1
        ):
            continue
        outcomes = []
        for lib in (pb, torch):
            args = call.arguments(lib)[0]
            if case == "itself":
                out = args[0]
            elif case == "shifted":
                memory = lib.ones(like.numel() + 1, dtype=args[0].dtype)
                args[0], out = memory[:-1].reshape(like.shape), memory[1:].reshape(like.shape)
            else:
                out = lib.zeros(1, dtype=args[0].dtype).expand(*like.shape)
            outcomes.append(outcome(lib, call, out, args))
        if name not in DIFFERENT_MEMORY:
            assert same(*outcomes), outcomes
