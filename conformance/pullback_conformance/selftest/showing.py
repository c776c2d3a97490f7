"""The proof that a planted defect is one: its program's value differs from that on the clean loopback."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

import pullback
from pullback.extend import Tensor, use_backend
from pullback_conformance.moving import to_numpy
from pullback_conformance.selftest.catalogue import catalogue
from pullback_conformance.selftest.defect import Defect
from pullback_conformance.selftest.loopbacks import loopback_class


def shows(defect: Defect) -> bool:
    """Whether the program of a defect has another value on the backend that has it than on the clean one."""
    clean = loopback_class(defect.mutable)()
    right = value_of(defect.program, clean)
    if value_of(defect.program, clean) != right:
        raise AssertionError(f"{defect.name}: its program has several values on the clean loopback")
    with defect.planted() as backend:
        return value_of(defect.program, backend) != right


def value_of(program: str, backend: Any) -> Any:
    """What an expression gives with a backend: its result to the bit or its error, and its warnings."""
    names = {"pb": pullback, "np": np, "backend": backend, "repeat": _repeat}
    with use_backend(backend), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = _comparable(eval(program, names))
        except (Exception, SystemExit) as error:
            value = ("raised", type(error).__name__)
    return value, [type(w.message).__name__ for w in caught if w.category is not DeprecationWarning]


def _repeat(times: int, function: Any) -> Any:
    """What the last of some calls gives."""
    for _ in range(times - 1):
        function()
    return function()


def _comparable(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ("tensor", value.dtype.name, tuple(value.shape), tuple(value.stride()), to_numpy(value).tobytes())
    if isinstance(value, np.ndarray):
        return ("array", str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, list | tuple):
        return [_comparable(part) for part in value]
    return repr(value)


def main() -> None:
    """Evaluate the program of the defect that is named, for those that end the process."""
    defect = catalogue()[sys.argv[1]]
    with defect.planted() as backend:
        print("begins", flush=True)
        value_of(defect.program, backend)
    print("came back")


if __name__ == "__main__":
    main()
