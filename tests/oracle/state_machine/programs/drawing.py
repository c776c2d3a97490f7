"""Draws the next step of a program: what may be done to the tensors that are there, and now and then what may not."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from programs.functions import FUNCTIONS
from programs.geometry import is_dense, name_of, overlap, overlaps_itself, overlaps_unnoticed, size
from programs.machine import Machine
from programs.step import Expression, Form, Step, Variable, text
from programs.viewing import VIEWS

#: What tensors are created with.
SHAPES = ((), (3,), (4,), (6,), (2, 3), (3, 2), (2, 2), (1, 3), (2, 1, 2), (2, 3, 2), (2, 2, 2), (0,), (0, 3), (2, 0))
DTYPES = (
    ("float32",) * 6 + ("float64",) * 5 + ("int64",) * 2 + ("bool", "complex64", "complex64", "complex128", "int32")
)
#: Fewer of them, for libraries that compile each operation for each shape and dtype.
FEW_SHAPES = ((), (4,), (2, 3), (2, 3), (2, 2, 2), (0, 3))
FEW_DTYPES = ("float32", "float32", "float32", "float64", "int64", "bool", "complex64")
FLOATS = ("float32", "float64", "complex64", "complex128")
#: Beyond this size values are not squared or multiplied any more: differences of rounding would grow.
TAME = 50.0
MOST_TENSORS = 9
COMPUTATIONS = (
    *("add", "mul", "sub", "+", "*", "-", "sin", "exp", "neg", "square", "sum", "matmul", "where"),
    *("clone", "copy", "cat", "stack", "take", "to", "repeat", "flip", "new", "_like"),
)
LIMITS = ({"min": -1}, {"max": 1}, {"min": -1, "max": 1})
WRITES = (
    *("add_", "mul_", "sub_", "copy_", "fill_", "zero_", "+=", "*=", "-=", "setitem", "setitem", "setitem", "setitem"),
    *("masked_fill_", "index_put_", "clamp_", "exp_", "sin_", "neg_", "index_fill_", "index_add_"),
)
RESHAPES_IN_PLACE = (
    *("t_", "squeeze_", "squeeze_dim", "unsqueeze_", "transpose_", "swapaxes_", "swapdims_", "resize_", "as_strided_"),
)
TOTALS = ("({} * {}).sum().real", "{}.sum().real", "({} * 2).sum().real")
OF_THE_GRAPH = (
    *("requires_grad_", "requires_grad_", "requires_grad_", "retain_grad", "retain_grad", "detach_"),
    *("requires_grad", "register_hook", "off", "grad", "_base", "data"),
)


@dataclass
class Drawer:
    """Draws steps for the tensors of a machine that runs PyTorch.

    Attributes
    ----------
    machine : Machine
        Which tensors there are.
    random : Random
        What decides.
    shapes, dtypes : tuple
        What tensors are created with.
    grad : bool
        Whether the next steps record a graph.
    """

    machine: Machine
    random: Random
    shapes: tuple[tuple[int, ...], ...] = SHAPES
    dtypes: tuple[str, ...] = DTYPES
    grad: bool = True
    number: int = 0

    # -- parts of steps ------------------------------------------------------------------------------------------------

    def step(self, form: Form, name: str, *arguments: Any, **keywords: Any) -> Step:
        """A step with the next number."""
        self.number += 1
        return Step(self.number, form, name, arguments, tuple(keywords.items()), self.grad)

    def chance(self, percent: int) -> bool:
        """True so often."""
        return self.random.randrange(100) < percent

    def pick(self, choices: Any) -> Any:
        """One of the choices."""
        return choices[self.random.randrange(len(choices))]

    def variable(self, where: Any = None) -> Variable | None:
        """A tensor, the later ones rather; None if none fulfils ``where``."""
        names = [n for n, t in self.machine.tensors.items() if where is None or where(t)]
        if not names:
            return None
        if self.chance(40):
            names = names[-3:]
        return Variable(self.pick(names))

    def tensor(self, variable: Variable) -> torch.Tensor:
        """The tensor itself."""
        tensor: torch.Tensor = self.machine.tensors[variable.name]
        return tensor

    def dim(self, tensor: torch.Tensor, extra: int = 0) -> int:
        """A dimension, negative or not; seldom one that does not exist."""
        count = tensor.ndim + extra
        if self.chance(4):
            return count + self.random.randrange(2)
        return self.random.randrange(-count, count) if count else self.pick((0, -1))

    def position(self, length: int) -> int:
        """An index into a dimension; seldom one that does not exist."""
        if self.chance(4) or not length:
            return self.pick((length, -length - 1))
        return self.random.randrange(-length, length)

    def values(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Nested lists of small numbers."""
        if shape:
            return [self.values(shape[1:], dtype) for _ in range(shape[0])]
        if dtype == "bool":
            return self.chance(50)
        number = self.random.randrange(-6, 7)
        if "int" in dtype:
            return number
        return complex(number / 2, self.random.randrange(-4, 5) / 2) if "complex" in dtype else number / 2

    def scalar(self, dtype: str) -> Any:
        """A Python number that a tensor of the dtype takes; seldom another."""
        if self.chance(6):
            return self.pick((1.5, complex(1, 2), True, 2))
        if dtype == "bool":
            return self.chance(50)
        if "int" in dtype or self.chance(50):
            return self.pick((2, 3, -1))
        return complex(0, 2) if "complex" in dtype and self.chance(50) else self.pick((0.5, -1.5, 2.0))

    def operand(self, shape: tuple[int, ...], dtype: str) -> Any:
        """A number, or a tensor that broadcasts to the shape; seldom one that does not."""
        if self.chance(35):
            return self.scalar(dtype)
        anything = self.chance(6)

        def fits(tensor: torch.Tensor) -> bool:
            if size(tensor) > TAME:
                return False
            if tensor.requires_grad and dtype not in FLOATS and self.grad:  # PyTorch then fails an assertion later on
                return False
            if anything:
                return True
            if tensor.is_complex() and "complex" not in dtype and not self.chance(5):
                return False
            return tensor.ndim <= len(shape) and all(
                t in (1, s) for t, s in zip(reversed(tensor.shape), reversed(shape), strict=False)
            )

        variable = self.variable(fits)
        return self.scalar(dtype) if variable is None else variable

    # -- steps ---------------------------------------------------------------------------------------------------------

    def create(self) -> Step:
        """A new tensor."""
        shape, dtype = self.pick(self.shapes), self.pick(self.dtypes)
        keywords: dict[str, Any] = {"dtype": Expression(dtype)}
        if dtype in FLOATS and self.chance(45):
            keywords["requires_grad"] = True
        kind = self.pick(("tensor",) * 6 + ("zeros", "ones", "full", "arange", "empty_strided"))
        if kind == "arange" and "complex" not in dtype and dtype != "bool":
            return self.step("function", "arange", self.pick((3, 4, 6, 8, 12)), **keywords)
        if kind == "full":
            return self.step("function", "full", shape, self.values((), dtype), **keywords)
        if kind in ("zeros", "ones"):
            return self.step("function", kind, shape, **keywords)
        if 0 in shape:
            return self.step("function", "zeros", shape, **keywords)
        return self.step("function", "tensor", self.values(shape, dtype), **keywords)

    def grow(self) -> Step | None:
        """Forget a tensor if there are many, else make one."""
        if len(self.machine.tensors) >= MOST_TENSORS or (self.machine.tensors and self.chance(15)):
            return self.forget()
        return self.create()

    def forget(self) -> Step | None:
        """Drop a tensor: views must keep their base alive."""
        variable = self.variable()
        return None if variable is None else self.step("del", "", variable)

    def view(self) -> Step | None:
        """A view, or what is one as far as memory allows."""
        variable = self.variable()
        if variable is None:
            return None
        t = self.tensor(variable)
        return self.pick(VIEWS)(self, variable, t)

    def look(self) -> Step:
        """Compare the graph too."""
        return self.step("inspect", "")

    def compute(self) -> Step | None:
        """A result in memory of its own."""
        variable = self.variable(lambda t: size(t) <= TAME)
        if variable is None:
            return None
        t = self.tensor(variable)
        dtype = name_of(t.dtype)
        name = self.pick(COMPUTATIONS)
        match name:
            case "add" | "mul" | "sub":
                return self.step("method", name, variable, self.operand(tuple(t.shape), dtype))
            case "+" | "*" | "-":
                return self.step("text", f"{{}} {name} {{}}", variable, self.operand(tuple(t.shape), dtype))
            case "sin" if t.is_complex() and size(t) > 4:  # it grows exponentially, and rounding with it
                return None
            case "sin" | "clone" | "neg" | "square":
                return self.step("method", name, variable)
            case "exp":
                return self.step("method", name, variable) if size(t) <= 4 else None
            case "sum":
                if self.chance(40):
                    return self.step("method", "sum", variable)
                return self.step(
                    "method", "sum", variable, self.dim(t), **({"keepdim": True} if self.chance(40) else {})
                )
            case "matmul":
                if t.dtype == torch.bool:
                    return None
                other = self.variable(lambda u: size(u) <= TAME and u.dtype == t.dtype and u.ndim)
                return None if other is None else self.step("text", "{} @ {}", variable, other)
            case "cat" | "stack":
                other = self.variable(lambda u: u.ndim == t.ndim and (u.shape[1:] == t.shape[1:] or self.chance(3)))
                if other is None:
                    return None
                return self.step("function", name, [variable, other], 0 if self.chance(60) else self.dim(t))
            case "take":
                return self.step("getitem", "", variable, self.index(t, advanced=True))
            case "to":
                return self.step(
                    "method",
                    "to",
                    variable,
                    Expression(self.pick([d for d in self.dtypes if d in FLOATS or self.chance(20)] or self.dtypes)),
                )
            case "where":
                return self.step(
                    "function", "where", self.mask(tuple(t.shape)), variable, self.operand(tuple(t.shape), dtype)
                )
            case "repeat":
                return (
                    self.step("method", "repeat", variable, *(self.pick((1, 2)) for _ in range(t.ndim)))
                    if t.ndim and t.numel() <= 6
                    else None
                )
            case "flip":
                return self.step("method", "flip", variable, self.dim(t)) if t.ndim else None
            case "_like":
                return self.step("function", self.pick(("zeros_like", "ones_like")), variable)
            case "new":
                return self.step("method", self.pick(("new_zeros", "new_ones")), variable, self.pick(self.shapes))
            case _:
                return self.step("function", "clone", variable)

    def mask(self, shape: tuple[int, ...]) -> Variable | Expression:
        """A tensor of truth values."""
        variable = self.variable(lambda u: u.dtype == torch.bool and u.shape == shape) if self.chance(50) else None
        if variable is not None:
            return variable
        if 0 in shape:
            return Expression(f"zeros({shape}, dtype=lib.bool)")
        return Expression(f"tensor({text(self.values(shape, 'bool'))})")

    def index(self, t: torch.Tensor, advanced: bool = False) -> Any:
        """An index of basic kinds; with ``advanced`` one that has lists or tensors too."""
        if not t.ndim:
            return self.pick((..., (), None, True) if advanced else (..., (), None))
        if advanced and self.chance(25):
            return self.mask(tuple(t.shape[: self.random.randrange(1, t.ndim + 1)]))
        parts: list[Any] = []
        lists = 0
        for number in range(self.random.randrange(1, t.ndim + 1)):
            length = t.shape[number]
            kind = self.random.randrange(10)
            if advanced and (kind < 4 or (not lists and number == t.ndim - 1)):
                lists += 1
                count = 2 if self.chance(90) else self.pick((1, 3))
                parts.append([self.position(length) for _ in range(count)] if length else [])
            elif kind < 6:
                parts.append(self.position(length))
            elif kind < 9:
                start = self.pick((None, None, 0, 1, -1, -2))
                stop = self.pick((None, None, None, 1, 2, -1))
                parts.append(slice(start, stop, self.pick((None, None, None, 1, 2))))
            else:
                parts.append(None)
        if self.chance(10):
            parts.insert(self.random.randrange(len(parts) + 1), ...)
        return parts[0] if len(parts) == 1 else tuple(parts)

    def write(self) -> Step | None:
        """A write into a tensor that others may share."""
        variable = self.variable(lambda t: not overlaps_unnoticed(t))
        if variable is None:
            return None
        t = self.tensor(variable)
        dtype, shape = name_of(t.dtype), tuple(t.shape)
        name = self.pick(WRITES)
        if name in ("mul_", "*=", "exp_") and size(t) > TAME:
            return None
        match name:
            case "add_" | "mul_" | "sub_" | "copy_":
                other = self.operand(shape, dtype)
                if name == "copy_" and (not isinstance(other, Variable) or overlaps_itself(t)):
                    return None
                return self._unless_ordered(self.step("method", name, variable, other))
            case "+=" | "*=" | "-=":
                return self._unless_ordered(self.step("augmented", name, variable, self.operand(shape, dtype)))
            case "fill_":
                other = self.scalar(dtype)
                if self.chance(15):
                    other = self.variable(lambda u: not u.ndim and (dtype in FLOATS or not u.requires_grad)) or other
                return self.step("method", name, variable, other)
            case "sin_" if t.is_complex() and size(t) > 4:
                return None
            case "zero_" | "sin_" | "neg_":
                return self.step("method", name, variable)
            case "exp_":
                return self.step("method", name, variable) if size(t) <= 4 else None
            case "clamp_":
                return self.step(
                    "method", name, variable, **self.pick(({"min": -1}, {"max": 1}, {"min": -1, "max": 1}))
                )
            case "setitem":
                index = self.index(t, advanced=self.chance(50))
                if _repeats(index):
                    return None
                try:
                    part = t.detach()[self._evaluated(index)]
                except (IndexError, TypeError, ValueError, RuntimeError):
                    part = t.detach()
                return self._unless_ordered(
                    self.step("setitem", "", variable, index, self.operand(tuple(part.shape), dtype))
                )
            case "masked_fill_":
                mask = self.mask(self.pick((shape, shape, shape[-1:], ())))
                return self.step("method", name, variable, mask, self.scalar(dtype))
            case "index_put_":
                index = self.index(t, advanced=True)
                parts = list(index) if isinstance(index, tuple) else [index]
                if not t.ndim or not all(isinstance(p, list) and p for p in parts) or _repeats(index):
                    return None
                indices = tuple(self._made(p) for p in parts)
                value = self.variable(lambda u: u.dtype == t.dtype and not u.ndim and not overlap(u, t))
                if value is None or self.chance(50):
                    value = Expression(f"tensor({text(self.values((), dtype))}, dtype=lib.{dtype})")
                keywords = {"accumulate": True} if self.chance(40) and dtype != "bool" else {}
                return self.step("method", name, variable, indices, value, **keywords)
            case "index_fill_":
                if not t.numel() or not t.ndim:  # PyTorch has checks of their own for no elements
                    return None
                return self.step(
                    "method", name, variable, 0, self._made([self.position(t.shape[0])]), self.scalar(dtype)
                )
            case _:
                if not t.numel():  # PyTorch has checks of its own for no elements
                    return None
                source = self.variable(
                    lambda u: u.dtype == t.dtype and u.shape == t.shape and u.ndim and not overlap(u, t)
                )
                if source is not None and self.tensor(source).requires_grad and self.grad:
                    return None  # PyTorch saves the source although only its shape matters
                if source is None or t.dtype == torch.bool:
                    return None
                return self.step(
                    "method",
                    "index_add_",
                    variable,
                    0,
                    self._made(list(range(t.shape[0]))),
                    source,
                )

    def _made(self, positions: list[int]) -> Expression:
        return Expression(f"tensor({positions}, dtype=lib.int64)")

    def _evaluated(self, index: Any) -> Any:
        if isinstance(index, tuple):
            return tuple(self._evaluated(i) for i in index)
        if isinstance(index, Expression):
            return eval(f"torch.{index.text}".replace("lib.", "torch."))
        return self.tensor(index) if isinstance(index, Variable) else index

    def _unless_ordered(self, step: Step) -> Step | None:
        """The step, unless it reads memory that it writes: what comes out then is the order of PyTorch's loops."""
        target, other = step.arguments[0], step.arguments[-1]
        if not isinstance(other, Variable):
            return step
        t, u = self.tensor(target), self.tensor(other)
        if step.form == "setitem":
            try:
                part = t.detach()[self._evaluated(step.arguments[1])]
            except (IndexError, TypeError, ValueError, RuntimeError):
                return step
            if part._is_view():
                t = part
            elif overlap(t, u):
                return None
        same = (t.data_ptr(), t.shape, t.stride(), t.dtype) == (u.data_ptr(), u.shape, u.stride(), u.dtype)
        if same and step.form == "setitem" and overlaps_itself(t):  # nothing happens in PyTorch for some indices
            return None
        if same or not overlap(t, u):
            return step
        broadcast = step.form == "setitem" and t.shape != u.shape
        return step if is_dense(t) and is_dense(u) and not broadcast else None

    def reshape_in_place(self) -> Step | None:
        """A tensor gets another shape itself."""
        # Where no graph is recorded, the one that there is would go on with the former shape.
        variable = self.variable(lambda t: self.grad or not (t.requires_grad or t._is_view()))
        if variable is None:
            return None
        t = self.tensor(variable)
        match self.pick(RESHAPES_IN_PLACE):
            case "squeeze_dim":
                return self.step("method", "squeeze_", variable, self.dim(t))
            case "unsqueeze_":
                return self.step("method", "unsqueeze_", variable, self.dim(t, 1)) if t.ndim < 4 else None
            case "transpose_" | "swapaxes_" | "swapdims_" as name:
                return self.step("method", name, variable, self.dim(t), self.dim(t))
            case "resize_":
                smaller = [s for s in self.shapes if torch.Size(s).numel() <= t.numel()]
                if t._is_view() or not smaller:  # PyTorch regenerates the history of such a view with its former size
                    return None
                return self.step("method", "resize_", variable, self.pick(smaller))
            case "as_strided_":
                shape, strides, offset = self.strided(t)
                return self.step("method", "as_strided_", variable, shape, strides, offset)
            case name:
                return self.step("method", name, variable)

    def strided(self, t: torch.Tensor) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """A shape, strides and an offset that mostly stay within the storage."""
        capacity = t.untyped_storage().nbytes() // t.element_size()
        for _ in range(8):
            shape = self.pick(((), (2,), (3,), (2, 2), (2, 1), (1, 2), (0, 2)))
            strides = tuple(self.pick((0, 1, 1, 2, 3)) for _ in shape)
            offset = self.random.randrange(3)
            last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
            if last < capacity or self.chance(3):
                return shape, strides, offset
        return (0,), (1,), 0

    def graph(self) -> Step | None:
        """What concerns the graph and not the elements."""
        variable = self.variable()
        if variable is None:
            return None
        kind = self.pick(OF_THE_GRAPH)
        if kind in ("retain_grad", "register_hook") and self.chance(85):
            variable = self.variable(lambda t: t.requires_grad) or variable
        t = self.tensor(variable)
        match kind:
            case "requires_grad_":
                return self.step("method", "requires_grad_", variable)
            case "off":
                return self.step("method", "requires_grad_", variable, False)
            case "requires_grad":
                return self.step("setattr", "requires_grad", variable, self.chance(70))
            case "register_hook":
                if t._is_view():  # PyTorch crashes on some that it cannot regenerate
                    return None
                return self.step("text", "{}.register_hook(lambda grad: grad * 2) and None", variable)
            case "grad":
                return self.step("setattr", "grad", variable, None)
            case "_base":
                return self.step("attribute", "_base", variable)
            case "data":
                other = self.variable(lambda u: u.dtype == t.dtype and u.shape == t.shape)
                if other is None or t._is_view():  # PyTorch goes on calling it a view
                    return None
                return self.step("setattr", "data", variable, other)
            case name:
                return self.step("method", name, variable)

    def differentiate(self) -> Step | None:
        """A backward pass."""
        chosen = [v for v in (self.variable(lambda t: t.requires_grad) for _ in range(self.pick((1, 1, 2)))) if v]
        if not chosen and self.chance(15):
            chosen = [v for v in (self.variable(),) if v]
        if not chosen or any(size(self.tensor(v)) > TAME * TAME for v in chosen):
            return None
        total = " + ".join(self.pick(TOTALS) for _ in chosen)
        arguments: list[Any] = []
        for variable, part in zip(chosen, total.split(" + "), strict=True):
            arguments += [variable] * part.count("{}")
        kept = "True" if self.chance(60) else "False"
        if self.chance(55):
            return self.step("text", f"({total}).backward(retain_graph={kept})", *arguments)
        wanted = [v for v in (self.variable(lambda t: t.requires_grad) for _ in range(2)) if v]
        if not wanted:
            return None
        inputs = ", ".join("{}" for _ in wanted)
        # For no elements PyTorch leaves out what would make the gradients differentiable.
        some = all(self.tensor(v).numel() for v in [*chosen, *wanted])
        create = ", create_graph=True" if some and self.chance(40) else ""
        return self.step(
            "text",
            f"[g if g is None else g.clone(memory_format=lib.contiguous_format) for g in"
            f" lib.autograd.grad({total}, ({inputs},), retain_graph={kept}, allow_unused=True{create})]",
            *arguments,
            *wanted,
        )

    def apply(self) -> Step | None:
        """A user-defined Function."""
        variable = self.variable(lambda t: size(t) <= TAME and not overlaps_itself(t))
        if variable is None:
            return None
        name = self.pick(tuple(FUNCTIONS))
        if name == "Pair":
            other = self.variable(lambda t: size(t) <= TAME)
            return self.step("apply", name, variable, other)
        return self.step("apply", name, variable)


def _repeats(index: Any) -> bool:
    """Whether an index may name an element twice: which write wins is open."""
    lists = [p for p in (index if isinstance(index, tuple) else (index,)) if isinstance(p, list)]
    return any(len(set(p)) < len(p) or (min(p) < 0 <= max(p)) for p in lists if p)
