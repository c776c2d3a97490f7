"""What the contract's probes are, and the table of them by the method of the backend that each asks about."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pullback.extend import Backend, DType

#: ``run(backend, dtype)`` says what is wrong, or gives None; see :func:`probe` for what else it may take.
Question: TypeAlias = Callable[..., str | None]

#: What the names of the contract's rows begin with, so that they are no operation's.
PREFIX: Final = "backend."

#: What judges the samples.
JUDGE: Final = "the contract of backends"


class NotAsked(Exception):
    """A probe's question does not arise on this backend, with the reason."""


def any_dtype(dtype: DType) -> bool:
    """Of a probe that is run in every dtype."""
    return True


def one_dtype(dtype: DType) -> bool:
    """Of a probe that no dtype takes part in: it is run once."""
    return dtype.name == "float32"


@dataclass(frozen=True)
class Probe:
    """One question about a method.

    Attributes
    ----------
    name : str
        The label of its sample.
    run : callable
    question : str
        In a sentence.
    dtypes : callable
        Tells in which dtypes it is asked.
    mutable : bool or None
        Whether it is asked of backends with arrays that can be written, or without; None for both.
    variants : callable or None
        ``variants(backend, dtype)`` gives the names with each of which it is asked.
    long : bool
        Whether it takes a while, and is left to the tiers that run every sample.
    """

    name: str
    run: Question
    question: str
    dtypes: Callable[[DType], bool] = any_dtype
    mutable: bool | None = None
    variants: Callable[[Backend, DType], Sequence[str]] | None = None
    long: bool = False

    def is_asked(self, backend: Backend, dtype: DType, complete: bool = True) -> bool:
        """Whether the question arises, in a tier that has every sample or not."""
        return self.dtypes(dtype) and self.mutable in (None, backend.mutable) and (complete or not self.long)

    def calls(self, backend: Backend, dtype: DType, seed: int) -> list[Call]:
        """Everything that is asked, one sample each."""
        given = {"seed": seed} if "seed" in inspect.signature(self.run).parameters else {}
        if self.variants is None:
            return [Call(self, self.name, given)]
        variants = self.variants(backend, dtype)
        return [Call(self, f"{self.name} {v}".strip(), {"variant": v, **given}) for v in variants]


@dataclass(frozen=True)
class Call:
    """A probe with the arguments of one sample.

    Attributes
    ----------
    label : str
        The sample's.
    arguments : dict
        What the probe gets beside backend and dtype.
    """

    probe: Probe
    label: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def problem(self, backend: Backend, dtype: DType) -> str | None:
        """What is wrong."""
        return self.probe.run(backend, dtype, **self.arguments)


@dataclass(eq=False)
class Method:
    """A method of the contract, or several that say one thing: in the grid it stands where operations do.

    Attributes
    ----------
    name : str
        As ``backend.from_numpy``.
    module : str
        Its last part is the family that reports show it in.
    probes : list of Probe
    """

    name: str
    module: str = "contract.backend"
    probes: list[Probe] = field(default_factory=list)

    def is_asked(self, backend: Backend, dtype: DType, complete: bool = True) -> bool:
        """Whether any of its questions arises, in a tier that has every sample or not."""
        return any(probe.is_asked(backend, dtype, complete) for probe in self.probes)

    def calls(self, backend: Backend, dtype: DType, seed: int, complete: bool = True) -> list[Call]:
        """The samples in a dtype: all, or those that every tier has."""
        asked = [probe for probe in self.probes if probe.is_asked(backend, dtype, complete)]
        return [call for probe in asked for call in probe.calls(backend, dtype, seed)]


#: Every row of the contract by its name.
METHODS: Final[dict[str, Method]] = {}


def probe(
    method: str,
    name: str,
    *,
    dtypes: Callable[[DType], bool] = any_dtype,
    mutable: bool | None = None,
    variants: Callable[[Backend, DType], Sequence[str]] | None = None,
    long: bool = False,
) -> Callable[[Question], Question]:
    """Declare a function a probe of a method.

    It is called with the backend and a dtype, with ``variant=`` where there are variants, and with ``seed=`` where it
    has such a parameter. The first line of its docstring is the question. Its source is a script's: what it uses of
    this folder has to stand at the top level of a module.
    """

    def declare(function: Question) -> Question:
        lines = (function.__doc__ or "").strip().splitlines()
        if not lines:
            raise TypeError(f"the probe {name!r} of {method} asks nothing: its docstring is its question")
        declared = Probe(name, function, lines[0], dtypes, mutable, variants, long)
        row = METHODS.setdefault(PREFIX + method, Method(PREFIX + method))
        if any(other.name == name for other in row.probes):
            raise ValueError(f"two probes of {method} are called {name!r}")
        row.probes.append(declared)
        return function

    return declare
