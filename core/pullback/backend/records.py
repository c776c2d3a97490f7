"""The records that describe a backend before it is loaded, and what it cannot do.

Apart from the base class, because named tuples take a while to make: no tensor needs one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pullback.backend.names import name_problem
from pullback.meta.dtypes import DType


class Limitation(NamedTuple):
    """Something a backend declares that it cannot do, or does otherwise.

    Attributes
    ----------
    operation : str
        The operation's name; ``"*"`` for every operation.
    dtypes : frozenset of DType
        The dtypes concerned; empty for all.
    reason : str
        One line for the reader.
    case : str or None
        The conformance case concerned, where it is not the whole operation.
    """

    operation: str
    dtypes: frozenset[DType]
    reason: str
    case: str | None = None


class BackendSpec(NamedTuple):
    """How to load a backend, before any array library is imported: what ``pullback_backends`` returns.

    Attributes
    ----------
    name : str
        The name users select it by.
    loader : str
        ``"module:Class"``; the module may import the array library, and is imported when the backend is first
        used.
    distribution : str or None
        The distribution that provides it; filled in by discovery where it is None.
    description : str
        One line for ``pullback doctor``.
    device_types : tuple of str
        The kinds of device it may have, so that ``device="cuda"`` need not import every library to find one.
    array_modules : tuple of str
        The top-level packages its arrays' classes live in, so that a given array finds its backend.
    install : str
        The command that installs its array library.
    """

    name: str
    loader: str
    distribution: str | None = None
    description: str = ""
    device_types: tuple[str, ...] = ("cpu",)
    array_modules: tuple[str, ...] = ()
    install: str = ""


def spec_problem(spec: BackendSpec) -> str:
    """What is wrong with a description of a backend; the empty string where nothing is."""
    problem = name_problem(spec.name)
    if problem:
        return problem
    if not isinstance(spec.loader, str):
        return f"loader must be 'module:Class', not an object of type {type(spec.loader).__name__}"
    module, _, attribute = spec.loader.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *attribute.split(".")]):
        return f"loader must be 'module:Class', not {spec.loader!r}"
    for field in ("device_types", "array_modules"):
        value = getattr(spec, field)
        if not isinstance(value, (tuple, list)) or not all(isinstance(item, str) and item for item in value):
            hint = f"; did you mean ({value!r},)?" if isinstance(value, str) else ""
            return f"{field} must be a tuple of str, not {value!r}{hint}"
    for kind in spec.device_types:
        if not re.fullmatch("[a-z][a-z_]*", kind):
            return f"device_types must be kinds of device such as 'cuda', not {kind!r}"
    for field in ("description", "install"):
        if not isinstance(getattr(spec, field), str):
            return f"{field} must be a str, not an object of type {type(getattr(spec, field)).__name__}"
    if not isinstance(spec.distribution, (str, type(None))):
        return f"distribution must be a str, not an object of type {type(spec.distribution).__name__}"
    return ""


def spec_clash(spec: BackendSpec, others: Iterable[BackendSpec]) -> str:
    """Why a backend cannot be beside others of other names: ``.to("cuda")`` has to mean one thing."""
    for other in (spec, *others):
        if spec.name in other.device_types:
            return f"{spec.name!r} is a kind of device of backend {other.name!r}, and cannot be a backend's name too"
        if other.name in spec.device_types:
            return f"{other.name!r} is a backend, and cannot be a kind of device of backend {spec.name!r} too"
    return ""
