"""Every operation runs inside ``vmap`` as it does on each example by itself."""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import pytest

import pullback as pb
from pullback.dispatch.declaration import Operation
from pullback.dispatch.inplace import apply_inplace
from pullback.extend import registry
from pullback.ops import import_all
from pullback.tensor.indices import Positions
from pullback_conformance import case as conformance
from pullback_conformance.samples import Arguments, samples_of

import_all()

#: What cannot run on several examples at once: the tensors that cannot be mapped (None: not one of them), and why.
REFUSED: dict[str, tuple[set[int] | None, str]] = {
    "nonzero": (None, "its result has another shape for each example"),
    "argwhere": (None, "its result has another shape for each example"),
    "masked_select": ({1}, "its result has another shape for each example of the mask"),
    "repeat_interleave": ({1}, "repeats that differ between examples give results of different shapes"),
    "one_hot": (None, "without a number of classes it has to read the elements"),
    "allclose": (None, "its result is a Python bool"),
    "equal": (None, "its result is a Python bool"),
}
#: What draws random numbers; the tests of ``vmap`` itself are about that.
RANDOM = frozenset(name for name, record in registry.items() if isinstance(record, Operation) and record.draws) | {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "multinomial",
}  # fmt: skip
#: What warns outside of ``vmap`` too; nothing else may warn, as what runs for one example after the other does.
WARNING = frozenset({"meshgrid", "to"})
#: What depends on where in memory the elements lie, so that examples side by side differ from examples one by one.
OF_MEMORY = frozenset({"as_strided", "view_as_complex"})
#: Differentiable operations that have no calls here, and why.
WITHOUT_CALLS = {
    "zero_part": "it serves as a step of indexing, which is checked",
    **dict.fromkeys(RANDOM, "nothing flows through a draw"),
}

EPS = pb.finfo(pb.float64).eps
SEVERAL_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError)


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
        self.others = [_another(t) for t in self.tensors]

    def __call__(self, *tensors: pb.Tensor) -> list[pb.Tensor]:
        given = iter(tensors)
        args = [with_tensors(a, given) for a in self.args]
        return flat(registry[self.name].call(*args, **{k: with_tensors(v, given) for k, v in self.kwargs.items()}))

    def mapped(self, dims: tuple[int | None, ...]) -> list[pb.Tensor]:
        """The tensors, of which those with a dimension hold both examples along it."""
        examples = zip(self.tensors, self.others, dims, strict=True)
        return [t if d is None else pb.stack([t, o], d) for t, o, d in examples]

    def each(self, dims: tuple[int | None, ...]) -> list[list[pb.Tensor]]:
        """The tensors of each example."""
        others = [t if d is None else o for t, o, d in zip(self.tensors, self.others, dims, strict=True)]
        return [self.tensors, others]

    def is_refused(self, dims: tuple[int | None, ...]) -> bool:
        """Whether it cannot run with these tensors mapped."""
        if self.name == "one_hot" and len(self.args) > 1:  # the number of classes is given
            return False
        unmapped = REFUSED[self.name][0] if self.name in REFUSED else ()
        return unmapped is None or any(dims[number] is not None for number in unmapped if number < len(dims))

    def all_dims(self) -> Iterator[tuple[int | None, ...]]:
        """Each tensor mapped by itself over its first and its last dimension, then all of them, in both ways."""
        yield from self._alone((0, -1))
        yield from self._together()

    def some_dims(self) -> Iterator[tuple[int | None, ...]]:
        """Each tensor mapped by itself over one dimension, then all of them, in both ways."""
        yield from self._alone((-1,))
        yield from self._together()

    def _alone(self, dims: tuple[int, ...]) -> Iterator[tuple[int | None, ...]]:
        for number, dim in itertools.product(range(len(self.tensors)), dims):
            if dim == dims[0] or self.tensors[number].ndim:
                yield tuple(dim if n == number else None for n in range(len(self.tensors)))

    def _together(self) -> Iterator[tuple[int | None, ...]]:
        count = len(self.tensors)
        if count > 1:
            yield (0,) * count
            yield tuple(-1 if n % 2 else 0 for n in range(count))

    @cached_property
    def differentiated(self) -> list[int]:
        """Which of the tensors have gradients."""
        arguments = Arguments(0, "", self.args, self.kwargs)
        return conformance.Call(registry[self.name], pb.get_backend("numpy"), arguments, lambda t: t).chosen

    def of_differentiated(self, tensors: Sequence[pb.Tensor]) -> Any:
        """The results that have gradients as a function of the tensors that have; the others are these."""

        def call(*given: pb.Tensor) -> list[pb.Tensor]:
            arguments = list(tensors)
            for number, tensor in zip(self.differentiated, given, strict=True):
                arguments[number] = tensor
            return [result for result in self(*arguments) if result.dtype.category > 1]

        return call

    def gradients(self, *tensors: pb.Tensor) -> list[pb.Tensor]:
        """Of the sum of the squares of the results."""
        return gradients(self.of_differentiated(tensors), [tensors[n] for n in self.differentiated])

    def tangents(self, *tensors: pb.Tensor) -> list[pb.Tensor]:
        """Of the results, where those of the operands depend on the operands."""
        primals = tuple(tensors[n] for n in self.differentiated)
        tangents = tuple(p * 0.5 + 1 for p in primals)
        return pb.func.jvp(self.of_differentiated(tensors), primals, tangents)[1]  # type: ignore[no-any-return]


