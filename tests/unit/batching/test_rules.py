"""Every operation runs inside ``vmap`` as it does on each example by itself."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import pullback as pb
import pullback.nn.functional  # declares operations
from pullback.extend import registry
from pullback.op import Operation
from pullback.ops.positions import Positions
from pullback_conformance.samples import samples_of

#: What cannot run on several examples at once, and why.
REFUSED = {
    "nonzero": "its result has another shape for each example",
    "argwhere": "its result has another shape for each example",
    "masked_select": "its result has another shape for each example of the mask",
    "repeat_interleave": "repeats that differ between examples give results of different shapes",
    "one_hot": "without a number of classes it has to read the elements",
    "allclose": "its result is a Python bool",
    "equal": "its result is a Python bool",
    "tensor_split": "indices in a tensor are read as numbers",
    "vander": "it writes into a tensor of its own",
}
#: What draws random numbers; the tests of ``vmap`` itself are about that.
RANDOM = frozenset(name for name, record in registry.items() if isinstance(record, Operation) and record.draws) | {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "multinomial",
}  # fmt: skip
#: What takes one example after the other for some of its operands, and warns of it; everything else has a rule.
SLOW = frozenset({"masked_scatter", "nll_loss", "nll_loss_backward"})
#: What warns outside of ``vmap`` too.
WARNING = frozenset({"meshgrid"})
#: What has no gradient by a mapped mask, for that takes out elements of which there are more or fewer.
WITHOUT_MAPPED_GRADIENT = frozenset({"masked_scatter"})
#: What depends on where in memory the elements lie, so that examples side by side differ from examples one by one.
OF_MEMORY = frozenset({"as_strided", "view_as_complex"})

SEVERAL_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError)


def dtype_for(record: Any) -> Any:
    return next((d for d in (pb.float64, pb.int64, pb.complex128, pb.bool) if d in record.dtypes), None)


def tensors_in(value: Any) -> Iterator[pb.Tensor]:
    """The tensors in an argument."""
    if isinstance(value, pb.Tensor):
        yield value
    elif isinstance(value, Positions):
        yield from (part for part in value.parts if part is not None)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)


def with_tensors(value: Any, given: Iterator[pb.Tensor]) -> Any:
    """The argument with other tensors."""
    if isinstance(value, pb.Tensor):
        return next(given)
    if isinstance(value, Positions):
        return Positions([None if part is None else next(given) for part in value.parts])
    if isinstance(value, list | tuple) and any(True for _ in tensors_in(value)):
        return type(value)(with_tensors(part, given) for part in value)
    return value


def flat(result: Any) -> list[pb.Tensor]:
    return [t for part in result for t in flat(part)] if isinstance(result, list | tuple) else [result]


class Call:
    """A call of an operation as a function of the tensors among its arguments."""

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs
        self.tensors = [t.detach() for t in tensors_in((args, tuple(kwargs.values())))]
        self.examples = [self.tensors, [_another(t) for t in self.tensors]]

    def __call__(self, *tensors: pb.Tensor) -> list[pb.Tensor]:
        given = iter(tensors)
        args = [with_tensors(a, given) for a in self.args]
        return flat(registry[self.name].call(*args, **{k: with_tensors(v, given) for k, v in self.kwargs.items()}))

    def weight(self, *tensors: pb.Tensor) -> pb.Tensor:
        """One number that depends on all results that have gradients."""
        found = [(f * f.conj()).real.sum() for f in self(*tensors) if f.dtype.category > 1]
        return sum(found[1:], found[0])

    def mapped(self, dims: tuple[int | None, ...]) -> list[pb.Tensor]:
        """The tensors, of which those with a dimension hold both examples along it."""
        return [t if d is None else pb.stack([t, o], d) for t, o, d in zip(*self.examples, dims, strict=True)]

    def each(self, dims: tuple[int | None, ...]) -> list[list[pb.Tensor]]:
        """The tensors of each example."""
        others = [t if d is None else o for t, o, d in zip(*self.examples, dims, strict=True)]
        return [self.tensors, others]


def _another(tensor: pb.Tensor) -> pb.Tensor:
    """Another example: the same elements in reverse."""
    if tensor.ndim:
        return tensor.flip(tuple(range(tensor.ndim)))
    return tensor * 2 if tensor.dtype.category > 1 else tensor.clone()


def assigned_dims(tensors: list[pb.Tensor]) -> Iterator[tuple[int | None, ...]]:
    """Each tensor mapped by itself over its first and its last dimension, then all of them, in both ways."""
    count = len(tensors)
    for number, dim in itertools.product(range(count), (0, -1)):
        if dim == 0 or tensors[number].ndim:
            yield tuple(dim if n == number else None for n in range(count))
    if count > 1:
        yield (0,) * count
        yield tuple(-1 if n % 2 else 0 for n in range(count))


def calls() -> Iterator[Any]:
    for name, record in registry.items():
        dtype = dtype_for(record)
        if name in RANDOM or dtype is None or not record.module.startswith("pullback."):
            continue
        for arguments in samples_of(record, pb.get_backend("numpy"), dtype, most=5):
            call = Call(name, arguments.args, arguments.kwargs)
            if call.tensors:
                yield pytest.param(call, id=f"{name}-{arguments.label}")


CALLS = list(calls())


def outcome(function: Any, *args: Any) -> Any:
    """What a function returns, or the class of the error it raises."""
    try:
        return function(*args)
    except SEVERAL_ERRORS as error:
        return type(error)


@pytest.fixture(autouse=True)
def _expected_warnings(request: Any) -> Iterator[None]:
    with warnings.catch_warnings():
        if "call" in request.fixturenames and request.getfixturevalue("call").name in SLOW | WARNING:
            warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.mark.parametrize("call", CALLS)
def test_runs_on_many_examples_as_on_each(call: Call) -> None:
    for dims in assigned_dims(call.tensors):
        if call.name in OF_MEMORY and -1 in dims:
            continue
        expected = outcome(lambda each: [call(*e) for e in each], call.each(dims))
        found = outcome(pb.vmap(call.__call__, in_dims=dims), *call.mapped(dims))
        if isinstance(expected, type) or (call.name in REFUSED and isinstance(found, type)):
            assert isinstance(found, type), dims
            continue
        assert not isinstance(found, type), (dims, found)
        for result, *each in zip(found, *expected, strict=True):
            pb.testing.assert_close(result, pb.stack(each), rtol=1e-9, atol=1e-9, equal_nan=True)


def has_gradient(call: Call) -> bool:
    if call.name in {*REFUSED, *WITHOUT_MAPPED_GRADIENT} or registry[call.name].nondifferentiable:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made = outcome(call, *call.tensors)
    return not isinstance(made, type) and any(f.dtype.category > 1 for f in made)


def floating(call: Call) -> tuple[int, ...]:
    return tuple(n for n, t in enumerate(call.tensors) if t.dtype.category > 1)


DIFFERENTIABLE = [c for c in CALLS if floating(c.values[0]) and has_gradient(c.values[0])]


@pytest.mark.parametrize("call", DIFFERENTIABLE[::2])
def test_gradients_inside_and_outside_are_those_of_each(call: Call) -> None:
    gradient = pb.func.grad(call.weight, argnums=floating(call))
    all_mapped = (0,) * len(call.tensors)
    mapped = call.mapped(all_mapped)
    expected = [gradient(*e) for e in call.each(all_mapped)]
    inside = pb.vmap(gradient)(*mapped)
    outside = pb.func.grad(lambda *given: pb.vmap(call.weight)(*given).sum(), argnums=floating(call))(*mapped)
    for own, other, *each in zip(inside, outside, *expected, strict=True):
        pb.testing.assert_close(own, pb.stack(each), rtol=1e-7, atol=1e-9, equal_nan=True)
        pb.testing.assert_close(other, pb.stack(each), rtol=1e-7, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("call", DIFFERENTIABLE[1::4])
def test_tangents_inside_and_outside_are_those_of_each(call: Call) -> None:
    def push(function: Any, *tensors: pb.Tensor) -> Any:
        def of_floating(*given: pb.Tensor) -> Any:
            arguments = list(tensors)
            for number, tensor in zip(floating(call), given, strict=True):
                arguments[number] = tensor
            return function(*arguments)

        primals = tuple(tensors[n] for n in floating(call))
        return pb.func.jvp(of_floating, primals, tuple(p * 0.5 + 1 for p in primals))[1]

    all_mapped = (0,) * len(call.tensors)
    mapped = call.mapped(all_mapped)
    expected = [push(call.weight, *e) for e in call.each(all_mapped)]
    inside = pb.vmap(lambda *given: push(call.weight, *given))(*mapped)
    outside = push(lambda *given: pb.vmap(call.weight)(*given), *mapped)
    for found in (inside, outside):
        pb.testing.assert_close(found, pb.stack(expected), rtol=1e-7, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", ["add", "matmul", "softmax", "index_select", "cat", "sort", "index_put"])
def test_rules_hold_on_immutable_arrays(name: str) -> None:
    call = next(c.values[0] for c in CALLS if c.values[0].name == name)
    if name == "index_put":
        moved = Call(name, (pb.zeros(4, 3), pb.ones(2, 3), Positions([pb.tensor([0, 2])]), True), {})
    else:
        moved = Call(name, call.args, call.kwargs)
    moved.tensors = [t.to("jax") for t in moved.tensors]
    moved.examples = [[t.to("jax") for t in example] for example in moved.examples]
    all_mapped = (0,) * len(moved.tensors)
    expected = [moved(*e) for e in moved.each(all_mapped)]
    found = pb.vmap(moved.__call__)(*moved.mapped(all_mapped))
    for result, *each in zip(found, *expected, strict=True):
        pb.testing.assert_close(result, pb.stack(each))


def test_only_these_operations_lack_a_rule() -> None:
    from pullback.batching.rules import default_rule

    without = {
        name
        for name, record in registry.items()
        if isinstance(record, Operation)
        and record.module.startswith("pullback.")
        and (record.batching or default_rule(record)) == "loop"
    }
    assert without == set()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("pb.vmap(lambda a, b: a * b)(scalars, pb.ones(2, 3))", pb.float32),
        ("pb.vmap(lambda a, b: a + b)(scalars, pb.ones(2, 3, dtype=pb.int64))", pb.float64),
        ("pb.vmap(lambda a, b: pb.where(b, a, 0))(scalars, pb.tensor([True, False]))", pb.float64),
        ("pb.vmap(lambda a, b: a < b)(scalars, pb.ones(2, 3))", pb.bool),
        ("pb.vmap(lambda a: a + 1.5)(pb.tensor([1, 2]))", pb.float32),
    ],
)
def test_a_number_of_each_example_promotes_as_a_number(result: str, expected: pb.dtype) -> None:
    scalars = pb.tensor([1.0, 2.0], dtype=pb.float64)
    assert eval(result, {"pb": pb, "scalars": scalars}).dtype is expected
