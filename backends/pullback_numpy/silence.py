"""Computing in silence: NaN and inf are values here, of which NumPy shall not warn."""

from __future__ import annotations

from functools import wraps
from types import FunctionType
from typing import Any

import numpy as np

from pullback.extend import Kernel

_namespaces: dict[str, dict[str, Any]] = {}


def nameless(function: Any) -> Any:
    """The function as one of a module without a name, and with it those of this package that it calls.

    Python shows no warning that such a module is said to cause, as NumPy's compiled functions say of what calls them.
    It costs nothing, and is of no use to what calls functions that NumPy has written in Python.
    """
    names = function.__globals__
    module: str = function.__module__
    if module not in _namespaces:
        namespace = _namespaces[module] = {**names, "__name__": None}
        for name, value in names.items():
            if isinstance(value, FunctionType) and (value.__module__ or "").startswith("pullback_numpy."):
                namespace[name] = nameless(value)
    made = FunctionType(
        function.__code__, _namespaces[module], function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__, made.__annotations__ = function.__kwdefaults__, function.__annotations__
    made.__qualname__, made.__module__, made.__doc__ = function.__qualname__, module, function.__doc__
    return made


try:
    # What np.errstate sets, without what it costs to make one: more than a small operation.
    from numpy._core.umath import _extobj_contextvar, _make_extobj  # type: ignore[attr-defined]
except ImportError:  # another version of NumPy

    def computing(kernel: Kernel, **errors: str) -> Kernel:
        """The kernel, computing under these options of ``np.errstate``."""

        @wraps(kernel)
        def call(*arguments: Any, **options: Any) -> Any:
            with np.errstate(**errors):  # type: ignore[call-overload]
                return kernel(*arguments, **options)

        return call

else:
    _get, _set = _extobj_contextvar.get, _extobj_contextvar.set

    def computing(kernel: Kernel, **errors: str) -> Kernel:
        """The kernel, computing under these options of ``np.errstate``."""
        settings = _make_extobj(**errors)

        @wraps(kernel)
        def call(*arguments: Any, **options: Any) -> Any:
            before = _get()
            try:
                _set(settings)
                return kernel(*arguments, **options)
            finally:
                _set(before)

        return call


def in_silence(kernel: Kernel) -> Kernel:
    """The kernel, computing in silence."""
    return computing(kernel, all="ignore")
