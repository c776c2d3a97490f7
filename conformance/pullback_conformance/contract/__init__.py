"""The contract of a backend itself, method by method: questions that no operation's result answers."""

from __future__ import annotations

from pullback_conformance.contract import (  # noqa: F401  they declare the probes
    conversions,
    creation,
    devices,
    dlpack,
    in_place,
    kernels,
    knowing_dtypes,
    making_arrays,
    memory,
    numpy_exchange,
    random_words,
    silence,
    views,
    writes,
)
from pullback_conformance.contract.probe import METHODS, Method, NotAsked, Probe

__all__ = ["METHODS", "Method", "NotAsked", "Probe"]
