"""Views, copies and aliases; writes in place and what is said about memory; operands that are written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.selftest.breaking import attributes, kernel
from pullback_conformance.selftest.defect import Defect

VIEWS, ALIASES, MUTATION, WRITES, METADATA = (
    "views", "copies and aliases", "mutation of operands", "writes in place", "metadata",
)  # fmt: skip


def _defect(
    kind: str, name: str, operations: str, kernel_name: str, broken: Callable[..., Any], program: str, check: str,
    tier: str = "smoke",
) -> Defect:  # fmt: skip
    return Defect(name, kind, tier, check, tuple(operations.split(",")), kernel(kernel_name, broken), program)


def _copied(true: Any, *arguments: Any, **options: Any) -> Any:
    return np.array(true(*arguments, **options))


def _sliced(true: Any, x: Any, key: Any) -> Any:
    return np.array(true(x, key))


def _operand_if_equal(true: Any, x: Any, *rest: Any, **options: Any) -> Any:
    """The operand itself where there is nothing to do."""
    result = np.asarray(true(x, *rest, **options))
    if result.dtype == np.asarray(x).dtype and result.shape == np.shape(x) and np.array_equal(result, x):
        return x
    return result


def _writing(change: Callable[..., Any], position: int = 0) -> Callable[..., Any]:
    """A kernel that gives the right result and writes into an operand besides."""

    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        result = np.array(true(*operands, **options))
        operand = operands[position]
        if isinstance(operand, np.ndarray) and operand.flags.writeable and operand.size:
            operand[...] = change(operand)
        return result

    return broken


def _viewing(make: str) -> str:
    """A program that writes through a view and shows what became of what it views."""
    return f"(x := pb.arange(1., 5.).reshape(2, 2), {make}.zero_())[0]"


def _put(x: Any, key: Any, values: Any, accumulate: bool) -> Any:
    if accumulate:
        np.add.at(x, key, values)
    else:
        x[key] = values
    return x


def _written(x: Any, result: Any) -> Any:
    x[...] = result
    return result


def _into_all_but_the_last(true: Any, *operands: Any, **options: Any) -> Any:
    out = options.get("out")
    if out is None or not out.ndim:
        return true(*operands, **options)
    last = np.array(out[..., -1])
    true(*operands, **options)
    out[..., -1] = last
    return out


DEFECTS = [
    # views that are copies
    *(
        _defect(VIEWS, f"{k}_copies", o, k, b, _viewing(make), "contract" if k == "as_strided" else "aliases")
        for k, o, b, make in (
            ("reshape", "view,reshape", _copied, "x.view(4)"),
            ("permute_dims", "permute,transpose,t", _copied, "x.permute(1, 0)"),
            ("expand_dims", "unsqueeze", _copied, "x.unsqueeze(0)"),
            ("squeeze", "squeeze", _copied, "x[None].squeeze(0)"),
            ("getitem", "select,slice,index", _sliced, "x[0]"),
            ("as_strided", "as_strided", _copied, "pb.as_strided(x, (2,), (1,), 1)"),
            ("unfold", "unfold", _copied, "x.unfold(1, 2, 1)"),
            ("broadcast_to", "expand", _copied, "x[0].expand(2, 2)"),
        )
    ),
    _defect(VIEWS, "diagonal_copies", "diagonal", "diagonal", _copied,
            "np.shares_memory(backend.diagonal(a := np.eye(2)"
            "), a)", "aliases"),
    _defect(VIEWS, "view_as_real_copies", "view_as_real", "view_as_real", _copied,
            "(x := pb.ones(2, dtype=pb.complex64), pb.view_as_real(x).zero_())[0]", "aliases", "standard"),
    _defect(VIEWS, "view_as_complex_copies", "view_as_complex", "view_as_complex", _copied,
            "(x := pb.ones(2, 2), pb.view_as_complex(x).zero_())[0]", "aliases"),
    _defect(VIEWS, "real_copies", "real", "real", _copied, "np.shares_memory(backend.real(a := np.ones(2, 'F')), a)",
            "contract", "standard"),
    _defect(VIEWS, "reinterpret_copies", "view", "reinterpret", _copied,
            "(x := pb.ones(2), x.view(pb.int32).zero_())[0]", "contract"),
    # copies that are views, or the operand
    _defect(ALIASES, "copy_is_an_alias", "clone", "copy", lambda true, x: x, "(x := pb.ones(2), x.clone().zero_())[0]",
            "aliases"),
    _defect(ALIASES, "flip_is_a_view", "flip", "flip", lambda true, x, axis=None: np.flip(x, axis),
            "(x := pb.arange(3.), pb.flip(x, [0]).zero_())[0]", "aliases"),
    *(
        _defect(ALIASES, f"{o}_may_be_its_operand", o, k, _operand_if_equal,
                f"(x := {make}, pb.{call}.zero_())[0]", "aliases")
        for o, k, make, call in (
            ("abs", "abs", "pb.ones(2)", "abs(x)"), ("floor", "floor", "pb.ones(2)", "floor(x)"),
            ("round", "round", "pb.ones(2)", "round(x)"), ("tril", "tril", "pb.ones(1, 1)", "tril(x)"),
            ("cumsum", "cumulative_sum", "pb.ones(1)", "cumsum(x, 0)"), ("roll", "roll", "pb.ones(1)", "roll(x, 1, 0)"),
            ("amax", "max", "pb.tensor(1.)", "amax(x)"), ("maximum", "maximum", "pb.ones(2)", "maximum(x, x)"),
            ("add", "add", "pb.ones(2)", "add(x, pb.zeros(2))"), ("ceil", "ceil", "pb.ones(2)", "ceil(x)"),
            ("relu", "maximum", "pb.ones(2)", "relu(x)"),
        )
    ),
    _defect(ALIASES, "sum_over_nothing_is_its_operand", "sum", "sum", _operand_if_equal,
            "(x := pb.tensor(1.), pb.sum(x).zero_())[0]", "aliases"),
    _defect(ALIASES, "where_may_be_an_operand", "where", "where", lambda true, c, x, y: x if isinstance(x, np.ndarray)
            and np.all(c) and np.shape(x) == np.shape(true(c, x, y)) else true(c, x, y),
            "(x := pb.ones(2), pb.where(x > 0, x, x).zero_())[0]", "aliases"),
    _defect(ALIASES, "cat_of_one_is_it", "cat", "concat", lambda true, xs, axis=0: xs[0] if len(xs) == 1 else true(
        xs, axis=axis), "(x := pb.ones(2), pb.cat([x]).zero_())[0]", "aliases"),
    _defect(ALIASES, "take_of_everything_is_a_view", "index_select", "take", lambda true, x, i, axis=None: x[:] if
            np.array_equal(i, np.arange(x.shape[axis or 0])) and x.ndim == 1 else true(x, i, axis=axis),
            "(x := pb.ones(2), pb.index_select(x, 0, pb.arange(2)).zero_())[0]", "aliases"),
    _defect(ALIASES, "results_are_read_only", "exp", "exp", lambda true, x, **o: np.broadcast_to(true(x, **o), np.shape(
        x)), "pb.exp(pb.ones(2)).add_(1)", "aliases"),
    _defect(ALIASES, "zeros_are_shared", "zeros", "zeros", lambda true, shape, **o: np.broadcast_to(true((), **o),
            shape),
            "pb.zeros(2).add_(1)", "contract"),
    _defect(ALIASES, "ones_are_made_once", "ones", "ones", (lambda kept: lambda true, shape, **o: kept.setdefault(
        (repr(shape), str(o["dtype"])), true(shape, **o)))({}), "(pb.ones(2).zero_(), pb.ones(2))[1]", "contract"),
    # operands that are written to
    *(
        _defect(MUTATION, f"{o}_writes_into_its_operand", o, k, _writing(change), f"(x := {make}, pb.{o}({call}))[0]",
                "unchanged")
        for o, k, change, make, call in (
            ("neg", "negative", np.negative, "pb.ones(2)", "x"), ("sort", "argsort", lambda x: np.sort(x, -1),
                                                                   "pb.tensor([2., 1.])", "x"),
            ("cumsum", "cumulative_sum", lambda x: np.cumsum(x, -1), "pb.ones(2)", "x, 0"),
            ("exp", "exp", np.exp, "pb.ones(2)", "x"), ("round", "round", np.rint, "pb.tensor([0.3])", "x"),
            ("var", "var", lambda x: x - np.mean(x), "pb.tensor([1., 2.])", "x"),
            ("tril", "tril", np.tril, "pb.ones(2, 2)", "x"), ("flip", "flip", lambda x: np.flip(x).copy(),
                                                               "pb.tensor([1., 2.])", "x, [0]"),
        )
    ),
    _defect(MUTATION, "norm_writes_into_its_operand", "vector_norm", "norm", _writing(np.abs),
            "(x := pb.tensor([-1., 2.]), pb.norm(x))[0]", "unchanged"),
    *(
        _defect(MUTATION, f"{o}_writes_into_its_second_operand", o, k, _writing(change, 1),
                f"(x := pb.full((2, 2), 3.), pb.{o}(pb.ones(2, 2), x))[0]", "unchanged")
        for o, k, change in (("sub", "subtract", np.negative), ("mm", "mm", lambda y: y * 2),
                             ("maximum", "maximum", lambda y: y + 1), ("atan2", "atan2", np.zeros_like))
    ),
    _defect(MUTATION, "index_put_writes_into_its_operand", "index_put,index_add,index_copy", "index_put",
            lambda true, x, key, values, accumulate=False: _put(x, key, values, accumulate),
            "backend.index_put(a := np.zeros(2), np.array([0]), np.ones(1)) is a", "unchanged"),
    _defect(MUTATION, "scatter_writes_into_its_operand", "scatter,scatter_add", "scatter",
            lambda true, x, axis, i, v, reduce=None: _written(x, true(x, axis, i, v, reduce)),
            "(x := pb.zeros(2), pb.scatter(x, 0, pb.tensor([0]), pb.ones(1)))[0]", "unchanged"),
    _defect(MUTATION, "positions_are_sorted_in_place", "index_select", "take", _writing(np.sort, 1),
            "(i := pb.tensor([1, 0]), pb.index_select(pb.ones(2), 0, i))[0]", "unchanged"),
    _defect(MUTATION, "condition_is_negated", "where", "where", _writing(np.logical_not, 0),
            "(c := pb.tensor([True]), pb.where(c, pb.ones(1), pb.ones(1)))[0]", "unchanged"),
    _defect(MUTATION, "fill_writes_into_the_mask", "masked_fill", "fill_where_into", lambda true, x, m, v: (
        true(x, m, v), m.fill(False) if m.flags.writeable else None)[0],
            "(m := pb.ones(2) > 0, pb.zeros(2).masked_fill_(m, 1.))[0]", "unchanged"),
    # writes in place
    _defect(WRITES, "assign_misses_strided_rows", "copy,fill", "assign", lambda true, target, value: true(
        target if target.ndim < 2 or target.flags.c_contiguous else target[:-1], value if np.ndim(value) < 2 or
        target.flags.c_contiguous else value[:-1]), "(x := pb.zeros(2, 4), x[:, ::2].copy_(pb.ones(2, 2)))[0]",
            "contract"),
    _defect(WRITES, "assign_forgets_the_last_element", "copy,fill", "assign", lambda true, target, value: true(
        target[:-1], value[:-1] if np.ndim(value) and len(value) == len(target) else value) if target.ndim == 1 and
            target.size > 8 else true(target, value), "pb.zeros(9).copy_(pb.ones(9))", "contract"),
    _defect(WRITES, "index_put_into_writes_a_copy", "index_put,index_fill,index_copy", "index_put_into",
            lambda true, x, key, values, accumulate=False: (true(x.copy(), key, values, accumulate), x)[1],
            "pb.zeros(2).index_put_((pb.tensor([0]),), pb.ones(1))", "contract"),
    _defect(WRITES, "index_put_into_adds_once", "index_put,index_add", "index_put_into",
            lambda true, x, key, values, accumulate=False: true(x, key, x[key] + values if accumulate else values,
            False),
            "pb.zeros(2).index_put_((pb.tensor([0, 0]),), pb.ones(2), accumulate=True)", "contract"),
    _defect(WRITES, "scatter_into_ignores_reduce", "scatter_add,scatter_reduce", "scatter_into",
            lambda true, x, axis, i, v, reduce=None: true(x, axis, i, v), "pb.ones(2).scatter_add_(0, pb.tensor([0]), "
            "pb.ones(1))", "contract"),
    _defect(WRITES, "fill_where_fills_everything", "masked_fill", "fill_where_into", lambda true, x, m, v: true(
        x, np.ones_like(m), v), "pb.zeros(2).masked_fill_(pb.tensor([True, False]), 1.)", "contract"),
    _defect(WRITES, "fill_where_ignores_broadcast_masks", "masked_fill", "fill_where_into", lambda true, x, m, v: (true(
        x[:1] if m.ndim < x.ndim else x, m, v), x)[1], "pb.zeros(2, 2).masked_fill_(pb.tensor([True, False]), 1.)",
            "contract"),
    *(
        Defect(f"{o}_in_place_misses_the_last", WRITES, "smoke", "spellings", (o,),
               kernel(k, _into_all_but_the_last, in_place=True),
               f"(x := pb.full((3,), 3.), pb.{o}(x, x), x.{o}_(x), x.{o}_(x))[0]")
        for o, k in (("add", "add"), ("mul", "multiply"), ("sub", "subtract"))
    ),
    # what is said about memory
    _defect(METADATA, "strides_are_in_bytes", "the backend,as_strided", "strides", lambda true, x: tuple(x.strides),
            "backend.strides(np.ones((2, 3)))", "contract"),
    _defect(METADATA, "strides_are_always_row_major", "the backend,as_strided", "strides", lambda true, x: true(
        np.empty(x.shape, x.dtype)), "backend.strides(np.ones((2, 3)).T)", "contract"),
    _defect(METADATA, "same_strides_is_always_true", "the backend,add", "same_strides", lambda true, x, y: True,
            "backend.same_strides(np.ones((2, 2)), np.ones((2, 2)).T[:, :])", "contract"),
    _defect(METADATA, "same_strides_compares_shapes", "the backend,add", "same_strides", lambda true, x, y: x.shape ==
            y.shape, "backend.same_strides(np.ones((2, 3)), np.ones((3, 2)).T)", "contract"),
    _defect(METADATA, "is_contiguous_is_always_true", "the backend,contiguous,view", "is_contiguous", lambda true,
            x: True,
            "backend.is_contiguous(np.ones((2, 3)).T)", "contract"),
    _defect(METADATA, "is_contiguous_is_never_true", "the backend,contiguous,view", "is_contiguous",
            lambda true, x: False, "backend.is_contiguous(np.ones((2, 3)))", "contract"),
    _defect(METADATA, "data_pointer_is_that_of_the_memory", "the backend", "data_pointer", lambda true, x: true(
        x if x.base is None or not isinstance(x.base, np.ndarray) else x.base),
            "(x := pb.ones(4), x[1:].data_ptr() - x.data_ptr())[1]", "contract"),
    _defect(METADATA, "data_pointer_is_one_for_all", "the backend", "data_pointer", lambda true, x: 4096,
            "pb.ones(4).data_ptr() == 4096", "contract"),
    _defect(METADATA, "owns_memory_of_views", "the backend", "owns_memory", lambda true, x: True,
            "backend.owns_memory(np.ones(3)[1:])", "contract"),
    _defect(METADATA, "writable_is_always_true", "the backend", "writable", lambda true, x: True,
            "backend.writable(np.broadcast_to(np.ones(1), (2,)))", "contract"),
    _defect(METADATA, "writable_is_never_true", "the backend", "writable", lambda true, x: False,
            "backend.writable(np.ones(2))", "contract"),
    _defect(METADATA, "is_array_takes_lists", "the backend", "is_array", lambda true, x: true(x) or isinstance(x, list),
            "backend.is_array([1.])", "contract"),
    Defect("declares_immutable_arrays", METADATA, "smoke", "contract", ("the backend", "copy"), attributes(
            mutable=False),
           "(x := pb.ones(2), x[:1].zero_(), backend.to_numpy(x.array).flags.writeable, x.data_ptr() == 0, "
           "backend.mutable)"),
]  # fmt: skip
