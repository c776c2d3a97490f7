"""PyTorch's autograd semantics over any array library: ``import pullback as pb``.

The namespace is PyTorch's: ``pb.tensor``, ``pb.ones``, ``pb.no_grad``, ``x.backward()``. ``_names.py`` and
``ops/_index.py`` list what is in it and where that is; the stub beside this file tells it to type checkers and editors.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import Any as _Any

from pullback import _names
from pullback.dispatch.out_functions import FunctionsWithOut as _FunctionsWithOut
from pullback.errors import did_you_mean as _did_you_mean
from pullback.ops import _index
from pullback.tensor import Tensor as _Tensor
from pullback.tensor.modes import ASKED_FOR as _ASKED_FOR

__version__ = "0.1.0"

for _module, _words in {**_names.NAMES, **_index.FUNCTIONS}.items():
    _found = vars(_import_module(f"pullback.{_module}"))
    # Skips what a family has no more: the package can be imported to write the index again.
    globals().update({_public: _found[_name] for _public, _name in _names.renamed(_words) if _name in _found})
for _module in (*_names.METHODS.split(), *_index.METHODS):
    _import_module(f"pullback.{_module}")
if _ASKED_FOR:
    _import_module("pullback.dispatch.whole_program")
_inplace = f"{_names.INPLACE} {_index.INPLACE}".split()
globals().update({_name: vars(_Tensor)[_name] for _name in _inplace if _name in vars(_Tensor)})

_late = {
    _public: (_module, _name)
    for _module, _words in {**_names.LATE, **_index.LATE}.items()
    for _public, _name in _names.renamed(_words)
}
_modules = _names.MODULES.split()

__all__ = sorted(
    ["e", "inf", "nan", "pi", *_late, *_modules, *_inplace]
    + [
        _public
        for _words in (*_names.NAMES.values(), *_index.FUNCTIONS.values())
        for _public, _ in _names.renamed(_words)
    ]
)

# Functions that take ``out=`` are taken out, and made when they are first used.
_functions_with_out = _FunctionsWithOut(globals())


def __getattr__(name: str) -> _Any:
    # Made or imported when first used: a program without modules and optimizers starts sooner.
    if name in _functions_with_out:
        return _functions_with_out.make(name)
    if name in _late:
        module, original = _late[name]
        home = _import_module(f"pullback.{module}")
        found = getattr(home if hasattr(home, original) else _Tensor, original)
        found = globals()[name] = _functions_with_out.later(name, found)
        return found
    if name not in _modules:
        # Without the object Python adds no guess of its own.
        raise AttributeError(
            f"module 'pullback' has no attribute {name!r}{_did_you_mean(name, __all__)}", name=name, obj=None
        )
    return _import_module(f"pullback.{name}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
