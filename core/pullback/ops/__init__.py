"""The operations, a file a family.

``import pullback`` imports those of its own namespace, ``pullback.nn.functional`` its own.
"""

from __future__ import annotations


def import_all() -> None:
    """Import every family, so that ``pullback.op.registry`` holds each operation there is."""
    import importlib
    import pkgutil

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
