"""Elementwise functions: which loop runs is decided as CuPy decides it, and NumPy computes what the loop would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from stand_in import elementwise
from stand_in.dtypes import Scalar, bfloat16, get_dtype
from stand_in.launches import operand, result, silently

_TABLE = json.loads((Path(__file__).parent / "loops.json").read_text())
VERSION: str = _TABLE["version"]
#: Functions whose Python integers have a dtype of their own (``promote_weak_int`` of _routines_logic.pyx).
STRONG_INTEGERS = frozenset(
    ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or")
)


class Loop:
    """The dtypes that a function computes with; some only say why it does not."""

    __slots__ = ("error", "ins", "outs")

    def __init__(self, ins: str, outs: str, error: str | None) -> None:
        self.ins, self.outs = (tuple(map(_named, names.split())) for names in (ins, outs))
        self.error = error


def _named(name: str) -> Any:
    return bfloat16 if name == "bfloat16" else np.dtype(name)


class ufunc:
    """An elementwise function (cupy/_core/_kernel.pyx)."""

    def __init__(self, name: str, entry: Any, compute: Any = None) -> None:
        self.name = self.__name__ = entry["name"]
        self._public = name
        self.nin, self.nout = entry["nin"], entry["nout"]
        self.nargs = self.nin + self.nout
        self._scatter_op = entry["scatter"]
        self._loops = [Loop(*loop) for loop in entry["loops"]]
        given = entry["loops_of_dtype"]
        self._loops_of_dtype = self._loops if given is None else [Loop(*loop) for loop in given]
        self._compute = compute or elementwise.function(name)
        self._found: dict[Any, Loop | None] = {}

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    @property
    def types(self) -> list[str]:
        return ["->".join("".join(t.char for t in side) for side in (p.ins, p.outs)) for p in self._loops]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        where = kwargs.pop("_where", None)
        dtype = kwargs.pop("dtype", None)
        casting = kwargs.pop("casting", "same_kind")
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(
                f"Wrong number of arguments for {self.name!r}. It must be either {self.nin} or {self.nargs} (with "
                f"outputs), but given {len(args)}."
            )
        ins, outs = args[: self.nin], args[self.nin :]
        if out is not None:
            if outs:
                raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
            outs = out if isinstance(out, tuple) else (out,)
            if len(outs) != self.nout:
                raise ValueError("The 'out' tuple must have exactly one entry per ufunc output")
        operands = [operand(x) for x in ins]
        targets = [None if x is None else operand(x) for x in outs] or [None] * self.nout
        if any(isinstance(x, Scalar) for x in targets):
            raise TypeError("return arrays must be of ArrayType")
        loop = self._loop(operands, dtype)
        shape = np.broadcast_shapes(*(() if isinstance(x, Scalar) else x.shape for x in operands))
        for target in targets:
            if target is not None and np.broadcast_shapes(shape, target.shape) != target.shape:
                raise ValueError("Out shape is mismatched")
        shape = next((target.shape for target in targets if target is not None), shape)
        for target, computed in zip(targets, loop.outs, strict=True):
            if target is not None and not np.can_cast(computed, target.dtype, casting):
                raise TypeError(
                    f"Cannot cast output from {computed!r} to {target.dtype!r} according to the rule '{casting}'"
                )
        hosts = [
            x.as_dtype(t) if isinstance(x, Scalar) else _cast(x._host, t)
            for x, t in zip(operands, loop.ins, strict=True)
        ]
        with silently():
            computed_values = self._compute(loop, *hosts)
        if self.nout == 1:
            computed_values = (computed_values,)
        results = []
        for target, value, made in zip(targets, computed_values, loop.outs, strict=True):
            if target is None:
                results.append(result(value, made, shape))
                continue
            with silently():
                np.copyto(target._host, _cast(np.asarray(value), target.dtype), where=_mask(where))
            results.append(target)
        return results[0] if self.nout == 1 else tuple(results)

    def _loop(self, operands: list[Any], dtype: Any) -> Loop:
        if dtype is not None:
            dtype = get_dtype(dtype)
            found = next((p for p in self._loops_of_dtype if all(t == dtype for t in p.outs)), None)
        else:
            types = tuple(x.dtype for x in operands)
            weak = self._weak(types, tuple(isinstance(x, Scalar) and x.weak for x in operands))
            key = types, weak
            if key not in self._found:
                self._found[key] = next((p for p in self._loops if _fits(p.ins, types, weak)), None)
            found = self._found[key]
        if found is None:
            raise TypeError(f"Wrong type ({dtype or types}) of arguments for {self.name}")
        if found.error is not None:
            raise TypeError(found.error.partition(": ")[2])
        return found

    def _weak(self, types: tuple[Any, ...], weak: tuple[Any, ...]) -> tuple[Any, ...]:
        """Which scalars take the others' dtype (``_check_should_use_weak_scalar``, and ``promote_weak_int``)."""
        scalars = [_kind_of_scalar(w) for w in weak if w]
        arrays = [_kind_of_dtype(t) for t, w in zip(types, weak, strict=True) if not w]
        if not scalars or not arrays or max(arrays) < max(scalars):
            return (False,) * len(types)
        if self._public in STRONG_INTEGERS and len(arrays) == 1 and weak.count(int) and arrays[0] == 1:
            return (False, False)
        return weak

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        if self._scatter_op is None:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        a._scatter_op(indices, b, self._scatter_op)

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        if self.name == "cupy_add":
            return array.sum(axis, dtype, out, keepdims)
        if self.name == "cupy_multiply":
            return array.prod(axis, dtype, out, keepdims)
        raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        if self.name == "cupy_add":
            return array.cumsum(axis, dtype, out)
        if self.name == "cupy_multiply":
            return array.cumprod(axis, dtype, out)
        raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:
        return self(A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape), **kwargs)


