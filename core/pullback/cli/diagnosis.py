"""What ``pullback doctor`` finds, as data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

PACKAGES = ("numpy", "ml_dtypes", "pluggy", "jax", "jaxlib", "cupy")

#: pullback's own environment variables; another ``PULLBACK_...`` that resembles one is probably misspelt.
STRICT = "PULLBACK_STRICT_PLUGINS"
TIMEOUT = "PULLBACK_PLUGIN_TIMEOUT"
OWN_VARIABLES = ("PULLBACK_BACKEND", STRICT, TIMEOUT)

#: Variables of the backends' libraries that change what they do or what they find.
FOREIGN_PREFIXES = ("JAX_", "XLA_", "CUPY_")
FOREIGN_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_PATH",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@dataclass
class Diagnosis:
    versions: dict[str, str | None]
    plugins: list[dict[str, Any]]
    backends: list[dict[str, Any]]
    environment: list[dict[str, str]]
    problems: list[dict[str, str]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def diagnose() -> Diagnosis:
    """Look at everything; what cannot be looked at is a problem in the list, not an exception."""
    import warnings

    problems: list[dict[str, str]] = []
    environment = _environment(problems)
    with _lenient_plugins(problems), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each of them is a problem in the list
        versions = _versions(problems)
        backends = _backends(problems)
        plugins = _plugins(problems)
    return Diagnosis(versions, plugins, backends, environment, problems)


@contextmanager
def _lenient_plugins(problems: list[dict[str, str]]) -> Iterator[None]:
    """Look at every plugin even where a broken one is to stop the program, or a setting makes no sense."""
    from pullback.plugin.isolation import plugin_seconds

    wanted = {STRICT: os.environ.pop(STRICT, None)}
    try:
        plugin_seconds()
    except ValueError as error:
        problems.append({"what": str(error), "fix": f"unset {TIMEOUT}"})
        wanted[TIMEOUT] = os.environ.pop(TIMEOUT, None)
    try:
        yield
    finally:
        os.environ.update({name: value for name, value in wanted.items() if value is not None})


def _versions(problems: list[dict[str, str]]) -> dict[str, str | None]:
    import platform

    import pullback

    versions: dict[str, str | None] = {
        "pullback": pullback.__version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
    }
    for package in PACKAGES:
        versions[package] = _installed_version(package)
    cupy = _cupy_distributions()
    if cupy:
        versions["cupy"] = ", ".join(f"{version} ({name})" for name, version in cupy.items())
    if len(cupy) > 1:
        surplus = " ".join(cupy)
        problems.append(
            {
                "what": f"several CuPy distributions overwrite each other: {', '.join(cupy)}",
                "fix": f"pip uninstall {surplus}",
            }
        )
    return versions


def _installed_version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cupy_distributions() -> dict[str, str]:
    """CuPy is distributed once for each CUDA version, under as many names."""
    from importlib.metadata import distributions

    from pullback.plugin.manager import name_and_version

    named = map(name_and_version, distributions())
    return {name: version for name, version in named if name.lower().replace("_", "-").split("-")[0] == "cupy"}


def _plugins(problems: list[dict[str, str]]) -> list[dict[str, Any]]:
    from pullback.plugin.manager import call_each, plugin_records

    for hook in ("pullback_operations", "pullback_tools", "pullback_conformance", "pullback_commands"):
        call_each(hook)  # one that fails is in the records from then on
    plugins = []
    for record in plugin_records():
        plugins.append({**record._asdict(), "broken": record.status != "loaded"})
        if record.reason or record.status != "loaded":
            origin = f"plugin {record.name!r} of distribution {record.distribution!r}"
            problems.append({"what": f"{origin}: {record.reason or record.status}", "fix": record.fix})
    return plugins


def _backends(problems: list[dict[str, str]]) -> list[dict[str, Any]]:
    from pullback.backend.registry import known_backends, unavailable_reason
    from pullback.plugin.isolation import LIBRARY_SECONDS, PluginFailure, plugin_seconds, run_isolated

    default = _default_backend(problems)
    backends = []
    for name, spec in known_backends().items():
        found: dict[str, Any] = {
            "name": name,
            "description": spec.description,
            "distribution": spec.distribution,
            "available": False,
            "broken": False,
            "default": name == default,
            "reason": unavailable_reason(name),
            "install": spec.install,
            "devices": [],
            "versions": {},
        }
        if found["reason"] is None:
            try:
                found |= run_isolated(partial(_description_of, name), seconds=plugin_seconds(LIBRARY_SECONDS)).result
                found["available"] = True
            except PluginFailure as failure:
                found["reason"] = str(failure).removeprefix("raised ")
                found["broken"] = True
        else:
            # An optional library that is absent is no fault; one that is there and fails to load is.
            found["broken"] = name == "numpy" or any(
                sign in found["reason"] for sign in (" does not load: ", "unavailable_reason() ", " did not answer ")
            )
        if found["broken"]:
            problems.append({"what": f"backend {name!r}: {found['reason']}", "fix": spec.install})
        backends.append(found)
    return backends


def _description_of(name: str) -> dict[str, Any]:
    from pullback.backend.registry import create_backend

    backend = create_backend(name)
    return {
        "devices": [str(device) for device in backend.devices()],
        "versions": {str(library): str(version) for library, version in backend.versions().items()},
    }


def _default_backend(problems: list[dict[str, str]]) -> str:
    from pullback.backend.registry import known_backends, unavailable_reason, unknown

    name = os.environ.get("PULLBACK_BACKEND", "").strip()
    if not name:
        return "numpy"
    reason = unavailable_reason(name) if name in known_backends() else str(unknown(name))
    if reason is not None:
        problems.append(
            {
                "what": f"PULLBACK_BACKEND={name} cannot be the default backend: {reason}",
                "fix": "unset PULLBACK_BACKEND",
            }
        )
    return name


def _environment(problems: list[dict[str, str]]) -> list[dict[str, str]]:
    from pullback.errors import did_you_mean
    from pullback.plugin.manager import strict_plugins

    try:
        strict_plugins()
    except ValueError as error:
        problems.append({"what": str(error), "fix": f"unset {STRICT}"})
    found = []
    for name, value in sorted(os.environ.items()):
        note = ""
        if name.startswith("PULLBACK_"):
            if name not in OWN_VARIABLES:
                note = "not one of pullback's own" + did_you_mean(name, OWN_VARIABLES)
        elif not (name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_VARIABLES):
            continue
        found.append({"name": name, "value": value, "note": note})
    return found