def gradients(function: Any, operands: Sequence[pb.Tensor]) -> list[pb.Tensor]:
    """Of the sum of the squares of the results, which may be complex."""

    def total(*given: pb.Tensor) -> pb.Tensor:
        squares = [(result * result.conj()).real.sum() for result in function(*given)]
        return sum(squares[1:], squares[0])

    return list(pb.func.grad(total, argnums=tuple(range(len(operands))))(*operands))


def _another(tensor: pb.Tensor) -> pb.Tensor:
    """Another example: the same elements in reverse."""
    if tensor.ndim:
        return tensor.flip(tuple(range(tensor.ndim)))
    return tensor * 2 if tensor.dtype.category > 1 else tensor.clone()


def calls(dtype: pb.dtype | None, most: int) -> Iterator[Any]:
    """Calls of every operation in one dtype; None: in that of the usual ones that it takes first."""
    for name, record in registry.items():
        chosen = dtype or next((d for d in (pb.float64, pb.int64, pb.complex128, pb.bool) if d in record.dtypes), None)
        if name in RANDOM or chosen not in record.dtypes or not record.module.startswith("pullback."):
            continue
        for arguments in samples_of(record, pb.get_backend("numpy"), chosen, most=most):
            call = Call(name, arguments.args, arguments.kwargs)
            if call.tensors and not arguments.values_only:
                yield pytest.param(call, id=f"{name}-{arguments.label}")


def is_elementwise(call: Call) -> bool:
    return bool(getattr(registry[call.name], "broadcasts", False))


CALLS = list(calls(None, 5))


def outcome(function: Any, *args: Any) -> Any:
    """What a function returns, or the class of the error it raises."""
    try:
        return function(*args)
    except SEVERAL_ERRORS as error:
        return type(error)


@pytest.fixture(autouse=True)
def _expected_warnings(request: Any) -> Iterator[None]:
    with warnings.catch_warnings():
        if "call" in request.fixturenames and request.getfixturevalue("call").name in WARNING:
            warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.mark.parametrize("call", CALLS)
def test_runs_on_many_examples_as_on_each(call: Call) -> None:
    for dims in call.all_dims():
        if call.name in OF_MEMORY and -1 in dims:
            continue
        expected = outcome(lambda each: [call(*e) for e in each], call.each(dims))
        found = outcome(pb.vmap(call.__call__, in_dims=dims), *call.mapped(dims))
        if isinstance(expected, type) or call.is_refused(dims):
            assert isinstance(found, type), dims
            continue
        assert not isinstance(found, type), (dims, found)
        for result, *each in zip(found, *expected, strict=True):
            assert_same(result, pb.stack(each))


def assert_same(found: pb.Tensor, expected: pb.Tensor) -> None:
    """To the last digits of the greatest number: sums may run in another order over examples that lie side by side."""
    size = expected.abs()[expected.isfinite()] if expected.dtype.category > 1 else expected.new_empty(0)
    greatest = max(1.0, float(size.max())) if size.numel() else 1.0
    pb.testing.assert_close(found, expected, rtol=0, atol=32 * EPS * greatest, equal_nan=True)


