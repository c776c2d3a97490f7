"""The attributes ``_saved_...`` of every kind of node, held against PyTorch's: their names, and their values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.dispatch.declaration import Operation
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.samples import samples_of

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

import_all()

_SHAPE_ONLY = "the formula needs the shape or the dtype only, and does not keep the elements alive"
_DERIVED = "it is derived when asked for: there is nothing saved that a hook could pack"

#: What PyTorch's nodes show and these don't, by node, with the reason.
MISSING: Final[dict[str, tuple[set[str], str]]] = {
    "DivBackward2": (
        {"_raw_saved_other", "_raw_saved_self", "_saved_other", "_saved_rounding_mode", "_saved_self"},
        "its derivative is zero and needs nothing",
    ),
    "ComplexBackward0": ({"_saved_real", "_raw_saved_real", "_saved_imag", "_raw_saved_imag"}, _SHAPE_ONLY),
    "CumprodBackward0": ({"_raw_saved_result"}, _DERIVED),
    "GatherBackward0": ({"_saved_self", "_raw_saved_self"}, _SHAPE_ONLY),
    "IndexAddBackward0": ({"_saved_source", "_raw_saved_source"}, _SHAPE_ONLY),
    "IndexCopyBackward0": ({"_saved_source", "_raw_saved_source"}, _SHAPE_ONLY),
    "LogSigmoidBackward0": ({"_raw_saved_buffer"}, _DERIVED),
    "MaskedSelectBackward0": ({"_saved_self", "_raw_saved_self"}, _SHAPE_ONLY),
    "MseLossBackwardBackward0": ({"_saved_reduction"}, "a factor is kept instead"),
    "NativeLayerNormBackward0": (
        {"_saved_bias", "_raw_saved_bias", "_raw_saved_result1", "_raw_saved_result2"},
        "no derivative needs the bias, and the moments are derived",
    ),
    "NllLoss2DBackward0": (
        {"_saved_self", "_raw_saved_self", "_saved_total_weight", "_raw_saved_total_weight"},
        _SHAPE_ONLY,
    ),
    "NllLossBackward0": (
        {"_saved_self", "_raw_saved_self", "_saved_total_weight", "_raw_saved_total_weight"},
        _SHAPE_ONLY,
    ),
    "ProdBackward0": ({"_raw_saved_result"}, _DERIVED),
    "ProdBackward1": ({"_raw_saved_result"}, _DERIVED),
    "PutBackward0": ({"_saved_source", "_raw_saved_source"}, _SHAPE_ONLY),
    "SgnBackward0": ({"_raw_saved_result"}, _DERIVED),
    "SqueezeBackward1": ({"_saved_dim"}, "the shape is enough"),
    "SqueezeBackward2": ({"_saved_dim"}, "the shape is enough"),
    "TakeBackward0": ({"_saved_self", "_raw_saved_self"}, _SHAPE_ONLY),
}
#: What these nodes show and PyTorch's don't.
ADDITIONAL: Final[dict[str, tuple[set[str], str]]] = {
    "PolarBackward0": ({"_saved_angle", "_raw_saved_angle"}, "PyTorch computes it from the result"),
}
#: Nodes that PyTorch has not.
OWN: Final = {
    "LogSoftmaxBackwardBackward0",
    "RestrideBackwardBackward0",
    "RootMeanSquareBackward0",
    "ZeroPartBackward0",
}

#: Values that differ where both have the name.
DIFFERENT_VALUES: Final = {
    ("AddBackward0", "_saved_alpha"): "1: the scaling is a node of its own",
    ("AddmmBackward0", "_saved_mat1_sym_strides"): "strides of no elements",
    ("AddmmBackward0", "_saved_mat2_sym_strides"): "strides of no elements",
    ("AsStridedBackward0", "_saved_storage_offset"): "PyTorch keeps None where none was given",
    ("MmBackward0", "_saved_mat2_sym_strides"): "strides of no elements",
    ("MmBackward0", "_saved_self_sym_strides"): "strides of no elements",
    ("NllLoss2DBackward0", "_saved_target"): "PyTorch brings the operands to four dimensions first",
    ("SliceBackward0", "_saved_dim"): "of `narrow`: counted from the start",
    ("SubBackward0", "_saved_alpha"): "1: the scaling is a node of its own",
    ("ViewBackward0", "_saved_self_sym_sizes"): "of `tensordot`: PyTorch sees one view less",
}


def requiring(value: Any, lib: Any) -> Any:
    """A sample's argument as the library's own; floating tensors are leaves that require gradients."""
    if isinstance(value, pb.Tensor):
        array = np.array(value.detach().to("numpy").numpy())
        tensor = pb.tensor(array) if lib is pb else torch.from_numpy(array)
        return tensor.requires_grad_() if array.dtype.kind in "fc" else tensor
    if type(value) in (list, tuple):
        return type(value)(requiring(v, lib) for v in value)
    return getattr(lib, value.name) if isinstance(value, pb.dtype) else value


def calls(name: str, most: int) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for sample in samples_of(registry[name], get_backend("numpy"), pb.float64, most=most):
        if not sample.values_only:
            yield sample.args, {k: v for k, v in sample.kwargs.items() if k != "generator"}


def called(lib: Any, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> list[Any]:
    """The nodes of what the call returns; none where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = function(*requiring(args, lib), **{k: requiring(v, lib) for k, v in kwargs.items()})
        except Exception:
            return []
    return [node for node in nodes_of(result) if node is not None]


