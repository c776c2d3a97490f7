"""The functions of neural networks: activations, affine maps, losses, normalisation.

Operations say in their declarations that they are among them; ``ops/_index.py`` is written from that.
"""

from __future__ import annotations

from importlib import import_module

from pullback.dispatch.declaration import public_function
from pullback.dispatch.overridable import make_module_overridable
from pullback.ops._index import FUNCTIONAL

__all__ = sorted(" ".join(FUNCTIONAL.values()).split())

for _module, _words in FUNCTIONAL.items():
    _family = vars(import_module(f"pullback.{_module}"))
    globals().update({_name: public_function(_family[_name]) for _name in _words.split() if _name in _family})

make_module_overridable(__name__)