@pytest.mark.parametrize("call", [c for c in CALLS if not is_elementwise(c.values[0])])
def test_runs_on_one_example_and_on_none(call: Call) -> None:
    dims = (0,) * len(call.tensors)
    alone = outcome(call, *call.tensors)
    if isinstance(alone, type) or call.is_refused(dims) or call.name in OF_MEMORY:
        return
    one = [t.unsqueeze(0) for t in call.tensors]
    expected = [result.unsqueeze(0) for result in alone]
    assert_all_same(pb.vmap(call.__call__)(*one), expected)
    none = [t.narrow(0, 0, 0) for t in one]
    assert_all_same(pb.vmap(call.__call__)(*none), [result.narrow(0, 0, 0) for result in expected])


@pytest.mark.parametrize("call", [c for c in CALLS if len(c.values[0].tensors) > 1])
def test_levels_may_map_different_operands(call: Call) -> None:
    """The outer one the first operand, the inner one the others; and the other way round."""
    count = len(call.tensors)
    first, others = (0, *(None,) * (count - 1)), (None, *(0,) * (count - 1))
    for outer, inner in ((first, others), (others, first)):
        if call.is_refused(outer) or call.is_refused(inner) or call.name in OF_MEMORY:
            continue
        mapped = call.mapped((0,) * count)
        expected = outcome(lambda o=outer, i=inner, m=mapped: one_by_one(lambda *t: one_by_one(call, i, t), o, m))
        if not isinstance(expected, type):
            assert_all_same(pb.vmap(pb.vmap(call.__call__, in_dims=inner), in_dims=outer)(*mapped), expected)


def one_by_one(function: Any, dims: Any, tensors: Sequence[pb.Tensor]) -> list[pb.Tensor]:
    """What a function returns for each of the two examples that some of the tensors hold."""
    examples = ([t if d is None else t.select(d, n) for t, d in zip(tensors, dims, strict=True)] for n in (0, 1))
    return columns([function(*example) for example in examples])


# -- derivatives ------------------------------------------------------------------------------------------------------


def has_derivatives(call: Call) -> bool:
    if registry[call.name].nondifferentiable or not call.differentiated or call.is_refused(()):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made = outcome(call, *call.tensors)
    return not isinstance(made, type) and any(f.dtype.category > 1 for f in made)


