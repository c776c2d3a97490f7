"""Derivatives as differences of values: how good they are, and where they say that there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.oracles import differences
from pullback_conformance.oracles.extended import has_extended_precision

STEP = differences.step_for(has_extended_precision())
GOOD = 1e-11 if has_extended_precision() else 1e-8


def test_the_jacobian_of_a_function_of_several_arrays() -> None:
    def function(arrays: list[Any]) -> list[Any]:
        x, y = arrays
        return [x @ y, np.sin(x)]

    x, y = np.arange(1, 7, dtype=np.longdouble).reshape(2, 3) / 7, np.arange(3, dtype=np.longdouble) + 1
    matrix, rough = differences.jacobian(function, [x, y], STEP, 8)
    assert matrix.shape == (8, 9)
    assert not rough.any()
    assert np.abs(matrix[0, :3] - y).max() < GOOD
    assert np.abs(matrix[0, 6:] - x[0]).max() < GOOD
    assert np.abs(np.diag(matrix[2:, :6]) - np.cos(x).reshape(-1)).max() < GOOD


def test_complex_numbers_count_as_pairs() -> None:
    z = np.array([0.5 + 0.25j], np.clongdouble)
    matrix, _ = differences.jacobian(lambda arrays: [arrays[0] ** 2], [z], STEP, 2)
    a, b = 0.5, 0.25
    assert np.abs(matrix - np.array([[2 * a, -2 * b], [2 * b, 2 * a]])).max() < GOOD


def test_vectors_and_arrays_are_inverse() -> None:
    arrays = [np.ones((2, 2), np.longdouble), np.array(1 + 2j, np.clongdouble), np.zeros((0, 3), np.longdouble)]
    again = differences.from_real_vector(differences.as_real_vector(arrays), arrays)
    assert all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(arrays, again, strict=True))


def test_kinks_and_jumps_are_noticed_and_smooth_functions_are_not() -> None:
    at = [np.array([0.0, 1.0, 1e-6, -3.0], np.longdouble)]
    _, at_kink = differences.jacobian(lambda arrays: [np.abs(arrays[0])], at, STEP, 4)
    assert np.diag(at_kink).tolist() == [True, False, True, False]
    _, at_jump = differences.jacobian(lambda arrays: [np.floor(arrays[0])], [at[0] + 0.5], STEP, 4)
    assert not at_jump.any()
    _, at_jump = differences.jacobian(lambda arrays: [np.floor(arrays[0])], at, STEP, 4)
    assert np.diag(at_jump).tolist() == [True, True, True, True]
    for smooth in (np.sin, np.exp, np.square, np.cosh, lambda x: x**5 - 1000 * x**4):
        _, rough = differences.jacobian(lambda arrays, f=smooth: [f(arrays[0])], at, STEP, 4)  # type: ignore[misc]
        assert not rough.any()
