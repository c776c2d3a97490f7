"""Calls with wrong arguments, drawn at random: an operation's sample with one or two of its arguments replaced."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional

import pullback as pb
import pullback.nn.functional
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.samples import samples_of


class Call(NamedTuple):
    """One call: in pullback's tensors; ``form`` says whether of the function, a method, or one of ``nn.functional``."""

    form: str
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __repr__(self) -> str:
        parts = [_shown(a) for a in self.args] + [f"{k}={_shown(v)}" for k, v in self.kwargs.items()]
        return f"{self.form}.{self.name}({', '.join(parts)})"


class Keyed:
    """Stands for a keyword to add to a call."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value


def _shown(value: Any) -> str:
    if isinstance(value, pb.Tensor):
        return f"{value.dtype.name}{tuple(value.shape)}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}[{', '.join(map(_shown, value))}]"
    return f"{type(value).__name__}:{value!r}" if isinstance(value, np.generic) else repr(value)[:40]


#: What an argument is replaced by; tensors are made anew for each call.
WRONG: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: "a",
    lambda: "",
    lambda: [1],
    list,
    lambda: (0,),
    lambda: [1.5],
    lambda: ["a"],
    lambda: (None,),
    lambda: {"a": 1},
    lambda: 1.5,
    lambda: 2.0,
    lambda: float("nan"),
    lambda: True,
    lambda: False,
    lambda: -1,
    lambda: 0,
    lambda: 1,
    lambda: 3,
    lambda: -7,
    lambda: 2**31,
    lambda: 2**63 - 1,
    lambda: 2**63,
    lambda: -(2**70),
    lambda: 1j,
    lambda: object,
    lambda: np.int64(1),
    lambda: np.float32(0.5),
    lambda: np.bool_(True),
    lambda: pb.float64,
    lambda: pb.int64,
    lambda: float,
    lambda: pb.tensor(1),
    lambda: pb.tensor(0.5),
    lambda: pb.tensor(True),
    lambda: pb.tensor([1.0, 2.0]),
    lambda: pb.tensor([[1.0, 2.0, 3.0]] * 7),
    lambda: pb.tensor([0, 1]),
    lambda: pb.tensor([]),
    lambda: pb.tensor([1j]),
    lambda: pb.tensor([True, False]),
    lambda: pb.zeros(0, 3),
    lambda: [pb.tensor([1.0]), pb.tensor([2.0])],
    lambda: [pb.tensor([1.0]), 2],
    lambda: slice(1, 2),
    lambda: range(2),
    lambda: b"a",
)
KEYWORDS = ("dim", "axis", "keepdim", "out", "dtype", "alpha", "other", "foo", "device", "inplace", "input", "self")
#: What a call that differs would change for all others, or may not end.
_LEFT_OUT = frozenset(
    ("empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "empty_permuted", "resize_")
)


def bases() -> list[Call]:
    """Right calls: of each operation the first samples, of every form that it has in both libraries."""
    import_all()
    backend = pb.get_backend("numpy")
    found: list[Call] = []
    for record in sorted(registry.values(), key=lambda r: r.name):
        dtype = next((d for d in (pb.float32, pb.int64, pb.bool) if d in record.dtypes), pb.float32)
        for sample in samples_of(record, backend, dtype, most=2):
            for form, names in _forms(record).items():
                for name in names:
                    if name not in _LEFT_OUT and _exists(form, name):
                        found.append(Call(form, name, sample.args, sample.kwargs))
    return found


def _forms(record: Any) -> dict[str, list[str]]:
    names = [record.name, *record.aliases]
    inplace = [record.inplace_name] if record.inplace_name else []
    return {
        "function": [*names, *inplace],
        "functional": names,
        "method": [n for n in record.method_names if not n.startswith("_")],
    }


def _exists(form: str, name: str) -> bool:
    ours: Any = {"function": pb, "functional": pb.nn.functional, "method": pb.Tensor}[form]
    theirs: Any = {"function": torch, "functional": torch.nn.functional, "method": torch.Tensor}[form]
    return hasattr(ours, name) and hasattr(theirs, name) and callable(getattr(ours, name))


def mutated(base: Call, draw: random.Random) -> Call:
    """The call with one or two arguments replaced, left out, added or repeated."""
    args, kwargs = list(base.args), dict(base.kwargs)
    for _ in range(1 if draw.random() < 0.75 else 2):
        choice = draw.random()
        places: list[Any] = [*range(len(args)), *kwargs]
        if choice < 0.75 and places:
            place = draw.choice(places)
            value = draw.choice(WRONG)()
            if isinstance(place, int):
                args[place] = value
            else:
                kwargs[place] = value
        elif choice < 0.82 and args:
            args.pop()
        elif choice < 0.9:
            args.append(draw.choice(WRONG)())
        else:
            kwargs[draw.choice(KEYWORDS)] = draw.choice(WRONG)()
    return base._replace(args=tuple(args), kwargs=kwargs)


def outcome(library: Any, call: Call) -> tuple[str, str]:
    """The type and the text of the error a call ends in; empty where it ends in none."""
    convert = _as_torch if library is torch else _as_ours
    try:
        args, kwargs = convert(call.args), {k: convert(v) for k, v in call.kwargs.items()}
        space = {"function": library, "functional": library.nn.functional, "method": library.Tensor}[call.form]
        function = getattr(space, call.name)
        if call.form == "method":
            if not args or not isinstance(args[0], library.Tensor):
                return "no method", ""
            function = getattr(args[0], call.name)
            args = args[1:]
    except Exception as error:
        return "no call", str(error)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(*args, **kwargs)
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0]
    return "", ""


def _as_torch(value: Any) -> Any:
    if isinstance(value, pb.Tensor):
        made = torch.from_numpy(np.array(value.array)) if value.dtype is not pb.bfloat16 else None
        return made.requires_grad_() if value.requires_grad else made
    if isinstance(value, pb.meta.dtypes.DType):
        return getattr(torch, value.name)
    if isinstance(value, list | tuple):
        return type(value)(_as_torch(v) for v in value)
    if isinstance(value, pb.meta.formats.MemoryFormat | pb.meta.formats.StorageLayout):
        return getattr(torch, str(value).rpartition(".")[2])
    if isinstance(value, pb.Generator):
        return None
    return value


def _as_ours(value: Any) -> Any:
    if isinstance(value, pb.Tensor):
        return value.detach().clone()
    if isinstance(value, list | tuple):
        return type(value)(_as_ours(v) for v in value)
    if isinstance(value, pb.Generator):
        return None
    return value
