"""What judged a sample, in words, and how precise that is: the text that records have for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Final

import numpy as np

from pullback_conformance.oracles import jax_differentiation, pytorch, torch_runner
from pullback_conformance.oracles.extended import extended_backend, has_extended_precision
from pullback_conformance.oracles.multiprecision import DIGITS

#: NumPy with float64 kernels, for what it has no other for.
DOUBLE_PRECISION: Final = "numpy in double precision"

#: What to install for an oracle that is missing.
INSTALL: Final = "pip install 'pullback[conformance]'"


@cache
def _precisions() -> dict[str, str]:
    extended = f"{np.finfo(np.longdouble).nmant + 1} bits"
    return {
        "mpmath": f"{DIGITS} digits",
        extended_backend().name: extended,
        DOUBLE_PRECISION: "53 bits",
        "the same integers in extended precision": extended,
        "the same numbers in extended precision": extended,
        "exact rational arithmetic": "exact",
        "Python's integers": "exact",
        f"PyTorch {pytorch.version()}": "float64",
        jax_differentiation.SOURCE: "float64",
        torch_runner.SOURCE: "the same dtype",
    }


def with_precision(source: str, reference: str) -> str:
    """An oracle's name with its precision.

    Parameters
    ----------
    reference : str
        The name of the backend that runs in the dtype under test.

    Examples
    --------
    >>> with_precision("mpmath", "numpy")
    'mpmath (40 digits)'
    >>> with_precision("numpy", "numpy")
    'numpy (the same dtype)'
    """
    if source == reference:
        return f"{source} (the same dtype)"
    precision = _precisions().get(source)
    return source if precision is None else f"{source} ({precision})"


def available(asked: Sequence[str] = ()) -> dict[str, str]:
    """The oracles of a run, each with what there is of it here; ``missing`` begins what there is not.

    Parameters
    ----------
    asked : sequence of str
        Those that a run has only if they are asked for.
    """
    optional = {}
    if "jax" in asked:
        optional[jax_differentiation.SOURCE] = f"JAX {_version('jax')}, float64"
    if "torch" in asked:
        optional[torch_runner.SOURCE] = f"PyTorch {_version('torch')}, the dtype under test"
    return optional | {
        "mpmath": f"{_version('mpmath')}, {DIGITS} digits" if find_spec("mpmath") else f"missing; {INSTALL}",
        "NumPy in extended precision": f"{np.finfo(np.longdouble).nmant + 1} bits"
        if has_extended_precision()
        else "missing: this platform's long double is float64",
        "exact rational arithmetic": "Python's fractions",
        "differences of values": "fourth order, about 12 digits" if has_extended_precision() else "about 9 digits",
        "PyTorch's table": f"PyTorch {pytorch.version()}, float64",
    }


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)
