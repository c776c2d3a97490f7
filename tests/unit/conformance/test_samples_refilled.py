"""The first samples of an operation with other values."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.extend import Operation, Sample, Sampled, Unsampled, op, use_backend
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.moving import tensors_in
from pullback_conformance.runner import accepts
from pullback_conformance.samples import refilled, samples_of

import_all()
NUMPY = get_backend("numpy")


def arrays(name: str, dtype: pb.dtype, most: int | None = None) -> dict[str, list[Any]]:
    found = refilled(registry[name], NUMPY, dtype, most=most)
    return {a.label: [t.array for t in tensors_in((a.args, a.kwargs))] for a in found}


@pytest.mark.parametrize("name", ["sum", "amax", "sort", "argmax", "cumsum", "logsumexp", "softmax"])
def test_reductions_and_searches_meet_ties_zeros_and_nan(name: str) -> None:
    found = arrays(name, pb.float32)
    (ties,) = found["ties and zeros #1"]
    assert 0 in ties
    assert len(np.unique(ties)) < ties.size
    assert np.isnan(found["NaN first #1"][0].reshape(-1)[0])
    assert np.isnan(found["NaN last #1"][0].reshape(-1)[-1])
    assert np.isinf(found["NaN and infinities #1"][0]).any()
    assert np.isneginf(found["negative infinity everywhere #1"][0]).all()
    assert len(np.unique(found["equal everywhere #1"][0])) == 1


@pytest.mark.parametrize("name", ["sum", "amax", "sort", "argmax", "cumsum", "logsumexp", "softmax"])
def test_the_longest_sample_has_its_extremes_at_either_end(name: str) -> None:
    found = arrays(name, pb.float32)
    up, down = found["ascending longest"][0].reshape(-1), found["descending longest"][0].reshape(-1)
    assert up.size > 1024
    assert up[-1] == up.max() > up.min() == up[0]
    assert down[0] == down.max() > down.min() == down[-1]
    only_last = found["nothing but the last longest"][0].reshape(-1)
    assert np.flatnonzero(only_last).tolist() == [up.size - 1]


def test_bools_meet_a_single_true_and_a_single_false_at_the_end() -> None:
    found = arrays("all", pb.bool)
    assert np.flatnonzero(found["nothing but the last longest"][0]).tolist() == [
        found["all but the last longest"][0].size - 1
    ]
    assert np.flatnonzero(~found["all but the last longest"][0].reshape(-1)).size == 1


def test_integers_meet_the_ends_of_their_dtype() -> None:
    for name in ("add", "mul", "sum", "prod", "maximum"):
        values = np.concatenate([a.reshape(-1) for a in arrays(name, pb.int8)["ends of the dtype #1"]])
        assert {-128, 127, 0, -1} <= set(values.tolist())
    assert "ends of the dtype #1" not in arrays("mean", pb.int8)
    assert "ends of the dtype #1" not in arrays("pow", pb.int8)


@pytest.mark.parametrize("name", ["take_along_dim", "gather", "scatter", "index_copy", "put", "index_add"])
def test_indices_keep_their_values(name: str) -> None:
    """Of int64, what is a value is replaced, and what is a position is not: NumPy would refuse it."""
    for arguments in refilled(registry[name], NUMPY, pb.int64):
        assert _error(registry[name], arguments) is None, arguments.label


def test_other_values_come_first() -> None:
    assert list(arrays("sum", pb.float32, most=2)) == ["ties and zeros #1", "NaN and infinities #1"]


def test_draws_are_left_alone() -> None:
    assert arrays("bernoulli", pb.float32) == {}


def _operation(sampled: Sampled) -> Operation:
    @op(name="doubled_for_a_test", nondifferentiable="a test", samples=sampled, method=False, namespace=None)
    def doubled(backend: Any, input: Array) -> Array:  # type: ignore[name-defined]  # noqa: F821
        """Twice the elements."""
        return backend.add(input, input)

    declared = registry.pop("doubled_for_a_test")
    assert isinstance(declared, Operation)
    return declared


@pytest.mark.parametrize(
    ("left_out", "labels"),
    [("values", ("ties", "NaN")), ("layouts", ("columnwise", "step", "offset", "backwards"))],
)
def test_what_a_declaration_leaves_out_is_left_out(left_out: str, labels: tuple[str, ...]) -> None:
    def samples(make: Any) -> Any:
        yield Sample(make(2, 3))

    def seen(operation: Operation) -> str:
        dtypes = (pb.float32, pb.int64)
        return " ".join(a.label for dtype in dtypes for a in refilled(operation, NUMPY, dtype))

    everything, fewer = seen(_operation(Sampled(samples))), seen(_operation(Sampled(samples, **{left_out: "a test"})))
    for label in labels:
        assert label in everything
        assert label not in fewer


@pytest.mark.parametrize("dtype", [pb.float32, pb.int64, pb.uint8, pb.complex64])
def test_numpy_refuses_a_sample_with_other_values_only_where_it_refuses_what_it_was_made_of(dtype: pb.dtype) -> None:
    """Nothing is left out because it raised: an operation says in its declaration what is not to be tried."""
    surprising = []
    for operation in registry.values():
        if isinstance(operation.samples, Unsampled) or not accepts(operation, dtype):
            continue
        refused = {str(error) for a in samples_of(operation, NUMPY, dtype) if (error := _error(operation, a))}
        for arguments in refilled(operation, NUMPY, dtype):
            error = _error(operation, arguments)
            if error is not None and str(error) not in refused:
                surprising.append((operation.name, arguments.label, error))
    assert surprising == []


def _error(operation: Any, arguments: Any) -> Exception | None:
    try:
        with use_backend(NUMPY), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some give one by design
            operation.call(*arguments.args, **arguments.kwargs)
    except Exception as error:
        return error
    return None
