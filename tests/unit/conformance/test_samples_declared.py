"""What the declarations' own samples see: sizes, shapes without elements, and attributes away from their defaults."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.dispatch import sampling
from pullback.extend import Operation, Unsampled
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.moving import tensors_in
from pullback_conformance.samples import declared_samples, samples_of
from pullback_conformance.samples.known_values import SIZES
from pullback_conformance.samples.maker import Maker

import_all()
NUMPY = get_backend("numpy")
FLOATING: Final = (pb.float32, pb.float64, pb.float16, pb.bfloat16)

#: Attributes that say where and how a result is kept, which other checks ask about, and generators.
_OF_THE_RESULT: Final = {
    "dtype", "device", "layout", "requires_grad", "backend", "pin_memory", "generator", "out", "memory_format",
    "non_blocking", "copy",
}  # fmt: skip
#: Attributes whose samples have the default only, and why.
_LEFT: Final = {
    "size": "the shape is given in another way",
    "tensor": "the operand whose dtype is taken is given as `dtype`",
    "size_average": "deprecated: it warns, and is another spelling of `reduction`",
    "reduce": "deprecated: it warns, and is another spelling of `reduction`",
    "assume_unique": "it makes no difference",
    "low": "bounds are given by position",
    "high": "bounds are given by position",
}


def _sampled() -> Iterator[Any]:
    for operation in registry.values():
        if declared_samples(operation) is not None and not isinstance(operation.samples, Unsampled):
            yield operation


@pytest.mark.parametrize("operation", list(_sampled()), ids=lambda o: o.name)
def test_attributes_are_seen_away_from_their_defaults_where_it_is_differentiated(operation: Any) -> None:
    signature = inspect.signature(operation.call)
    defaults = {
        name: p.default
        for name, p in signature.parameters.items()
        if p.default is not p.empty and name not in _OF_THE_RESULT
    }
    dtype = next((d for d in (pb.float32, pb.int64, pb.bool) if d in operation.dtypes), pb.float32)
    seen: dict[str, set[str]] = {name: set() for name in defaults}
    for sample in samples_of(operation, NUMPY, dtype):
        bound = signature.bind(*sample.args, **sample.kwargs)
        bound.apply_defaults()
        for name in defaults:
            if not sample.values_only:
                value = bound.arguments[name]
                seen[name].add("a tensor" if isinstance(value, pb.Tensor) else repr(value))
    unseen = {name for name, default in defaults.items() if not seen[name] - {repr(default)}}
    assert unseen - set(_LEFT) == set()


REDUCTIONS: Final = (
    "sum", "mean", "prod", "amax", "amin", "max_of_all", "median_of_all", "any", "all", "count_nonzero", "vector_norm",
    "nansum", "var", "std",
)  # fmt: skip
ALONG: Final = (
    "cumsum", "cumprod", "sort", "argsort", "topk", "argmax", "max_along_dim", "softmax", "flip", "roll", "cat",
    "stack",
)  # fmt: skip


@pytest.mark.parametrize("name", [*REDUCTIONS, *ALONG, "logsumexp", "log_softmax", "dot", "mv", "mm", "bmm"])
def test_the_floating_dtypes_see_the_sizes_around_blocks_together(name: str) -> None:
    sizes = {
        size
        for dtype in FLOATING
        for sample in samples_of(registry[name], NUMPY, dtype)
        for tensor in tensors_in((sample.args, sample.kwargs))
        for size in tensor.shape
    }
    assert len(sizes & {*SIZES, 1025}) >= 11
    assert any(size in sizes for size in (1023, 1024, 1025))


def test_six_dtypes_have_all_block_sizes() -> None:
    inexact = (*FLOATING, pb.complex64, pb.complex128)
    sizes = {size for dtype in inexact for size in sampling.block_sizes(Maker(NUMPY, dtype))}
    assert sizes == {*SIZES, 1025}


def test_products_of_factors_are_exact_and_notice_each_of_them() -> None:
    for dtype in (pb.float64, pb.int64):
        for count in (1, 2, 9, 64, 1025):
            factors = [int(2 * f) for f in sampling.factors(Maker(NUMPY, dtype), count).tolist()]
            assert len(factors) == count
            product = np.prod(np.array(factors, object))
            for left_out in {0, count // 2, count - 1}:
                others = np.prod(np.array(factors[:left_out] + factors[left_out + 1 :], object))
                assert 2 * others != product


@pytest.mark.parametrize("name", [n for n in REDUCTIONS if n not in ("max_of_all", "median_of_all", "var", "std")])
def test_reductions_see_no_elements_to_reduce(name: str) -> None:
    operation = registry[name]
    assert isinstance(operation, Operation) or name == "count_nonzero"
    shapes = [
        s.args[0].shape for s in samples_of(operation, NUMPY, pb.bool if pb.bool in operation.dtypes else pb.float32)
    ]
    assert any(0 in shape for shape in shapes)


@pytest.mark.parametrize("name", ["mm", "bmm", "mv", "dot", "matmul", "addmm", "baddbmm", "einsum", "inner"])
def test_products_see_no_terms_to_add_up(name: str) -> None:
    pairs = [[t.shape for t in tensors_in(s.args)][-2:] for s in samples_of(registry[name], NUMPY, pb.float32)]
    assert any(first and first[-1] == 0 and 0 in second for first, second in (p for p in pairs if len(p) == 2))


@pytest.mark.parametrize("name", ["sum", "amax", "permute", "flip", "transpose", "cumsum", "index_select", "var"])
def test_five_dimensions_are_seen(name: str) -> None:
    assert any(s.args[0].ndim == 5 for s in samples_of(registry[name], NUMPY, pb.float32))
