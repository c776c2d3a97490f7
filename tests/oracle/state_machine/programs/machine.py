"""Runs the steps of a program on one library."""

from __future__ import annotations

from contextlib import nullcontext
from types import CodeType
from typing import Any

from programs.functions import functions
from programs.step import Step

_classes: dict[Any, dict[str, Any]] = {}
_compiled: dict[str, CodeType] = {}


class UnknownVariable(Exception):
    """The program uses a tensor that no earlier step has made."""


class Machine:
    """One library, and the tensors that the program has made so far.

    Attributes
    ----------
    lib
        ``torch`` or ``pullback``.
    backend : str or None
        The name of pullback's backend.
    tensors : dict
        The live tensors by the names of their variables.
    """

    def __init__(self, lib: Any, backend: str | None = None) -> None:
        self.lib = lib
        self.backend = backend
        self.tensors: dict[str, Any] = {}
        if lib not in _classes:
            _classes[lib] = functions(lib)

    def run(self, step: Step) -> tuple[str, ...]:
        """Run one step, and name its results; a result that is a tensor with a name already gets no other.

        Raises
        ------
        Exception
            Whatever the library raises.
        """
        if not step.operands <= self.tensors.keys():
            raise UnknownVariable(step.operands - self.tensors.keys())
        source = step.source() if step.is_statement else f"result = {step.source()}"
        code = _compiled.get(source)
        if code is None:
            if len(_compiled) > 10_000:
                _compiled.clear()
            code = _compiled[source] = compile(source, "<step>", "exec")
        names = dict(self.tensors)
        with (
            nullcontext() if self.backend is None else self.lib.use_backend(self.backend),
            self.lib.set_grad_enabled(step.grad),
        ):
            exec(code, {"lib": self.lib, **_classes[self.lib]}, names)
        if step.form == "del":
            del self.tensors[next(iter(step.operands))]
        result = names.get("result")
        several = isinstance(result, tuple | list)
        results = list(result) if several else [result]  # type: ignore[arg-type]
        bound = []
        for number, tensor in enumerate(results):
            if tensor is None or isinstance(tensor, tuple) or self.name_of(tensor) is not None:
                continue
            name = f"t{step.number}_{number}" if several else f"t{step.number}"
            self.tensors[name] = tensor
            bound.append(name)
        return tuple(bound)

    def name_of(self, tensor: Any) -> str | None:
        """The variable that holds this very tensor."""
        return next((name for name, held in self.tensors.items() if held is tensor), None)
