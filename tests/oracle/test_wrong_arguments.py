"""Wrong arguments end as in PyTorch: calls drawn at random, and NumPy's names of arguments."""

from __future__ import annotations

import inspect
import random
import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

from tests.oracle.wrong_arguments import Call, bases, mutated, outcome  # noqa: E402 - it imports PyTorch

pytestmark = pytest.mark.oracle

BASES = bases()
CALLS = 3000


def _names_of_error(name: str) -> set[str]:
    """The names of an error's classes: a NotImplementedError is a RuntimeError, too."""
    import builtins

    kind = getattr(pb.errors, name, None) or getattr(builtins, name, None) or getattr(np.exceptions, name, None)
    return {c.__name__ for c in kind.__mro__} if kind is not None else {name}


#: PyTorch's own Python code, which stumbles over an argument without having looked at it.
_STUMBLES = frozenset(("AttributeError", "UnboundLocalError", "AssertionError"))


def _agree(call: Call, ours: tuple[str, str], theirs: tuple[str, str]) -> bool:
    if theirs[0] in ("no call", "no method") or (ours[0] == theirs[0]):
        return True
    if ours[0] and theirs[0] in _names_of_error(ours[0]):
        return True
    return any(excuse(call, ours, theirs) for excuse in EXCUSES)


#: Where the two differ for a reason: each takes the call and both outcomes.
EXCUSES = (
    # A wrong argument is a TypeError that names it, where PyTorch's Python code stumbles over it.
    lambda call, ours, theirs: theirs[0] in _STUMBLES and ours[0] == "TypeError",
    # `reduction` is text: anything else is a TypeError before it is looked up.
    lambda call, ours, theirs: "is not a valid value for reduction" in theirs[1] and ours[0] == "TypeError",
    # Both refuse; which of two mistakes comes first may differ where the call has two.
    lambda call, ours, theirs: bool(ours[0]) and bool(theirs[0]) and ours[0] not in _STUMBLES | {"KeyError"},
)


@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_call_ends_as_in_pytorch(seed: int) -> None:
    draw = random.Random(seed)
    calls = [mutated(draw.choice(BASES), draw) for _ in range(CALLS // 3)]
    wrong, refused = [], []
    for call in calls:
        ours, theirs = outcome(pb, call), outcome(torch, call)
        if _agree(call, ours, theirs):
            continue
        (refused if ours[0] and not theirs[0] else wrong).append((call, ours, theirs))
    assert not [w for w in wrong if w[1][0]], "errors of another type"
    # What is taken here and refused there, or the other way round, stays below one call in a hundred.
    assert len(wrong) + len(refused) <= len(calls) // 100, [*wrong, *refused]


def _numpy_names(function: Any) -> dict[str, str]:
    from pullback.meta.argument_names import further_names

    try:
        return further_names(inspect.signature(function).parameters)
    except ValueError:
        return {}


def _renamings() -> list[tuple[Call, str, str]]:
    found = []
    for call in BASES:
        space = {"function": pb, "functional": pb.nn.functional, "method": pb.Tensor}[call.form]
        parameters = list(inspect.signature(getattr(space, call.name)).parameters)
        for other, name in _numpy_names(getattr(space, call.name)).items():
            place = parameters.index(name)
            if call.form != "method" or place:
                if place == len(call.args) - 1:
                    renamed = call._replace(args=call.args[:-1], kwargs=call.kwargs | {other: call.args[-1]})
                elif name in call.kwargs:
                    kept = {k: v for k, v in call.kwargs.items() if k != name}
                    renamed = call._replace(kwargs=kept | {other: call.kwargs[name]})
                else:
                    continue
                found.append((renamed, other, name))
    return found


def test_numpys_names_of_arguments_are_taken_where_pytorch_takes_them() -> None:
    calls = _renamings()
    assert len(calls) > 300
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        differing = [c for c, *_ in calls if outcome(torch, c)[0] == "" and outcome(pb, c)[0]]
    assert not differing


@pytest.mark.parametrize("kind", ["integer", "0-d"])
def test_numbers_of_other_libraries_are_taken_where_pytorch_takes_them(kind: str) -> None:
    """Every operation and argument: an integer or a float as NumPy's, or as a 0-d tensor."""

    def other(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if kind == "0-d":
            return pb.tensor(value)
        return np.int64(value) if isinstance(value, int) else np.float64(value)

    differing = []
    for call in BASES:
        for place, value in [*enumerate(call.args), *call.kwargs.items()]:
            changed = other(value)
            if changed is value:
                continue
            if isinstance(place, int):
                altered = call._replace(args=(*call.args[:place], changed, *call.args[place + 1 :]))
            else:
                altered = call._replace(kwargs=call.kwargs | {place: changed})
            theirs = outcome(torch, altered)
            if not theirs[0] and outcome(pb, altered)[0]:
                differing.append((altered, outcome(pb, altered)))
    assert not differing


def test_every_operation_has_a_base() -> None:
    assert len({call.name for call in BASES}) > 400
    assert registry
