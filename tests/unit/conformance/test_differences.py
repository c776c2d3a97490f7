"""Derivatives as differences of values: how good they are, and where they say that there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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


def far_from_right(function: Any, offset: float, slope: float) -> tuple[bool, float]:
    """Whether a function's derivative at 1 is called rough, and how wrong it is; ``offset`` moves the kink or jump."""
    derivative, is_rough = differences.directional(
        lambda arrays: [function(arrays[0] - 1 - np.longdouble(offset))],
        [np.ones(1, np.longdouble)],
        np.ones(1, np.longdouble),
        STEP,
    )
    return bool(is_rough[0]), float(abs(derivative[0] - slope))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("bend", [1.0, -0.75, 1e-3])
def test_a_kink_at_any_distance_is_noticed_or_harmless(side: int, bend: float) -> None:
    # A slope of a half, and of a half and `bend` beyond the kink; the point is on the side of the smaller slope.
    def kinked(x: Any) -> Any:
        return np.longdouble(0.5) * x + bend * side * np.maximum(side * x, 0)

    noticed = []
    for distance in np.linspace(0, 4, 641):
        is_rough, off = far_from_right(kinked, side * distance * STEP, 0.5)
        noticed.append(is_rough)
        assert is_rough or off < 1e-8, f"{distance} steps away"
    assert all(noticed[:319])  # up to 1.99 steps
    assert not any(noticed[481:])  # beyond 3 steps


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("height", [1.0, -3.0, 1e-6])
def test_a_jump_at_any_distance_is_noticed_or_harmless(side: int, height: float) -> None:
    for at_jump in (0.0, 0.5, 1.0):  # what the function is just there

        def jumping(x: Any, at_jump: float = at_jump) -> Any:
            return np.longdouble(0.5) * x + height * np.heaviside(x, at_jump)

        for distance in np.linspace(0, 4, 641):
            is_rough, off = far_from_right(jumping, side * distance * STEP, 0.5)
            assert is_rough or off < 1e-8, f"{distance} steps away"
            assert not is_rough or distance <= 3


def test_a_kink_between_two_smooth_pieces_is_noticed() -> None:
    for distance in np.linspace(0, 1.99, 200):
        is_rough, _ = far_from_right(lambda x: np.where(x > 0, np.sin(x), np.expm1(x / 2)), distance * STEP, 0.5)
        assert is_rough


def test_kinks_of_both_signs_in_reach_are_noticed_or_harmless() -> None:
    random = np.random.default_rng(0)
    for distance, gap in random.uniform(0, 3, (500, 2)):

        def clamped(x: Any, gap: float = gap) -> Any:
            return np.clip(x, 0, np.longdouble(gap * STEP))

        is_rough, off = far_from_right(clamped, distance * STEP, 0.0)
        assert is_rough or off < 1e-8, (distance, gap)
