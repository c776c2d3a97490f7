"""Operations inside ``vmap``: the same program on PyTorch and on pullback, values, dtypes and errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")


def environment(lib: Any) -> dict[str, Any]:
    """What the programs below refer to, of one library or the other."""

    def put(tensor: Any, key: Any, value: Any) -> Any:
        tensor[key] = value
        return tensor

    def through(write: Any) -> Any:
        def written(tensor: Any) -> Any:
            made = tensor * 1
            write(made)
            return made

        return written

    def into_zeros(tensor: Any) -> Any:
        made = lib.zeros_like(tensor)
        lib.func.vmap(lambda zero, row: zero.add_(row * row))(made, tensor)
        return made

    def detached_and_written(row: Any) -> Any:
        other = row.detach()
        other.mul_(2)
        return (row * other).sum()

    x = lib.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    return {
        "lib": lib,
        "F": lib.nn.functional,
        "vmap": lib.func.vmap,
        "grad": lib.func.grad,
        "jvp": lib.func.jvp,
        "put": put,
        "through": through,
        "into_zeros": into_zeros,
        "detached_and_written": detached_and_written,
        "x": x,
        "leaf": x.clone().requires_grad_(),
        "y": lib.tensor([10.0, 20.0, 30.0]),
        "i": lib.tensor([[0, 2], [1, 1]]),
        "one": lib.tensor([2, 0]),
        "s": lib.tensor([1.0, 2.0], dtype=lib.float64),
        "half": x.half(),
        "square": lib.stack([x, x * 2]),
        "many": lib.arange(36.0).reshape(2, 3, 2, 3),
        "whole": lib.arange(120.0).reshape(2, 3, 4, 5),
        "masks": lib.tensor([[True, False, True], [False, True, True]]),
        "scores": lib.tensor([[[0.1, -1.0, 0.5], [2.0, 0.0, 1.0]], [[0.3, 0.2, 0.1], [-1.0, 1.0, 0.0]]]),
        "targets": lib.tensor([[0, 2], [1, 1]]),
        "weights": lib.tensor([[0.5, 1.0, 2.0], [1.0, 3.0, 0.25]]),
    }


def flat(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, tuple | list) else [value]


def outcome(lib: Any, program: str) -> Any:
    with warnings.catch_warnings():
        if lib is torch:
            warnings.simplefilter("ignore")  # PyTorch takes one example after the other for some of these
        try:
            return flat(eval(program, environment(lib)))
        except (NameError, AttributeError):  # of the program itself
            raise
        except Exception as error:
            return type(error), str(error)


def check(program: str) -> None:
    expected, found = outcome(torch, program), outcome(pb, program)
    if isinstance(expected, tuple):
        assert found == expected
        return
    assert not isinstance(found, tuple), found
    for own, other in zip(found, expected, strict=True):
        if not hasattr(other, "requires_grad"):
            assert str(own) == str(other)
            continue
        assert str(own.dtype) == str(other.dtype)
        assert own.requires_grad == other.requires_grad
        np.testing.assert_allclose(own.detach().numpy(), other.detach().numpy(), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(
    "write",
    [
        "a.add_(b)", "a.sub_(b)", "a.mul_(b)", "a.div_(b)", "a.copy_(b)", "a.fill_(b[0])", "a.clamp_(b)",
        "a.addcmul_(b, b)", "a.lerp_(b, 0.5)", "a.pow_(b)", "a.atan2_(b)", "a.copysign_(b)", "a.hypot_(b)",
        "a.masked_fill_(b > 2, 1.0)", "a.masked_scatter_(b > 2, b)", "a.scatter_(0, k, 1.0)", "a.scatter_(0, k, b)",
        "a.scatter_add_(0, k, b)", "a.scatter_reduce_(0, k, b, 'sum')", "a.index_add_(0, k, b[:2])",
        "a.index_copy_(0, k, b[:2])", "a.index_fill_(0, k, 1.0)", "a.index_put_((k,), b[:2])", "a.put_(k, b[:2])",
        "a.index_reduce_(0, k, b[:2], 'mean')", "put(a, 0, b[0])", "put(a, slice(2), b[:2])", "put(a, k, 1.0)",
        "a[1:].copy_(b[1:])", "a.ge_(b)", "a.logical_and_(b)",
    ],
)  # fmt: skip
def test_what_is_the_same_for_each_example_cannot_take_in_what_is_not(write: str) -> None:
    check(f"vmap(lambda a, b, k: {write}, in_dims=(None, 0, 0))(y.clone(), x, i)")


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda a: a.add_(1) + a)(x.clone())",
        "vmap(lambda a, b: a.add_(b), (0, None))(x.clone(), y)",
        "vmap(lambda a, b: a.zero_() + b, (None, 0))(y.clone(), x)",
        "vmap(lambda a: a.unsqueeze_(0))(x.clone())",
        "vmap(lambda a: a.t_())(square.clone())",
        "vmap(lambda a: a.transpose_(0, 1), 1)(square.clone())",
        "vmap(lambda a, k, b: put(a, k, b[:2]))(x.clone(), i, x * 10)",
        "vmap(lambda a, k: put(a, k, 7.0))(x.clone(), i)",
        "vmap(lambda a, k: put(a, k, y[:2]))(x.clone(), i)",
        "vmap(lambda a: put(a, i[0], y[:2]))(x.clone())",
        "vmap(lambda a: put(a, a > 2, 0.0))(x.clone())",
        "vmap(lambda a: put(a, y > 15, y[1:]))(x.clone())",
        "vmap(lambda a: put(a, a > 2, a[:1].clone()))(x.clone())",
        "vmap(lambda a, k: put(a, (slice(None), k), 0.0))(square.clone(), i)",
        "vmap(lambda a, k: put(a, (..., k), -1.0))(square.clone(), i)",
        "vmap(lambda a, k: put(a, k, 0.0))(x.clone(), one)",
        "vmap(lambda a, k: put(a, (k, k), -1.0))(square.clone(), lib.tensor([[0, 1], [1, 0]]))",
        "vmap(lambda a, k: put(a, (k, lib.tensor([2, 0])), -1.0))(square.clone(), lib.tensor([[0, 1], [1, 0]]))",
        "vmap(lambda a: put(lib.zeros_like(a), 0, a[0]))(x)",
        "vmap(lambda a: put(a.new_zeros(2), 0, a[0]))(x)",
        "vmap(lambda a: a.new_empty(3).copy_(a))(x)",
        "vmap(lambda a: lib.full_like(a, 2.0).add_(a))(x)",
        "vmap(grad(lambda a: put(a.clone(), 0, a[1] * 2).pow(2).sum()))(x)",
        "vmap(grad(lambda a: a.clone().mul_(a).add_(1).sin_().sum()))(x)",
        "vmap(grad(lambda a: through(lambda b: b[1:].mul_(b[0].clone()))(a).sum()))(x)",
        "vmap(grad(lambda a: put(lib.zeros_like(a), 0, a[0] ** 2).sum()))(x)",
        "vmap(grad(lambda a: put(a.new_zeros(2), 0, a[0] ** 2).sum()))(x)",
        "vmap(grad(lambda a: put(lib.zeros(3), 0, a[0] ** 2).sum()))(x)",
        "vmap(grad(lambda a: a.mul_(2).sum()))(x.clone())",
        "grad(lambda a: vmap(lambda b: b.mul_(2).sum())(a).sum())(x.clone())",
        "grad(lambda a: vmap(lambda b: b[0].mul_(2).sum())(a).sum())(x.clone())",
        "grad(lambda a: vmap(lambda b: (b * 1).mul_(b).sum())(a).sum())(x)",
        "vmap(lambda r: r.mul_(2))(leaf)",
        "vmap(lambda r: r[0].mul_(2))(leaf)",
        "vmap(vmap(lambda r: r.mul_(2)))(leaf)",
        "vmap(lambda r: r.mul_(2))(leaf * 1)",
        "vmap(lambda a: vmap(lambda b: b.mul_(2))(a * 1))(leaf)",
        "grad(lambda a: into_zeros(a).sum())(x)",
        "jvp(into_zeros, (x,), (x,))",
    ],
)
def test_writing_in_place(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda r: r.detach() * 1)(leaf)",
        "vmap(vmap(lambda r: r.detach()))(leaf)",
        "grad(lambda a: vmap(lambda r: (r.detach() * r).sum())(a).sum())(x)",
        "grad(lambda a: vmap(lambda r: vmap(lambda t: t.detach() * t)(r).sum())(a).sum())(x)",
        "vmap(grad(lambda r: (r.detach() * r).sum()))(x)",
        "jvp(lambda a: vmap(lambda r: (r.detach() * r).sum())(a), (x,), (x,))",
        "vmap(lambda r: jvp(lambda t: (t.detach() * t).sum(), (r,), (r,)))(x)",
        "vmap(detached_and_written)(x.clone())",
        "grad(lambda a: vmap(detached_and_written)(a * 1).sum())(x.clone())",
        "vmap(lambda r: r.data * 2)(x)",
        "vmap(lambda r: setattr(r, 'data', r))(x)",
        "vmap(lambda r: r.data_ptr())(x)",
    ],
)
def test_detaching(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda a, k: a[k])(x, i)",
        "vmap(lambda k: y[k])(i)",
        "vmap(lambda a: a[i])(x)",
        "vmap(lambda a, k: a[k])(x, one)",
        "vmap(lambda k: y[k])(one)",
        "vmap(lambda a, k: a[:, k])(square, i)",
        "vmap(lambda a, k: a[k, :, k])(many, i)",
        "vmap(lambda a, k: a[None, k])(x, i)",
        "vmap(lambda a, k: a[k, None])(x, i)",
        "vmap(lambda a, k: a[..., k])(square, i)",
        "vmap(lambda a, k: a[0, k])(square, i)",
        "vmap(lambda a, k: a[1:, k])(square, i)",
        "vmap(lambda a: a[[0, 2]])(x)",
        "vmap(lambda a: a[[True, False, True]])(x)",
        "vmap(lambda a: a[y > 15])(x)",
        "vmap(lambda a: a.masked_select(y > 15))(x)",
        "vmap(lambda a: a.masked_select(lib.tensor(True)))(lib.tensor([1.0, 2.0]))",
        "vmap(lambda a, k: a[k - 3])(x, i)",
        "vmap(lambda a: a[True])(x)",
        "vmap(lambda a: a[a])(x)",
        "vmap(lambda a: a[a[0] > 2])(x)",
        "vmap(lambda a, k: a.take(k))(x, i)",
        "vmap(lambda a, k: lib.take_along_dim(a, k, 0))(x, i)",
        "vmap(lambda a, k: a.gather(0, k))(x, i)",
        "vmap(lambda a, k: a.index_select(0, k))(x, i)",
        "vmap(lambda k: y.index_select(0, k))(i)",
        "vmap(lambda a, m, b: a.masked_scatter(m, b))(x, masks, x * 10)",
        "vmap(lambda m, b: y.masked_scatter(m, b))(masks, x * 10)",
        "vmap(lambda a, m: a.masked_scatter(m, y))(x, masks)",
        "vmap(lambda k: F.one_hot(k))(i)",
        "vmap(lambda k: F.one_hot(k, 3))(i)",
        "vmap(lambda k: F.one_hot(k, 2))(i)",
        "vmap(lambda k: F.one_hot(k, 0))(i)",
    ],
)
def test_indexing(program: str) -> None:
    check(program)


def test_a_position_out_of_bounds_is_told_by_the_dimension_of_one_example() -> None:
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 3"):
        pb.vmap(lambda a, k: a[k])(pb.ones(2, 3), pb.tensor([[0, 5], [1, 1]]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignored", [-100, 1])
@pytest.mark.parametrize("dims", ["(0, 0, 0)", "(0, None, 0)", "(None, 0, 0)", "(None, None, 0)", "(0, 0, None)"])
def test_classes_that_weigh_differently_in_each_example(reduction: str, ignored: int, dims: str) -> None:
    given = f"*[t if d == 0 else t[0] for t, d in zip((scores, targets, weights), {dims}, strict=True)]"
    loss = f"F.nll_loss(a, t, w, reduction='{reduction}', ignore_index={ignored})"
    check(f"vmap(lambda a, t, w: {loss}, in_dims={dims})({given})")
    check(f"vmap(grad(lambda a, t, w: ({loss} ** 2).sum()), in_dims={dims})({given})")


@pytest.mark.parametrize(
    "program",
    [
        "F.nll_loss(scores[0], targets[0], weights[0].requires_grad_())",
        "F.cross_entropy(scores.permute(0, 2, 1), targets, weights[0].requires_grad_())",
        "F.binary_cross_entropy(scores.sigmoid(), scores.sigmoid(), weights[0].requires_grad_())",
        "F.binary_cross_entropy_with_logits(scores, scores, weights[0].requires_grad_())",
        "F.binary_cross_entropy_with_logits(scores, scores, pos_weight=weights[0].requires_grad_())",
        "vmap(grad(lambda w: F.nll_loss(scores[0], targets[0], w)))(weights)",
        "grad(lambda w: vmap(lambda a: F.nll_loss(a, targets[0], w))(scores).sum())(weights[0])",
        "F.nll_loss(scores[0], targets[0], weights[0].requires_grad_().detach())",
    ],
)
def test_weights_of_losses_have_no_gradient(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda a: lib.stack([a, y]))(x)",
        "vmap(lambda a: lib.stack([y, a], -1))(x)",
        "vmap(lambda a: lib.cat([y, a, y]))(x)",
        "vmap(lambda a: lib.cat([y[None], a[None]], -1), 1, 1)(x.t())",
        "vmap(lambda a: lib.cat([lib.tensor([1, 2]), a]))(x)",
        "vmap(lambda a: lib.cat([lib.tensor([]), a]))(x)",
        "vmap(lambda a: lib.hstack([a, y]))(x)",
        "vmap(lambda a: lib.hstack([a, lib.tensor(1.0)]))(s)",
        "vmap(lambda a: lib.vstack([a, y]))(x)",
        "vmap(lambda a: lib.block_diag(a, y))(x)",
        "vmap(lambda a: lib.meshgrid(a, y, indexing='ij'))(x)",
        "vmap(lambda a: lib.cartesian_prod(a, y))(x)",
        "vmap(lambda a: lib.broadcast_tensors(a, y[:, None]))(x)",
        "vmap(lambda a: lib.einsum('i,j->ij', a, y))(x)",
        "vmap(lambda a: lib.eye(3) @ a)(x)",
        "vmap(lambda a: lib.outer(a, a)[tuple(lib.tril_indices(3, 3))])(x)",
        "vmap(lambda a: a.new_tensor([1.0, 2.0, 3.0]) + a)(x)",
        "vmap(lambda a: lib.linspace(a[0], a[1], 3))(x)",
        "vmap(lambda a: lib.linspace(0, a[1], 4, dtype=lib.int64))(x)",
        "vmap(lambda a: lib.logspace(a[0], 2, 3, base=2))(x)",
        "vmap(grad(lambda a: lib.linspace(a[0], a[1], 3).sum()))(x)",
        "vmap(lambda a: (a > 2) & (a != 3) | (a == 1))(x)",
        "vmap(lambda a: a > 1.5)(one)",
    ],
)
def test_joining_making_and_comparing(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "expression",
    [
        "(a + b).dtype", "(b * a).dtype", "(a < b).dtype", "(a / b.long()).dtype", "(b.long() ** a).dtype",
        "lib.cat([a.reshape(1), b]).dtype", "lib.stack([a, b[0].double()]).dtype", "(a + y).dtype", "(a + 1.5).dtype",
        "lib.maximum(a, b).dtype", "lib.copysign(b, a).dtype", "lib.atan2(b, a).dtype", "lib.xlogy(b, a).dtype",
        "b.clone().add_(a).dtype", "b.long().add_(a)", "b.long().div_(a.long())",
        "(a.to(lib.complex64) + b.double()).dtype", "(a.long() + b.half()).dtype", "(b.half() - a.long()).dtype",
        "lib.float_power(b, a).dtype",
        "grad(lambda c: (c * b).sum())(a).dtype", "lib.result_type(a, y)", "vmap(lambda t: a + t)(b).dtype",
        "vmap(lambda t: t + y)(b.double()).dtype", "((a > 1) + b.long()).dtype", "F.mse_loss(a, b[0].double()).dtype",
    ],
)  # fmt: skip
def test_a_number_of_each_example_promotes_as_a_number(expression: str) -> None:
    check(f"vmap(lambda a, b: str({expression}), out_dims=None)(s, x)")


@pytest.mark.parametrize("expression", ["lib.where(b > 1, a, b)", "b.clamp(min=a)", "lib.addcmul(b, a, b)"])
def test_it_does_so_where_pytorch_forgets_it_inside_vmap(expression: str) -> None:
    alone = environment(torch)
    plain = eval(expression, {**alone, "a": alone["s"][0], "b": alone["x"][0]})
    mapped = eval(f"vmap(lambda a, b: {expression})(s, x)", environment(pb))
    assert str(mapped.dtype) == str(plain.dtype) == "torch.float32"


@pytest.mark.parametrize(
    "program",
    [
        "vmap(vmap(vmap(lambda a, b: a * b, (0, None)), (None, 0)), (0, None))(x, y)",
        "vmap(vmap(vmap(lambda a: a.sum(), 1, 0), 1, 0), 1, 1)(whole[..., None])",
        "vmap(vmap(grad(lambda a: vmap(lambda b: (a * b).sin())(y).sum())))(x)",
        "vmap(lambda a: {'p': a, 'q': (a.sum(), a)}['q'], out_dims=(0, -1))(x)",
        "vmap(lambda a: (a * 2, a.sum()), out_dims=(1, 0), chunk_size=2, in_dims=1)(x)",
        "vmap(lambda a: a[None], out_dims=-3)(x)",
        "vmap(lambda a: a[None], out_dims=-4)(x)",
        "vmap(lambda a: (a, y), out_dims=(0, None))(x)",
        "vmap(lambda a: (a, a), out_dims=(0, None))(x)",
        "vmap(lambda p: p[0] + p[1][0], in_dims=((0, (1,)),))((x, (x.t(),)))",
    ],
)
def test_levels_and_structures(program: str) -> None:
    check(program)


# -- random numbers ---------------------------------------------------------------------------------------------------

DRAWS = {
    "rand": "lib.rand(3)",
    "randperm": "lib.randperm(30)",
    "rand_like": "lib.rand_like(x[0])",
    "bernoulli": "lib.bernoulli(lib.full((60,), 0.5))",
    "multinomial": "lib.multinomial(lib.ones(40), 20)",
    "dropout": "F.dropout(lib.ones(60))",
}


@pytest.mark.parametrize("draw", list(DRAWS))
@pytest.mark.parametrize("outer", ["different", "same", "error"])
@pytest.mark.parametrize("inner", ["different", "same", "error"])
def test_each_level_says_what_its_examples_draw(draw: str, outer: str, inner: str) -> None:
    program = f"vmap(lambda r: vmap(lambda t: {DRAWS[draw]}, randomness='{inner}')(x), randomness='{outer}')(x)"
    assert equal_rows(pb, program) == equal_rows(torch, program)


def equal_rows(lib: Any, program: str) -> Any:
    """Which of the rows drawn are equal, or the error."""
    try:
        drawn = eval(program, environment(lib))
    except RuntimeError as error:
        return str(error)
    rows = [tuple(row) for row in drawn.reshape(-1, drawn.shape[-1]).tolist()]
    return tuple(drawn.shape), [rows.index(row) for row in rows]


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda a: lib.zeros(3).uniform_(), randomness='different')(x)",
        "vmap(lambda a: y.clone().geometric_(0.5), randomness='different')(x)",
        "vmap(lambda a: (a / 10).bernoulli(), randomness='same')(x)",
        "vmap(lambda a: a.bernoulli_(a / 10), randomness='same')(x.clone())",
        "vmap(lambda a: a.bernoulli_(y / 100) * 0, randomness='same')(x.clone())",
        "vmap(lambda a: lib.normal(a, 1.0), randomness='same')(x)",
        "vmap(lambda a: lib.normal(a, 1.0) * 0, randomness='different')(x)",
        "vmap(lambda a: lib.normal(a, a) * 0, randomness='different')(x)",
        "vmap(lambda a: lib.normal(y, a) * 0, randomness='different')(x)",
        "vmap(lambda a: lib.multinomial(a, 1), randomness='same')(x)",
        "vmap(lambda a: F.dropout(a, training=False))(x)",
        "vmap(lambda a: F.dropout(a, p=0.0))(x)",
        "vmap(lambda a: F.dropout(lib.ones(3), inplace=True), randomness='different')(x)",
        "vmap(grad(lambda a: (F.dropout(a) * 0).sum()), randomness='different')(x)",
    ],
)
def test_draws_into_and_by_what_is_mapped(program: str) -> None:
    check(program)
