"""The operations, grouped as PyTorch's documentation groups them; a file a family.

``import pullback`` imports those of its own namespace, ``pullback.nn.functional`` its own.
"""

from __future__ import annotations


def import_all() -> None:
    """Import every family, so that ``pullback.dispatch.declaration.registry`` holds each operation there is."""
    import importlib
    import pkgutil

    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
