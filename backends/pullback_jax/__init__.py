"""pullback's JAX backend: XLA's kernels, run one by one or under ``jax.jit``."""

from __future__ import annotations

from pullback.extend import BackendSpec, hookimpl

pullback_extension_api = (1, 1)


@hookimpl
def pullback_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="jax",
            loader="pullback_jax.backend:JAXBackend",
            description="JAX arrays on any device XLA compiles for",
            device_types=("cpu", "cuda", "tpu"),
            array_modules=("jax", "jaxlib"),
            install="pip install 'pullback[jax]'",
        )
    ]