def nodes_of(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [node for part in value for node in nodes_of(part)]
    return [getattr(value, "grad_fn", None)]


def attributes_of(kind: Any) -> set[str]:
    return {name for name in dir(kind) if name.startswith(("_saved_", "_raw_saved_"))}


def kinds_of_nodes() -> Iterator[Any]:
    """The classes of nodes of every operation."""
    for name, operation in registry.items():
        if not isinstance(operation, Operation) or operation.nondifferentiable:
            continue
        if isinstance(operation.node_name, str):
            yield operation.node_type(operation.node_name, conjugates=False)
            continue
        for args, kwargs in calls(name, most=12):
            yield from (type(node) for node in called(pb, operation.call, args, kwargs) if hasattr(node, "operation"))


def test_every_node_has_the_attributes_of_pytorchs() -> None:
    missing: dict[str, set[str]] = {}
    additional: dict[str, set[str]] = {}
    own = set()
    for kind in kinds_of_nodes():
        theirs = getattr(torch._C._functions, kind.__name__, None)
        if theirs is None:
            own.add(kind.__name__)
            continue
        missing.setdefault(kind.__name__, set()).update(attributes_of(theirs) - attributes_of(kind))
        additional.setdefault(kind.__name__, set()).update(attributes_of(kind) - attributes_of(theirs))
    assert len(missing) > 150
    assert {n: names for n, names in missing.items() if names} == {n: names for n, (names, _) in MISSING.items()}
    assert {n: names for n, names in additional.items() if names} == {n: names for n, (names, _) in ADDITIONAL.items()}
    assert own == OWN


def function_of(lib: Any, name: str) -> Any:
    spaces = (lib.nn.functional, lib, lib.Tensor)
    found = (getattr(space, name, None) for space in spaces)
    return next((f for f in found if callable(f) and not isinstance(f, type)), None)


def alike(found: Any, expected: Any) -> bool:
    """Whether a saved value is PyTorch's, which shows negative numbers modulo 2**64."""
    if isinstance(expected, tuple | list):
        same_length = isinstance(found, tuple | list) and len(found) == len(expected)
        return same_length and all(alike(f, e) for f, e in zip(found, expected, strict=True))
    if isinstance(expected, torch.Tensor):
        if not isinstance(found, pb.Tensor) or str(found.dtype) != str(expected.dtype):
            return False
        numbers = [np.asarray(tensor.detach().resolve_conj().numpy()) for tensor in (found, expected)]
        return numbers[0].shape == numbers[1].shape and np.allclose(*numbers, rtol=1e-12, equal_nan=True)
    if isinstance(found, int) and found < 0 and found + 2**64 == expected:
        return True
    return bool(found == expected) or str(found) == str(expected)


def differing_values(name: str) -> Iterator[tuple[tuple[str, str], Any, Any]]:
    theirs, ours = function_of(torch, name), function_of(pb, name)
    if theirs is None or ours is None:
        return
    for args, kwargs in calls(name, most=8):
        for expected, found in zip(called(torch, theirs, args, kwargs), called(pb, ours, args, kwargs), strict=False):
            if expected.name() != found.name():
                continue
            for attribute in attributes_of(type(expected)) & attributes_of(type(found)):
                if attribute.startswith("_saved_"):
                    own, its = getattr(found, attribute), getattr(expected, attribute)
                    if not alike(own, its):
                        yield (type(found).__name__, attribute), own, its


RANDOM: Final = {"bernoulli", "dropout", "multinomial", "normal", "poisson", "rrelu"}


def test_every_node_shows_the_values_of_pytorchs() -> None:
    differences = [d for name in sorted(registry) if name not in RANDOM for d in differing_values(name)]
    assert [d for d in differences if d[0] not in DIFFERENT_VALUES] == []
    assert {place for place, *_ in differences} == set(DIFFERENT_VALUES)


def seen(value: Any) -> Any:
    """A saved value as plain Python, tensors with their dtypes and nodes."""
    if hasattr(value, "grad_fn"):
        node = None if value.grad_fn is None else value.grad_fn.name()
        return str(value.dtype), value.tolist(), value.requires_grad, node
    return [seen(v) for v in value] if isinstance(value, tuple) else value


def attempt(action: Callable[[], Any]) -> Any:
    try:
        return seen(action())
    except RuntimeError as error:
        return type(error).__name__, str(error)


def matrix(lib: Any) -> Any:
    return lib.tensor([[2.0, 3.0], [4.0, 5.0]], requires_grad=True)


def the_weight_of_a_linear_map(lib: Any) -> Any:
    x, bias = matrix(lib), lib.tensor([1.0, 2.0], requires_grad=True)
    weight = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    names = ("mat1", "mat2", "mat1_sym_sizes", "mat2_sym_sizes", "mat1_sym_strides", "mat2_sym_strides")
    node = lib.nn.functional.linear(x, weight, bias).grad_fn
    found = [seen(getattr(node, f"_saved_{name}")) for name in (*names, "alpha", "beta")]
    without_bias = lib.nn.functional.linear(x, weight).grad_fn
    return found, seen(without_bias._saved_self), seen(without_bias._saved_mat2), node._saved_mat1 is x


def numbers_among_operands(lib: Any) -> Any:
    a = matrix(lib)
    products = [(a * number).grad_fn._saved_other for number in (3, 2.5, True, 2j)]
    return (
        [seen(p) for p in (*products, (a / 3).grad_fn._saved_other, (3 / a).grad_fn._saved_self)],
        lib.xlogy(a, 2.0).grad_fn._saved_other,
        lib.lerp(a, a.detach(), 0.5).grad_fn._saved_weight,
        (2**a).grad_fn._saved_self,
        a.square().grad_fn._saved_exponent,
        (a - 1).grad_fn._saved_alpha,
        (1 - a).grad_fn._saved_alpha,
    )


def corrections(lib: Any) -> Any:
    a = matrix(lib)
    nodes = [
        a.var().grad_fn,
        a.var(0).grad_fn,
        a.std(False).grad_fn,
        a.std(0, unbiased=False).grad_fn,
        a.std(unbiased=True).grad_fn,
        a.var((0, 1), correction=2).grad_fn,
        a.var(dim=0, keepdim=True).grad_fn,
    ]
    return [(node._saved_correction, node._saved_dim, node._saved_keepdim) for node in nodes]


def slices(lib: Any) -> Any:
    a = matrix(lib)
    nodes = [a[1:].grad_fn, a[:1].grad_fn, a[:, ::2].grad_fn]
    return [(n._saved_dim, n._saved_start, n._saved_end, n._saved_step, n._saved_self_sym_sizes) for n in nodes]


def one_of_two_operands_was_written(lib: Any) -> Any:
    a, b = matrix(lib), matrix(lib)
    product = a.mul(b)
    with lib.no_grad():
        a.add_(1.0)
    exponential = b.exp()
    node = exponential.grad_fn
    exponential.add_(1.0)
    mean = (a.detach().requires_grad_() * 1).mean(0)
    return [
        attempt(lambda: product.grad_fn._saved_other),
        attempt(lambda: product.grad_fn._saved_self)[0],
        attempt(lambda: node._saved_result)[0],
        mean.grad_fn._saved_self_sym_numel,
    ]


def after_the_pass(lib: Any) -> Any:
    a = matrix(lib)
    total = a.prod() + a.sum()
    before = seen(total.grad_fn.next_functions[0][0]._saved_result)[:3]
    total.backward()
    return before, total.grad_fn._saved_alpha, attempt(lambda: total.grad_fn.next_functions[0][0]._saved_result)


def places_in_storage(lib: Any) -> Any:
    node = matrix(lib).as_strided((2,), (2,), 1).grad_fn
    written = matrix(lib).clone()[:, None].squeeze_(1).grad_fn
    return seen(node._saved_size), seen(node._saved_stride), node._saved_storage_offset, written._saved_self_sym_sizes


def positions_under_hooks(lib: Any) -> Any:
    log: list[Any] = []

    def pack(tensor: Any) -> Any:
        log.append(("pack", tensor.tolist()))
        return tensor.tolist(), tensor.dtype

    def unpack(packed: Any) -> Any:
        log.append(("unpack", packed[0]))
        return lib.tensor(packed[0], dtype=packed[1])

    a, rows = matrix(lib), lib.tensor([1, 1])
    with lib.autograd.graph.saved_tensors_hooks(pack, unpack):
        picked = a[rows]
        column = a[:, rows]
        put = a.index_put((rows, rows), lib.tensor(2.0, requires_grad=True))
    shown = [seen(i) for i in column.grad_fn._saved_indices], seen(picked.grad_fn._saved_indices)
    (picked.sum() + column.sum() + put.sum()).backward()
    return sorted(map(str, log)), shown, a.grad.tolist()


def hooks_on_one_position(lib: Any) -> Any:
    a, rows, columns = matrix(lib), lib.tensor([0, 1]), lib.tensor([1, 1])
    picked = a[rows, columns]
    raw = picked.grad_fn._raw_saved_indices
    raw[0].register_hooks(lambda t: t.tolist(), lambda packed: lib.tensor([1 - i for i in packed]))
    again = attempt(lambda: picked.grad_fn._raw_saved_indices[0].register_hooks(lambda t: t, lambda t: t))
    shown = seen(picked.grad_fn._saved_indices)
    picked.backward(lib.tensor([1.0, 10.0]))
    part = a[rows, columns]
    part.grad_fn._raw_saved_indices[0].register_hooks(lambda t: t.tolist(), lib.tensor)
    columns.zero_()
    return len(raw), again, shown, a.grad.tolist(), attempt(part.sum().backward)[0]


def positions_that_may_be_written(lib: Any) -> Any:
    a, rows = matrix(lib), lib.tensor([0, 1])
    with lib.autograd.graph.allow_mutation_on_saved_tensors():
        picked = a[rows]
        rows.zero_()
        picked.sum().backward()
    return a.grad.tolist()


PROGRAMS: Final = (
    positions_under_hooks,
    hooks_on_one_position,
    positions_that_may_be_written,
    the_weight_of_a_linear_map,
    numbers_among_operands,
    corrections,
    slices,
    one_of_two_operands_was_written,
    after_the_pass,
    places_in_storage,
)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_what_nodes_show_is_pytorchs(program: Callable[[Any], Any], backend: str, same_program: Any) -> None:
    same_program(program, backend)
