"""pullback's NumPy backend: the default, and the one the others are compared with."""

from __future__ import annotations

from pullback.extend import BackendSpec, hookimpl

pullback_extension_api = (1, 1)


@hookimpl
def pullback_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="numpy",
            loader="pullback_numpy.backend:NumPyBackend",
            description="NumPy arrays on the CPU",
            array_modules=("numpy",),
            install="pip install numpy",
        )
    ]
