"""What an operation computes lies in memory of its own: no operand, no other result and no later call shares it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.backend.registry import unregister_backend
from pullback.backend.selection import get_backend
from pullback.dispatch.declaration import Operation
from pullback.extend import ArrayAPIBackend, register_backend
from pullback.ops import import_all
from pullback.tensor.geometry import geometry_of
from pullback.tensor.registry import registry
from pullback_conformance.samples import samples_of

import_all()

#: What writing into a tensor records: its result is written elsewhere at once.
GIVE_OPERANDS = {"copy", "fill_tensor", "unsafe_view"}
NAMES = [name for name in registry if name not in GIVE_OPERANDS]


@pytest.fixture(scope="module", params=["numpy", "strict"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "numpy":
        yield "numpy"
        return
    register_backend(ArrayAPIBackend("strict-memory", array_api_strict, mutable=True))
    try:
        yield "strict-memory"
    finally:
        unregister_backend("strict-memory")


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [t for part in value for t in _tensors(part)]
    return [value] if isinstance(value, pb.Tensor) else []


def _moved(value: Any, backend: str) -> Any:
    if isinstance(value, pb.Tensor):
        return value.to(backend).clone()
    if type(value) in (list, tuple):
        return type(value)(_moved(v, backend) for v in value)
    return value


def _own(tensor: Any) -> bool:
    """Whether the tensor has memory of its own, as far as it knows."""
    return tensor.alias is None or tensor.alias.origin is None


def _results(name: str, args: Any, kwargs: Any, backend: str) -> list[Any]:
    record = registry[name]
    if not _tensors(args) and not isinstance(record, Operation):
        kwargs = kwargs | {"backend": backend}
    with warnings.catch_warnings(), pb.use_backend(backend):
        warnings.simplefilter("ignore")
        try:
            return _tensors(record.call(*args, **kwargs))
        except Exception:  # what a sample or a backend does not take is a matter of other tests
            return []


@pytest.mark.parametrize("name", NAMES)
def test_results_have_memory_of_their_own(name: str, backend: str) -> None:
    arrays = get_backend(backend)
    for dtype in (pb.float32, pb.int64, pb.complex64):
        for sample in samples_of(registry[name], get_backend("numpy"), dtype, most=4):
            if sample.values_only:
                continue
            args, kwargs = _moved(sample.args, backend), {k: _moved(v, backend) for k, v in sample.kwargs.items()}
            operands = _tensors(args) + _tensors(kwargs)
            results = _results(name, args, kwargs, backend)
            again = [t for t in _results(name, args, kwargs, backend) if _own(t)]
            for result in results:
                if not _own(result) or any(result is operand for operand in operands):
                    continue
                assert type(result.array) is arrays.array_type
                memory = arrays.to_numpy(result.array)
                assert memory.flags.writeable, sample.label
                assert not geometry_of(result).repeats, sample.label
                others = [t for t in (*operands, *again, *results) if t is not result]
                shared = [t for t in others if np.shares_memory(memory, arrays.to_numpy(t.array))]
                assert not shared, sample.label