def first_of_each(params: Sequence[Any], most: int) -> list[Any]:
    """The first calls of each operation; less of elementwise operations, which have one rule in common."""
    taken: Counter[str] = Counter()
    kept = []
    for param in params:
        call = param.values[0]
        taken[call.name] += 1
        if taken[call.name] <= (most // 2 if is_elementwise(call) else most):
            kept.append(param)
    return kept


REAL = first_of_each([c for c in CALLS if has_derivatives(c.values[0])], 4)
COMPLEX = [c for c in calls(pb.complex128, 1) if has_derivatives(c.values[0]) and not is_elementwise(c.values[0])]
DIFFERENTIABLE = [*REAL, *COMPLEX]


def columns(results: Sequence[Sequence[pb.Tensor]]) -> list[pb.Tensor]:
    """The results of each example, put together."""
    return [pb.stack(list(column)) for column in zip(*results, strict=True)]


def assert_all_same(found: Sequence[pb.Tensor], expected: Sequence[pb.Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("call", DIFFERENTIABLE)
def test_derivatives_inside_and_outside_are_those_of_each_example(call: Call) -> None:
    known: dict[tuple[bool, ...], Any] = {}
    for dims in call.some_dims():
        if (call.name in OF_MEMORY and -1 in dims) or call.is_refused(dims):
            continue
        mapped = call.mapped(dims)
        which = tuple(d is not None for d in dims)
        if which not in known:
            each = call.each(dims)
            known[which] = [call.gradients(*e) for e in each], columns([call.tangents(*e) for e in each])
        of_each, tangents = known[which]

        assert_all_same(pb.vmap(call.gradients, in_dims=dims)(*mapped), columns(of_each))
        assert_all_same(pb.vmap(call.tangents, in_dims=dims)(*mapped), tangents)

        def examples(*given: pb.Tensor, dims: Any = dims, mapped: Any = mapped) -> Any:
            arguments = list(mapped)
            for number, tensor in zip(call.differentiated, given, strict=True):
                arguments[number] = tensor
            return pb.vmap(lambda *one: [r for r in call(*one) if r.dtype.category > 1], in_dims=dims)(*arguments)

        operands = [mapped[n] for n in call.differentiated]
        first, second = of_each
        places = [dims[n] for n in call.differentiated]
        whole = [a + b if d is None else pb.stack([a, b], d) for a, b, d in zip(first, second, places, strict=True)]
        assert_all_same(gradients(examples, operands), whole)
        moved = pb.func.jvp(examples, tuple(operands), tuple(p * 0.5 + 1 for p in operands))[1]
        assert_all_same(moved, tangents)


@pytest.mark.parametrize("call", first_of_each(DIFFERENTIABLE, 2))
def test_derivatives_at_one_point_along_many_directions(call: Call) -> None:
    function = call.of_differentiated(call.tensors)
    operands = tuple(call.tensors[n] for n in call.differentiated)
    outputs, pull = pb.func.vjp(function, *operands)
    cotangents = [[o * 0.3 + 0.7 for o in outputs], [o * -0.2 + 1.1 for o in outputs]]
    assert_all_same(pb.vmap(pull)(columns(cotangents)), columns([pull(c) for c in cotangents]))

    def push(*tangents: pb.Tensor) -> Any:
        return pb.func.jvp(function, operands, tangents)[1]

    directions = [[p * 0.5 + 1 for p in operands], [p * -1.5 + 0.25 for p in operands]]
    assert_all_same(pb.vmap(push)(*columns(directions)), columns([push(*d) for d in directions]))


def test_every_differentiable_operation_is_checked() -> None:
    checked = {c.values[0].name for c in DIFFERENTIABLE}
    differentiable = {
        name
        for name, record in registry.items()
        if isinstance(record, Operation) and record.module.startswith("pullback.") and not record.nondifferentiable
    }
    assert differentiable - checked == differentiable & set(WITHOUT_CALLS)


def written(call: Call) -> bool:
    """Whether the result of a call can be written into its first operand."""
    record: Any = registry[call.name]
    return getattr(record, "inplace_name", None) is not None or getattr(record, "overwriting", None) is not None


@pytest.mark.parametrize("call", [c for c in DIFFERENTIABLE if written(c.values[0])])
def test_what_is_written_in_place_is_what_is_computed(call: Call) -> None:
    record: Any = registry[call.name]

    def write(*tensors: pb.Tensor) -> list[pb.Tensor]:
        given = iter(tensors)
        first, *rest = (with_tensors(a, given) for a in call.args)
        kwargs = {k: with_tensors(v, given) for k, v in call.kwargs.items()}
        return [apply_inplace(record, first.clone(), tuple(rest), kwargs)]

    dims = (0,) * len(call.tensors)
    mapped = call.mapped(dims)
    expected = outcome(lambda: columns([write(*e) for e in call.each(dims)]))
    found = outcome(pb.vmap(write, in_dims=dims), *mapped)
    if isinstance(expected, type):
        assert isinstance(found, type)
        return
    assert_all_same(found, expected)
    of_each = [gradients(write, e) for e in call.each(dims)] if call.differentiated == list(range(len(dims))) else None
    if of_each is not None:
        assert_all_same(pb.vmap(lambda *one: gradients(write, one))(*mapped), columns(of_each))
        assert_all_same(gradients(lambda *given: pb.vmap(write)(*given), mapped), columns(of_each))


# -- other backends, and what is declared -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mul", "matmul", "softmax", "index_select", "cat", "index_put"])
def test_rules_hold_on_immutable_arrays(name: str) -> None:
    call = next(c.values[0] for c in CALLS if c.values[0].name == name)
    if name == "index_put":
        call = Call(name, (pb.zeros(4, 3), pb.ones(2, 3), Positions([pb.tensor([0, 2])]), True), {})
    moved = Call(name, call.args, call.kwargs)
    moved.tensors = [t.to("jax") for t in call.tensors]
    moved.others = [t.to("jax") for t in call.others]
    dims = (0,) * len(moved.tensors)
    assert_all_on_jax(pb.vmap(moved.__call__)(*moved.mapped(dims)), [call(*e) for e in call.each(dims)])
    if name != "cat":
        mapped, each = moved.mapped(dims), call.each(dims)
        assert_all_on_jax(pb.vmap(moved.gradients)(*mapped), [call.gradients(*e) for e in each])
        assert_all_on_jax(pb.vmap(moved.tangents)(*mapped), [call.tangents(*e) for e in each])


def assert_all_on_jax(found: Sequence[pb.Tensor], of_each: Sequence[Sequence[pb.Tensor]]) -> None:
    assert all(result.backend.name == "jax" for result in found)
    assert_all_same([result.to("numpy") for result in found], columns(of_each))


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
