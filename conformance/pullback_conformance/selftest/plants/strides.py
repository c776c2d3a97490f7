"""Operands that do not lie row after row in memory: stepped, transposed, offset, reversed, expanded, overlapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import kernel
from pullback_conformance.selftest.defect import Defect
from pullback_conformance.selftest.plants.elementwise import KERNELS

KIND = "strides of operands"


def _in_memory_order(x: Any) -> Any:
    return x.ravel(order="K").reshape(x.shape)


def _as_one_block(x: Any) -> Any:
    """The elements that follow the first one in memory, whatever the steps are."""
    if x.size < 2 or any(s <= 0 for s in x.strides) or x.flags.c_contiguous:
        return x
    return np.lib.stride_tricks.as_strided(x, x.shape, np.empty(x.shape, x.dtype).strides)


def _from_the_start(x: Any) -> Any:
    """The array that begins where the memory it is a part of does."""
    base = x.base
    if not isinstance(base, np.ndarray) or base.dtype != x.dtype or x.ctypes.data <= base.ctypes.data:
        return x
    if any(s < 0 for s in x.strides):
        return x
    return np.lib.stride_tricks.as_strided(base.reshape(-1)[:1], x.shape, x.strides)


def _forwards(x: Any) -> Any:
    """Axes that run backwards, forwards."""
    backwards = tuple(slice(None, None, -1) if s < 0 else slice(None) for s in x.strides)
    return x[backwards] if x.ndim else x


def _unexpanded(x: Any) -> Any:
    """Elements of an expanded axis but the first read what follows in memory: here, zero."""
    if 0 not in [s for s, n in zip(x.strides, x.shape, strict=True) if n > 1]:
        return x
    axis = next(a for a in range(x.ndim) if x.strides[a] == 0 and x.shape[a] > 1)
    copied = x.copy()
    copied[(slice(None),) * axis + (slice(1, None),)] = 0
    return copied


def _if_all_are(transposed: Callable[[Any], Any]) -> Callable[..., Any]:
    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        arrays = [o for o in operands if isinstance(o, np.ndarray) and o.ndim > 1]
        if len(arrays) > 1 and all(not a.flags.c_contiguous and a.size > 1 for a in arrays):
            operands = tuple(transposed(o) if isinstance(o, np.ndarray) else o for o in operands)
        return true(*operands, **options)

    return broken


def _misread(position: int, read: Callable[[Any], Any]) -> Callable[..., Any]:
    """A kernel that reads one of its operands wrongly."""

    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        if position < len(operands) and isinstance(operands[position], np.ndarray):
            operands = (*operands[:position], read(operands[position]), *operands[position + 1 :])
        return true(*operands, **options)

    return broken


_M = "pb.arange(1., 5.).reshape(2, 2)"
#: What is misread, and an operand that shows it.
READINGS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "ignores_order": (_in_memory_order, f"{_M}.T"),
    "ignores_steps": (_as_one_block, "pb.arange(1., 9.)[::2]"),
    "ignores_offsets": (_from_the_start, "pb.arange(1., 9.)[2:6]"),
    "ignores_expansion": (_unexpanded, "pb.full((1,), 2.).expand(4)"),
}
#: Operations with the operands that are misread, and what each program gives as the others.
UNARY = "exp neg abs sqrt floor isnan"
BINARY = "add mul sub div maximum lt"


def _families() -> Iterator[Defect]:
    for number, operation in enumerate(UNARY.split()):
        for reading in list(READINGS)[number % 2 :: 2] + (["ignores_order"] if number % 2 else []):
            read, operand = READINGS[reading]
            operand = f"({operand}) * float('inf') * ({operand} - 2)" if operation == "isnan" else operand
            if operation == "isnan":
                operand = {"ignores_order": "pb.tensor([[1., float('nan')], [1., 1.]]).T"}.get(
                    reading, "pb.tensor([1., float('nan'), 1., 1., 1., 1., 1., 1.])[::2]")  # fmt: skip
                if reading in ("ignores_offsets", "ignores_expansion"):
                    continue
            if operation == "floor":
                operand = f"({operand})"
            yield _defect(operation, reading, 0, read, f"pb.{operation}({operand})", position_shown=False)
    for operation in BINARY.split():
        for position in (0, 1):
            for reading in ("ignores_order", "ignores_steps") if position else ("ignores_offsets", "ignores_order"):
                read, operand = READINGS[reading]
                other = f"({operand}).contiguous() * -1 + {8 if reading == 'ignores_steps' else 4.5}"
                given = (operand, other) if position == 0 else (other, operand)
                yield _defect(operation, reading, position, read, f"pb.{operation}({given[0]}, {given[1]})")


def _defect(
    operation: str,
    reading: str,
    position: int,
    read: Callable[[Any], Any],
    program: str,
    *,
    position_shown: bool = True,
) -> Defect:
    name = KERNELS.get(operation, operation)
    which = ("_of_the_first", "_of_the_second", "_of_the_third")[position] if position_shown else ""
    declared = "true_divide" if operation == "div" else operation
    return Defect(f"{operation}_{reading}{which}", KIND, "standard", "value", (declared,),
                  kernel(name, _misread(position, read)), program)  # fmt: skip


def _of(name: str, operations: str, kernel_name: str, broken: Callable[..., Any], program: str) -> Defect:
    return Defect(name, KIND, "standard", "value", tuple(operations.split()), kernel(kernel_name, broken), program)


def _first_of_list(read: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda true, xs, **o: true([read(x) for x in xs], **o)


def _into_a_block(true: Any, *operands: Any, out: Any = None) -> Any:
    if out is None or out.flags.c_contiguous:
        return true(*operands) if out is None else true(*operands, out=out)
    _as_one_block(out)[...] = true(*operands)
    return out


_T = f"{_M}.T"
_SINGLES = [
    _of("sum_ignores_order", "sum", "sum", _misread(0, _in_memory_order), f"pb.sum({_T}, 0)"),
    _of("sum_ignores_steps", "sum", "sum", _misread(0, _as_one_block), "pb.sum(pb.arange(1., 9.)[::2])"),
    _of("sum_ignores_offsets", "sum", "sum", _misread(0, _from_the_start), "pb.sum(pb.arange(1., 9.)[2:6])"),
    _of("mean_ignores_expansion", "mean", "mean", _misread(0, _unexpanded), "pb.mean(pb.ones(2, 1).expand(2, 3))"),
    _of("max_ignores_steps", "amax", "max", _misread(0, _as_one_block), "pb.amax(pb.arange(9.)[::2])"),
    _of("argmax_ignores_order", "argmax", "argmax", _misread(0, _in_memory_order),
            "pb.argmax(pb.tensor([[1., 2.], [4., 3.]]).T, 0)"),
    _of("cumsum_ignores_order", "cumsum", "cumulative_sum", _misread(0, _in_memory_order), f"pb.cumsum({_T}, 0)"),
    _of("argsort_ignores_order", "sort argsort", "argsort", _misread(0, _in_memory_order),
        "pb.argsort(pb.tensor([[1., 2.], [4., 3.]]).T, 0)"),
    _of("matmul_ignores_order_of_the_first", "matmul bmm mm", "matmul", _misread(0, _in_memory_order),
        f"pb.bmm({_T}[None], {_M}[None])"),
    _of("matmul_ignores_order_of_the_second", "matmul bmm mm", "matmul", _misread(1, _in_memory_order),
        f"pb.bmm({_M}[None], {_T}[None])"),
    _of("mm_ignores_order_of_both", "mm matmul", "mm", _if_all_are(_in_memory_order), f"pb.mm({_T}, {_T})"),
    _of("mm_ignores_steps", "mm matmul", "mm", _misread(0, _as_one_block),
        "pb.mm(pb.arange(8.).reshape(2, 4)[:, ::2], pb.ones(2, 2))"),
    _of("add_ignores_order_of_both", "add", "add", _if_all_are(_in_memory_order), f"pb.add({_T}, {_M}[:, [1, 0]].T)"),
    _of("mul_of_a_column_by_a_row_in_memory", "mul", "multiply", _if_all_are(_in_memory_order),
        f"pb.mul({_T}, pb.arange(4.).reshape(2, 2).T)"),
    _of("where_ignores_order_of_the_condition", "where", "where", _misread(0, _in_memory_order),
        f"pb.where(({_T} > 2).T.contiguous().T, {_M}, -{_M})"),
    _of("where_ignores_order_of_the_second", "where", "where", _misread(1, _in_memory_order),
        f"pb.where({_M} > 0, {_T}, -{_M})"),
    _of("where_ignores_order_of_the_third", "where", "where", _misread(2, _in_memory_order),
        f"pb.where({_M} < 0, {_M}, {_T})"),
    _of("cat_ignores_order", "cat", "concat", _first_of_list(_in_memory_order), f"pb.cat([{_T}, {_M}])"),
    _of("stack_ignores_steps", "stack", "stack", _first_of_list(_as_one_block),
        "backend.stack([np.arange(8.)[::2], np.ones(4)], axis=0)"),
    _of("flip_ignores_order", "flip", "flip", _misread(0, _in_memory_order), f"pb.flip({_T}, [0])"),
    _of("roll_ignores_order", "roll", "roll", _misread(0, _in_memory_order), f"pb.roll({_T}, 1, 0)"),
    _of("tril_ignores_order", "tril", "tril", _misread(0, _in_memory_order), f"pb.tril({_T})"),
    _of("take_ignores_steps", "index_select", "take", _misread(0, _as_one_block),
        "pb.index_select(pb.arange(8.)[::2], 0, pb.tensor([0, 3]))"),
    _of("take_ignores_steps_of_positions", "index_select", "take", _misread(1, _as_one_block),
        "pb.index_select(pb.arange(8.), 0, pb.arange(8)[::2])"),
    _of("gather_ignores_order_of_positions", "gather", "take_along_axis", _misread(1, _in_memory_order),
        f"pb.gather({_M}, 1, pb.tensor([[0, 1], [0, 0]]).T)"),
    _of("scatter_ignores_order_of_values", "scatter", "scatter", lambda true, x, axis, i, v, reduce=None: true(
        x, axis, i, _in_memory_order(np.asarray(v)), reduce),
        f"pb.scatter({_M}, 1, pb.tensor([[0, 1], [1, 0]]), {_T})"),
    _of("copy_ignores_order", "clone contiguous", "copy", _misread(0, _in_memory_order),
        f"({_T}).contiguous()"),
    _of("copy_ignores_offsets", "clone", "copy", _misread(0, _from_the_start), "pb.arange(8.)[2:].clone()"),
    _of("reshape_ignores_order", "reshape", "reshape", lambda true, x, shape: true(_in_memory_order(x), shape),
        "backend.reshape(np.arange(4.).reshape(2, 2).T, (4,))"),
    _of("norm_ignores_steps", "vector_norm", "norm", _misread(0, _as_one_block), "pb.norm(pb.arange(9.)[::2])"),
    _of("var_ignores_order", "var", "var", _misread(0, _in_memory_order), f"pb.var({_T}, 0)"),
    _of("flipped_memory_is_read_forwards", "exp", "exp", _misread(0, _forwards),
        "backend.exp(np.arange(3.)[::-1])"),
    _of("assign_ignores_order_of_the_target", "copy", "assign", lambda true, target, value: true(
        target.T if target.ndim == 2 and not target.flags.c_contiguous and target.shape[0] == target.shape[1]
        else target, value), f"(x := pb.zeros(2, 2), x.T.copy_({_M}))[0]"),
    _of("assign_ignores_order_of_the_source", "copy", "assign", lambda true, target, value: true(
        target, _in_memory_order(value) if isinstance(value, np.ndarray) else value),
        f"pb.zeros(2, 2).copy_({_T})"),
    Defect("add_into_strided_memory_writes_a_block", KIND, "smoke", "contract", ("add",),
           kernel("add", _into_a_block, in_place=True),
           "(x := pb.zeros(4), pb.add(x[::2], 1.), x[::2].add_(pb.ones(2)), x[::2].add_(pb.ones(2)))[0]"),
]  # fmt: skip


DEFECTS = [*_families(), *_SINGLES]