def _fits(loop: tuple[Any, ...], types: tuple[Any, ...], weak: tuple[Any, ...]) -> bool:
    for wanted, given, scalar in zip(loop, types, weak, strict=True):
        if np.can_cast(given, wanted):
            continue
        if not scalar:
            return False
        try:
            if np.result_type(scalar(0), wanted) != wanted:
                return False
        except TypeError:
            return False
    return True


def _kind_of_dtype(dtype: Any) -> int:
    return {"b": 0, "i": 1, "u": 1, "f": 2, "c": 2}.get(dtype.kind, 3)


def _kind_of_scalar(kind: type) -> int:
    return 1 if kind is int else 2


def _cast(host: Any, dtype: Any) -> Any:
    """``fix_cast_expr`` of cupy/_core/_kernel.pyx: of complex numbers the real part, or whether they are zero."""
    if host.dtype == dtype:
        return host
    if host.dtype.kind == "c" and dtype.kind not in "cb":
        host = host.real
    with silently():
        return host.astype(dtype)


def _mask(where: Any) -> Any:
    if where is None:
        return True
    where = operand(where)
    if isinstance(where, Scalar):
        return bool(where.value)
    if where.dtype != np.bool_:
        raise TypeError(f"Cannot cast array data from {where.dtype!r} to dtype('bool') according to the rule 'safe'")
    return where._host


def entry(name: str) -> Any:
    return _TABLE["functions"][name]


def elementwise_functions(names: Any) -> dict[str, ufunc]:
    """The functions of these names, one object for those that are the same one in CuPy."""
    made: dict[str, ufunc] = {}
    found = {}
    for name in names:
        same = entry(name)["name"]
        found[name] = made.setdefault(same, ufunc(name, entry(name)))
    return found


def names() -> list[str]:
    """The elementwise functions of the table that NumPy computes too."""
    return [name for name in _TABLE["functions"] if elementwise.known(name)]
