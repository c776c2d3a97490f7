"""PyTorch as a backend of pullback: what pullback reads before it loads PyTorch."""

from pullback.extend import BackendSpec, hookimpl

pullback_extension_api = (1, 1)


@hookimpl
def pullback_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="pytorch",
            loader="pullback_torch.backend:TorchBackend",
            description="PyTorch on the CPU",
            array_modules=("torch",),
            install="pip install pullback-torch",
        )
    ]
