"""pullback's CuPy backend: NumPy's interface on NVIDIA GPUs."""

from __future__ import annotations

from pullback.extend import BackendSpec, hookimpl

pullback_extension_api = (1, 1)


@hookimpl
def pullback_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="cupy",
            loader="pullback_cupy.backend:CuPyBackend",
            description="CuPy arrays on NVIDIA GPUs",
            device_types=("cuda",),
            array_modules=("cupy",),
            install="pip install 'pullback[cupy13]'  (CUDA 12: 'pullback[cupy12]')",
        )
    ]
