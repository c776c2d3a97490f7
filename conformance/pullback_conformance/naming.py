"""How a script names a backend and a dtype."""

from __future__ import annotations

import inspect

import pullback as pb
from pullback.extend import Backend, DType, backend_specs, known_backends


def class_of(backend: Backend) -> tuple[str, str] | None:
    """Module and name of the class to make a backend of; both empty where none will do, None where a plugin does it."""
    if backend.name in {spec.name for spec in backend_specs()}:
        return None
    spec = known_backends().get(backend.name)
    loader = spec.loader if spec else f"{type(backend).__module__}:{type(backend).__qualname__}"
    module, _, name = loader.partition(":")
    if not all(part.isidentifier() for part in f"{module}.{name}".split(".")) or not _needs_nothing(type(backend)):
        return "", ""
    return module, name


def _needs_nothing(kind: type) -> bool:
    """Whether a class is called without arguments."""
    parameters = inspect.signature(kind).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def dtype_source(dtype: DType) -> str:
    """A dtype as Python source."""
    name = dtype.name if isinstance(getattr(pb, dtype.name, None), DType) else f"{dtype.name}_"
    return f"pb.{name}"
