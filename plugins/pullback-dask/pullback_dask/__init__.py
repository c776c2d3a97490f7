"""dask.array as a backend of pullback: what pullback reads before it loads dask."""

from pullback.extend import BackendSpec, hookimpl

pullback_extension_api = (1, 1)


@hookimpl
def pullback_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="dask",
            loader="pullback_dask.backend:DaskBackend",
            description="dask.array: lazy, in chunks",
            array_modules=("dask",),
            install="pip install pullback-dask",
        )
    ]
