"""Whether ``vmap`` gives what a loop over the examples gives, and its gradients too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

import pullback as pb
from pullback.extend import Tensor, get_backend, use_backend
from pullback_conformance.case import Call, Case, flattened, is_inexact
from pullback_conformance.checks.finding import Finding, Unsupported, compared
from pullback_conformance.moving import mapped, moved, tensors_in, to_numpy, widened
from pullback_conformance.naming import dtype_source
from pullback_conformance.script import call_source, extend_imports
from pullback_conformance.tolerances import bound

#: How many examples.
_EXAMPLES: Final = 3

#: What the results are compared with.
_LOOP: Final = "a loop over the examples"


class _Batch(NamedTuple):
    """The operands with their examples stacked, and where: None for one that is the same for all."""

    operands: list[Any]
    dims: tuple[int | None, ...]


def batching(case: Case) -> Finding:
    """Map over each operand alone, over all in their first dimension, and over all in their last."""
    if case.operation.module.startswith("pullback.ops.random"):
        raise Unsupported("it draws random numbers, other ones for each example")
    tensors = tensors_in((case.arguments.args, case.arguments.kwargs))
    if not tensors:
        raise Unsupported("there is no operand to map over")
    examples = [_examples(case, t) for t in tensors]
    total = Finding(oracle=_LOOP)
    asked = False
    for dims in _choices(len(tensors)):
        batch = _stacked(case, examples, dims)
        with use_backend(case.subject):
            try:
                rows = [_run(case, _example(batch, number)) for number in range(_EXAMPLES)]
            except RuntimeError:
                continue  # not of examples that lie like this in memory
            if len({tuple(tuple(r.shape) for r in row if isinstance(r, Tensor)) for row in rows}) > 1:
                raise Unsupported("the shape of its result depends on elements")
            try:
                results = _mapped(case, batch)
            except RuntimeError as error:
                if "vmap" in str(error) or "atch" in str(error):
                    raise Unsupported(f"vmap refuses it by design: {error}") from error
                raise
        asked = True
        total = total.merged(_compared(case, "result", results, rows, batch, "value"))
        # An example in memory of its own: what reads memory as it lies sees no elements of others then.
        if total.problem is None and case.has_gradients and -1 not in dims:
            total = total.merged(_compared_gradients(case, batch))
        if total.problem is not None:
            return total
    if not asked:
        raise Unsupported("no examples of it can be stacked")
    return total


def _choices(count: int) -> Iterator[tuple[int | None, ...]]:
    yield (0,) * count
    yield (-1,) * count
    if count > 1:
        for chosen in range(min(count, 4)):
            yield tuple(0 if number == chosen else None for number in range(count))


def _examples(case: Case, tensor: Tensor) -> list[Any]:
    """The elements of an operand in several orders: what they may be, as an index, stays."""
    flat = np.ascontiguousarray(tensor.array).reshape(-1)
    return [np.roll(flat, number).reshape(tensor.array.shape) for number in range(_EXAMPLES)]


def _example(batch: _Batch, number: int) -> list[Tensor]:
    """The operands of one example, as views of all, as a loop would have them."""
    pairs = zip(batch.operands, batch.dims, strict=True)
    return [t.detach() if dim is None else t.detach().select(dim, number) for t, dim in pairs]


def _stacked(case: Case, examples: list[list[Any]], dims: Sequence[int | None]) -> _Batch:
    operands = [
        _on_subject(case, rows[0] if dim is None else np.stack(rows, axis=dim))
        for rows, dim in zip(examples, dims, strict=True)
    ]
    return _Batch(operands, tuple(dims))


def _on_subject(case: Case, array: Any) -> Tensor:
    return moved(Tensor._wrap(np.ascontiguousarray(array).reshape(array.shape), get_backend("numpy")), case.subject)


def _run(case: Case, operands: Sequence[Tensor]) -> list[Any]:
    position = iter(operands)
    args, kwargs = mapped((case.arguments.args, case.arguments.kwargs), lambda tensor: next(position))
    return flattened(case.operation.call(*args, **kwargs))


def _mapped(case: Case, batch: _Batch) -> list[Any]:
    def function(*operands: Any) -> Any:
        return tuple(r for r in _run(case, operands) if isinstance(r, Tensor))

    return list(pb.vmap(function, in_dims=batch.dims)(*batch.operands))


def _compared(
    case: Case, what: str, results: Sequence[Any], rows: list[list[Any]], batch: _Batch, check: str
) -> Finding:
    wanted = [[r for r in row if isinstance(r, Tensor)] for row in rows]
    total = Finding(oracle=_LOOP)
    for number, result in enumerate(results):
        exact = np.stack([to_numpy(row[number]) for row in wanted])
        got = to_numpy(result)
        scale = None
        if result.dtype.category >= 2:
            got, exact = widened(got), widened(exact)
            sizes = [np.max(np.where(np.isfinite(a), np.abs(a), 0), initial=1e-30) for a in (exact, *_arrays(batch))]
            scale = np.broadcast_to(max(sizes), exact.shape)
        allowed, _ = bound(case.operation, result.dtype, check, case.subject.name, case.arguments)
        title = f"vmap over {batch.dims}: {what} {number}"
        found = compared(title, f"results[{number}]", got, exact, result.dtype, scale, 2 * allowed, oracle=_LOOP)
        if found.problem is not None:
            found.program = [*_program(case, batch), *found.program] if what == "result" else _program(case, batch)
        total = total.merged(found)
    return total


def _compared_gradients(case: Case, batch: _Batch) -> Finding:
    """The gradient of all examples at once, of the operands that are mapped, and of each alone."""
    chosen = [
        i for i in case.on(case.subject).chosen if batch.dims[i] is not None and batch.operands[i].dtype.category >= 2
    ]
    if not chosen:
        return Finding()
    with use_backend(case.subject):
        for i in chosen:
            batch.operands[i].requires_grad_()
        at_once = _gradients(batch.operands, chosen, _mapped(case, batch))
        rows = []
        for number in range(_EXAMPLES):
            operands = _example(batch, number)
            for i in chosen:
                operands[i].requires_grad_()
            rows.append(_gradients(operands, chosen, _run(case, operands)))
    moved_first = []
    for i, grad in zip(chosen, at_once, strict=True):
        moved_first.append(grad.movedim(batch.dims[i], 0) if batch.dims[i] else grad)
    return _compared(case, "gradient", moved_first, rows, batch, "vjp")


def _gradients(operands: Sequence[Tensor], chosen: Sequence[int], results: Sequence[Any]) -> list[Any]:
    outputs = [r for r in results if is_inexact(r) and r.requires_grad]
    inputs = [operands[i] for i in chosen]
    if not outputs:
        return [pb.zeros_like(i) for i in inputs]
    found = pb.autograd.grad(outputs, inputs, [pb.ones_like(o) for o in outputs], allow_unused=True)
    return [pb.zeros_like(i) if g is None else g for g, i in zip(found, inputs, strict=True)]


def _arrays(batch: _Batch) -> list[Any]:
    return [widened(to_numpy(t)) for t in batch.operands if t.dtype.category >= 2]


def _program(case: Case, batch: _Batch) -> list[str]:
    """The mapped call, of operands as they are in the batch."""
    call = Call(case.operation, case.reference, case.arguments, lambda tensor: tensor)
    source, imports = call_source(case, call)
    operands = ", ".join(f"pb.tensor({to_numpy(t).tolist()!r}, dtype={dtype_source(t.dtype)})" for t in batch.operands)
    return [
        *extend_imports(imports),
        "nan, inf = float('nan'), float('inf')",
        f"batched = [{operands}]",
        "def function(*operands):",
        f"    return tuple(flat({source}))",
        f"results = pb.vmap(function, in_dims={batch.dims!r})(*batched)",
    ]
