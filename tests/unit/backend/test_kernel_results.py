"""Kernels whose results have a dtype or shape that is not the operation's are refused, at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.errors import BackendError
from pullback_numpy.backend import NumPyBackend


class Wrong(NumPyBackend):
    """Its kernels give something else than the standard says."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "wrong"

    def sqrt(self, x: Any, /, **options: Any) -> Any:
        return np.sqrt(x).astype(np.float16)

    def cos(self, x: Any, /, **options: Any) -> Any:
        return [1, 2, 3]

    def less(self, x: Any, y: Any, /, **options: Any) -> Any:
        return np.subtract(x, y)

    def exp(self, x: Any, /, **options: Any) -> Any:
        return np.exp(x).sum()

    def multiply(self, x: Any, y: Any, /, **options: Any) -> Any:
        return np.multiply.outer(x, y)


CASES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "narrower": (lambda x: x.sqrt(), r"sqrt\(\): the kernel 'sqrt' .* dtype float16 for .*float32; expected float32"),
    "list": (lambda x: x.cos(), r"cos\(\): the kernel 'cos' .* dtype int64 for .*float32; expected float32"),
    "no truth values": (lambda x: x < x, r"lt\(\): the kernel 'less' .* dtype float32 for .*float32; expected bool"),
    "reduced": (lambda x: x.exp(), r"exp\(\): the kernel 'exp' .* shape \[\]; expected \[3\]"),
    "not broadcast": (lambda x: x * x, r"mul\(\): the kernel 'multiply' .* shape \[3, 3\]; expected \[3\]"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_result_of_another_dtype_or_shape_is_an_error(case: str) -> None:
    function, message = CASES[case]
    x = pb.Tensor._wrap(np.ones(3, np.float32), Wrong())
    for _ in range(2):
        with pytest.raises(BackendError, match=message):
            function(x)


def test_the_absolute_value_of_complex_numbers_is_real() -> None:
    assert pb.Tensor._wrap(np.ones(3, np.complex64), Wrong()).abs().dtype is pb.float32
