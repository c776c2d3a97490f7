"""The arguments of operations: the same on every backend, in every layout, and away from where derivatives break."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.extend import Operation, Unsampled
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.moving import Layout, mapped, moved, tensors_in, to_numpy
from pullback_conformance.runner import Runner, Selection
from pullback_conformance.samples import SPECIAL_VALUES, Arguments, Maker, declared_samples, samples_of, special_samples
from pullback_conformance.samples.known_values import SIZES
from pullback_conformance.samples.layouts import LAYOUTS, laid_out

import_all()


def make(dtype: pb.dtype = pb.float32) -> Maker:
    return Maker(get_backend("numpy"), dtype)


def test_values_are_distinct_and_away_from_zero() -> None:
    values = to_numpy(make(pb.float64)(4, 6)).reshape(-1)
    assert np.abs(values).min() > 0.05
    assert np.diff(np.sort(values)).min() > 0.05
    assert values.min() > -2
    assert values.max() < 2


def test_values_stay_in_the_interval() -> None:
    values = to_numpy(make(pb.float64)(50, low=0.5, high=3.0))
    assert values.min() > 0.5
    assert values.max() < 3.0


def test_values_lie_all_over_the_domain() -> None:
    values = to_numpy(make(pb.float64).values(1025))
    for is_met in (values == 0, values < -5, values > 5, np.abs(values) < 0.01, values % 1 == 0.5, values == 3):
        assert np.any(is_met)
    assert len(np.unique(values)) < len(values)
    inside = to_numpy(make(pb.bfloat16).values(1025, low=-1.0, high=1.0))
    assert inside.min() > -1
    assert inside.max() < 1
    assert to_numpy(make(pb.float64).values(1025, low=0.0)).min() > 0


def test_complex_values_lie_in_all_quadrants() -> None:
    values = to_numpy(make(pb.complex64).values(100, low=0.0))
    assert len(np.unique(np.sign(values.real) + 1j * np.sign(values.imag))) == 4


def test_samples_that_are_differentiated_stay_where_functions_are_smooth() -> None:
    for name in ("log", "round", "remainder", "tan"):
        operation = registry[name]
        assert isinstance(operation, Operation)
        for sample in samples_of(operation, get_backend("numpy"), pb.float64):
            if sample.values_only:
                continue
            for operand, tensor in zip(operation.operands, tensors_in(sample.args), strict=False):
                inside = [
                    (low <= to_numpy(tensor)) & (to_numpy(tensor) <= high) for low, high in operation.smooth[operand]
                ]
                assert np.all(np.any(inside, axis=0))


def first_operands(name: str, dtype: pb.dtype) -> list[Any]:
    sample = next(iter(samples_of(registry[name], get_backend("numpy"), dtype)))
    return [to_numpy(tensor) for tensor in tensors_in(sample.args)]


def test_operands_of_several_intervals_meet_in_every_combination() -> None:
    for name in ("remainder", "atan2"):
        left, right = first_operands(name, pb.float32)
        assert {(a, b) for a, b in zip(np.sign(left).flat, np.sign(right).flat, strict=True)} == {
            (1, 1), (1, -1), (-1, 1), (-1, -1)
        }  # fmt: skip


def test_each_interval_of_an_operand_occurs() -> None:
    (operand,) = first_operands("floor", pb.float32)
    assert set(np.floor(operand).flat) == {-1, 0, 1}


def test_intervals_are_given_for_operands_by_name() -> None:
    base, exponent = first_operands("pow", pb.float32)
    assert np.all(base > 0)
    assert np.any(exponent < 0)
    assert np.any(exponent > 0)


def test_integers_come_from_the_intervals_they_are_defined_in() -> None:
    assert np.all(first_operands("pow", pb.int64)[1] >= 0)
    assert np.any(first_operands("remainder", pb.int64)[1] < 0)


def test_complex_operands_lie_on_both_sides_of_a_real_domain() -> None:
    (operand,) = first_operands("log", pb.complex64)
    assert np.any(operand.real < 0)
    assert np.any(operand.real > 0)


def test_settings_of_attributes_come_in_the_smoke_tier_too() -> None:
    record = Runner("numpy", "numpy", Selection("smoke", ("add",), ("float32",), ("value", "vjp"))).run()
    for check in ("value", "vjp"):
        (cell,) = [c for c in record.cells if c.check == check]
        assert {"alpha=3", "alpha=-1.5"} <= {s.sample for s in cell.samples}


def test_six_dtypes_see_every_size_around_blocks() -> None:
    sizes = {
        sample.args[0].numel()
        for dtype in (pb.float32, pb.float64, pb.float16, pb.bfloat16, pb.complex64, pb.complex128)
        for sample in samples_of(registry["sin"], get_backend("numpy"), dtype)
    }
    assert set(SIZES) | {1025} <= sizes


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_keep_shapes_and_are_no_rows_in_order(layout: str) -> None:
    tensor = laid_out(make()(3, 8), layout)
    assert tensor.array.shape == (3, 8)
    assert not tensor.array.flags.c_contiguous or tensor.array.base.size > 24


@pytest.mark.parametrize("dtype", [pb.int64, pb.uint8, pb.int8])
def test_integers_can_be_divided_by(dtype: pb.dtype) -> None:
    tensor = make(dtype)(100)
    assert tensor.dtype is dtype
    assert not np.any(to_numpy(tensor) == 0)


def test_the_same_seed_gives_the_same_samples() -> None:
    operation, backend = registry["mul"], get_backend("numpy")
    first, again, other = (
        [to_numpy(t) for a in samples_of(operation, backend, pb.float32, seed=s) for t in tensors_in(a.args)]
        for s in (0, 0, 1)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_labels_are_unique() -> None:
    for name in ("add", "sum", "matmul", "exp"):
        labels = [a.label for a in samples_of(registry[name], get_backend("numpy"), pb.float32)]
        assert len(set(labels)) == len(labels) > 3


def test_every_operation_has_samples_or_a_reason_to_have_none() -> None:
    unsampled = [n for n, o in registry.items() if declared_samples(o) is None]
    assert [n for n in unsampled if not isinstance(registry[n].samples, Unsampled)] == []


def test_elementwise_operations_get_every_layout() -> None:
    labels = {a.label for a in samples_of(registry["sin"], get_backend("numpy"), pb.float32)}
    assert {"0-d", "empty (0, 3)", "not contiguous (3, 2)", "step (3,)"} <= labels


def special(name: str, dtype: pb.dtype) -> list[Arguments]:
    return list(special_samples(registry[name], get_backend("numpy"), dtype))


def test_special_values_come_in_all_pairs() -> None:
    sample = special("add", pb.float32)[0]
    count = len(SPECIAL_VALUES)
    assert [tuple(t.shape) for t in tensors_in(sample.args)] == [(count, 1), (count,)]
    for name, operands in (("where", 3), ("addcmul", 3), ("elu", 1), ("clamp_to_tensors", 3)):
        assert len(tensors_in(special(name, pb.float32)[0].args)) == operands
    assert special("exp", pb.complex64)
    assert special("add", pb.int64) == special("sum", pb.float32) == []


def test_special_values_come_with_each_setting_of_the_attributes() -> None:
    given = [sample.kwargs for sample in special("nan_to_num", pb.float32)]
    assert given == [{}, {"nan": 1.5, "posinf": 2.0, "neginf": -3.0}, {"nan": -0.5, "posinf": 8.0}]
    assert len({sample.label for sample in special("add", pb.float32)}) == 3


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
        np.arange(8.0)[::2],
        np.arange(24.0).reshape(2, 12)[:, ::3].T,
        np.array(3.0),
        np.zeros((0, 3)),
        np.broadcast_to(np.arange(3.0), (2, 3)),
        np.arange(8.0)[1:],
        np.arange(12.0).reshape(3, 4)[1:],
        np.arange(24.0).reshape(3, 8)[1:, ::2],
        np.arange(24.0).reshape(6, 4)[2:].T,
    ],
    ids=lambda a: f"{a.shape}{a.strides}",
)
def test_moving_keeps_values_and_layout(backend: str, array: Any) -> None:
    numpy_backend = get_backend("numpy")
    tensor = moved(pb.Tensor._wrap(array, numpy_backend), get_backend(backend))
    assert tensor.backend.name == backend
    assert np.array_equal(to_numpy(tensor), array)
    assert tuple(tensor.shape) == array.shape
    if tensor.backend.mutable and array.size > 1:
        assert tensor.array.strides == array.strides
        assert not np.shares_memory(tensor.array, array)
        assert (Layout(tensor.array).offset, Layout(tensor.array).axes) == (Layout(array).offset, Layout(array).axes)


def test_layout_of_a_row_major_array_is_plain() -> None:
    layout = Layout(np.zeros((2, 3)))
    assert (layout.axes, layout.step, layout.offset, layout.repeated) == (None, 1, False, None)


def test_tensors_are_found_wherever_they_are() -> None:
    a, b = pb.ones(1), pb.zeros(1)
    tree = ([a, (b, 3)], {"key": slice(None, a), "other": None})
    assert [t is a for t in tensors_in(tree)] == [True, False, True]
    replaced = mapped(tree, lambda t: "t")
    assert replaced == (["t", ("t", 3)], {"key": slice(None, "t"), "other": None})


@pytest.mark.parametrize("name", sorted(registry))
def test_samples_are_arguments_of_their_operation(name: str) -> None:
    operation = registry[name]
    samples = declared_samples(operation)
    for sample in () if samples is None else samples(make()):
        inspect.signature(operation.call).bind(*sample.args, **sample.kwargs)
