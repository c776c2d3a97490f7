"""The same program on ``torch.func`` and on ``pullback.func``: values and errors."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")


def scaled(tensor: Any, by: Any) -> Any:
    tensor.mul_(by)
    return tensor


def scaled_in_part(tensor: Any, by: Any) -> Any:
    tensor[1:].mul_(by[1:])
    return tensor


def assigned_in_part(tensor: Any, by: Any) -> Any:
    tensor[1:] = by[:-1] * by[:-1]
    return tensor


def environment(lib: Any) -> dict[str, Any]:
    """What the programs below refer to, of one library or the other."""
    func = lib.func
    names = {name: getattr(func, name) for name in pb.func.__all__}
    double = lib.float64

    def tensor(data: Any, **options: Any) -> Any:
        return lib.tensor(data, dtype=double, **options)

    class Exp(lib.autograd.Function):  # type: ignore[misc]  # of either library
        @staticmethod
        def forward(x: Any) -> Any:
            return x.exp()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (out,) = ctx.saved_tensors
            return grad * out

        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            return tangent * ctx.out

    class Generated(Exp):
        generate_vmap_rule = True

    class Own(Exp):
        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return Generated.apply(x), in_dims[0]

    class Both(Generated):
        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return x, in_dims[0]

    class OneResult(Exp):
        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return x, (0, 0)

    class WithContext(lib.autograd.Function):  # type: ignore[misc]  # of either library
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.exp()

    layer = lib.nn.Linear(3, 2)
    with lib.no_grad():
        layer.weight.copy_(lib.tensor([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]]))
        layer.bias.copy_(lib.tensor([0.1, -0.2]))

    def written(x: Any) -> Any:
        y = x.clone()
        y[0] = 5
        y[1:].mul_(x[0] + 2)
        y += 1
        return y

    return {
        **names,
        "lib": lib,
        "F": lib.nn.functional,
        "autograd": lib.autograd,
        "x": tensor([[0.5, 1.0, -1.5], [2.0, 0.25, 3.0]]),
        "v": tensor([1.0, 2.0, 0.5]),
        "s": tensor(1.5),
        "m": tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 0.5]]),
        "p": tensor([1.0, 2.0, 0.5], requires_grad=True),
        "b": lib.arange(24, dtype=double).reshape(2, 3, 4) / 10,
        "i": lib.tensor([2, 0]),
        "z": lib.tensor([1 + 2j, 3 - 1j], dtype=lib.complex128),
        "partial": functools.partial,
        "eye": lib.eye(3, dtype=double),
        "integers": lib.ones(3, dtype=lib.int64),
        "tensor": tensor,
        "written": written,
        "layer": layer,
        "Exp": Exp,
        "Generated": Generated,
        "Own": Own,
        "Both": Both,
        "OneResult": OneResult,
        "WithContext": WithContext,
        "scaled": scaled,
        "scaled_in_part": scaled_in_part,
        "assigned_in_part": assigned_in_part,
    }


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in leaves(value[key])]
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def structure(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: structure(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return type(value).__name__, [structure(part) for part in value]
    return "*"


def outcome(lib: Any, program: str) -> Any:
    """The value of a program, or what it raises."""
    with warnings.catch_warnings():
        if lib is torch:
            warnings.simplefilter("ignore")  # what PyTorch's own use of torch.jit and torch.fx warns of
        try:
            return eval(program, environment(lib))
        except Exception as error:
            return type(error), str(error).replace("pullback.Tensor", "torch.Tensor")


def check(program: str) -> None:
    expected, found = outcome(torch, program), outcome(pb, program)
    if isinstance(expected, tuple) and isinstance(expected[0], type):
        assert found == expected
        return
    assert not (isinstance(found, tuple) and found and isinstance(found[0], type)), found
    assert structure(found) == structure(expected)
    for own, other in zip(leaves(found), leaves(expected), strict=True):
        if not hasattr(other, "requires_grad"):
            assert callable(own) == callable(other)
            assert callable(own) or own == other
            continue
        assert str(own.dtype) == str(other.dtype)
        assert tuple(own.shape) == tuple(other.shape)
        assert own.requires_grad == other.requires_grad
        np.testing.assert_allclose(own.detach().numpy(), other.detach().numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda t: t * 2 + 1)(x)",
        "vmap(lambda t: t.sum(), in_dims=1)(x)",
        "vmap(lambda t: t.sum(), in_dims=-1)(x)",
        "vmap(lambda t: t, in_dims=1, out_dims=1)(x)",
        "vmap(lambda t: t, out_dims=-1)(b)",
        "vmap(lambda t, u: t * u, in_dims=(0, None))(x, v)",
        "vmap(lambda d: d['a'] @ d['b'][0], in_dims=({'a': 0, 'b': (None, None)},))({'a': x, 'b': (v, 3)})",
        "vmap(lambda d: {'sum': d[0].sum(), 'parts': [d[0], d[1]]}, in_dims=([0, 0],))([x, x])",
        "vmap(lambda t: (t, t.sum()), out_dims=(1, 0))(x)",
        "vmap(lambda t: {'a': t, 'b': (t, t)}, out_dims={'a': 1, 'b': 0})(x)",
        "vmap(lambda t: v)(x)",
        "vmap(lambda t: v, out_dims=None)(x)",
        "vmap(lambda t, k=None: t + k)(x, k=v)",
        "vmap(lambda t: (t, 3), out_dims=(0, None))(x)",
        "vmap(vmap(lambda t: t * t))(x)",
        "vmap(vmap(lambda t, u: t * u, in_dims=(0, None)), in_dims=(None, 0))(v, v)",
        "vmap(vmap(lambda t, u: (t * u).sum(), in_dims=(None, 1)), in_dims=(0, None))(x, b[0])",
        "vmap(lambda t: t @ m)(x)",
        "vmap(lambda t: t.view(-1)[i])(b)",
        "vmap(lambda t, n: t[n])(x, i)",
        "vmap(lambda t: t.sort(descending=True))(x)",
        "vmap(lambda t: lib.where(t > 1, t, -t))(x)",
        "vmap(written)(x)",
        "vmap(lambda t: lib.zeros_like(t).add_(t))(x)",
        "vmap(lambda t: t.new_zeros(2).add_(t[0]))(x)",
        "vmap(lambda t: t.sum(), chunk_size=1)(x)",
        "vmap(lambda t: t * 2, in_dims=1, out_dims=1, chunk_size=2)(x)",
        "vmap(lambda t: t.sum())(lib.zeros(0, 3))",
        "vmap(lambda t: t.float() * 2.5)(i)",
        "vmap(lambda t, u: t * u)(tensor([1., 2.]), lib.ones(2, 3))",
        "vmap(lambda t: (t.requires_grad, t.is_leaf), out_dims=None)(lib.stack([p, p]))",
        "vmap(lambda t: t * 2)(lib.stack([p, p]))",
        "vmap(lambda t: F.cross_entropy(t.unsqueeze(0), i[:1]))(x)",
        "vmap(lambda t: F.layer_norm(t, (3,)))(x)",
        "vmap(lambda t: F.linear(t, m.T))(b[:, :, :3])",
    ],
)
def test_vmap(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "vmap(lambda t: t)(s)",
        "vmap(lambda t: t, in_dims=2)(x)",
        "vmap(lambda t: t, in_dims=-3)(x)",
        "vmap(lambda t: t, in_dims=None)(x)",
        "vmap(lambda t: t, in_dims=(0, 0))(x)",
        "vmap(lambda t: t, in_dims=[0])(x)",
        "vmap(lambda t: t, in_dims='a')(x)",
        "vmap(lambda t: t, in_dims=(0.5,))(x)",
        "vmap(lambda t: t['a'], in_dims=({'b': 0},))({'a': x})",
        "vmap(lambda t, u: t, in_dims=(0, 0))(x, 2)",
        "vmap(lambda t, u: t + u)(x, lib.ones(3, 3))",
        "vmap(lambda t: t, in_dims=(None,))(x)",
        "vmap(lambda: x)()",
        "vmap(lambda t: 3)(x)",
        "vmap(lambda t: None)(x)",
        "vmap(lambda t: (t, t), out_dims=(0, 1, 2))(x)",
        "vmap(lambda t: t, out_dims='a')(x)",
        "vmap(lambda t: t, out_dims=3)(x)",
        "vmap(lambda t: t, out_dims=None)(x)",
        "vmap(lambda t: {'a': t}, out_dims={'b': 0})(x)",
        "vmap(lambda t: t, out_dims=(0, 0))(x)",
        "vmap(lambda t: t, randomness='foo')(x)",
        "vmap(lambda t: t, chunk_size=0)(x)",
        "vmap(lambda t: t.sum().item())(x)",
        "vmap(lambda t: float(t.sum()))(x)",
        "vmap(lambda t: t if t.sum() > 0 else -t)(x)",
        "vmap(lambda t: v.add_(t))(x)",
        "vmap(lambda t: lib.zeros(3, dtype=t.dtype).copy_(t))(x)",
        "vmap(lambda t: lib.zeros(3, dtype=t.dtype).__setitem__(0, t[0]))(x)",
        "vmap(lambda t: t + lib.rand(3))(x)",
        "vmap(lambda t: F.dropout(t))(x)",
        "vmap(lambda t: t.clone().uniform_())(x)",
        "vmap(lambda t: t.nonzero())(x)",
        "vmap(lambda t: t.masked_select(t > 1))(x)",
        "vmap(lambda t: t[t > 1])(x)",
        "vmap(lambda t: t.sum().backward())(x)",
        "vmap(lambda t: t.requires_grad_())(x)",
        "grad(lambda t: (t.retain_grad(), t.sum())[1])(x)",
        "vmap(WithContext.apply)(x)",
        "vmap(Exp.apply)(x)",
        "vmap(Both.apply)(x)",
        "vmap(OneResult.apply)(x)",
    ],
)
def test_what_vmap_refuses(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "grad(lambda t: (t.sin() * t).sum())(x)",
        "grad(lambda t, u: (t * u).sum(), argnums=1)(x, x)",
        "grad(lambda t, u: (t * u).sum(), argnums=-1)(x, x)",
        "grad(lambda t, u: (t * u).sum(), argnums=(0, 1))(x, x)",
        "grad(lambda t, u: t.sum(), argnums=(0, 1))(x, x)",
        "grad(lambda t: lib.tensor(1.))(x)",
        "grad(lambda d: (d['a'] * d['b'][0]).sum())({'a': x, 'b': [x]})",
        "grad(lambda t: (t.sum(), {'a': t * 2, 'b': t}), has_aux=True)(x)",
        "grad_and_value(lambda t: (t * t).sum())(x)",
        "grad_and_value(lambda t: ((t * t).sum(), t), has_aux=True)(x)",
        "grad(grad(lambda t: t ** 3))(s)",
        "grad(grad(grad(lambda t: t.sin())))(s)",
        "grad(lambda t: grad(lambda u: (t * u * u).sum())(t).sum())(v)",
        "vmap(grad(lambda t: (t.exp() * t).sum()))(x)",
        "vmap(grad(lambda t, u: (t * u).sum()), in_dims=(None, 0))(v, x)",
        "grad(lambda t: vmap(lambda u: (u * u).sum())(t).sum())(x)",
        "grad(lambda t: vmap(grad(lambda u: (u ** 3).sum()))(t).sum())(x)",
        "vmap(vmap(grad(grad(lambda t: t ** 4))))(x)",
        "vmap(grad(lambda t: written(t).sum()))(x)",
        "grad(lambda t: vmap(written)(t).sum())(x)",
        "vmap(lambda t: grad(lambda u: (t * u ** 2).sum())(t))(x)",
        "grad(lambda t: (t * p).sum())(v)",
        "grad(lambda t: (t * t).sum())(p)",
        "grad_and_value(lambda t: (t * t * p).sum())(v)",
        "vmap(grad(lambda t: (t * t * p).sum()))(x)",
        "autograd.grad(vmap(grad(lambda t: (t * t * p).sum()))(x).sum(), p)",
        "autograd.grad(grad(lambda t: (t ** 3).sum())(p).sum(), p)",
        "vjp(lambda t: t.sin(), x)[1](x)",
        "vjp(lambda t, u: (t * u, u), x, x)[1]((x, x))",
        "vjp(lambda t: (t.sin(), t), x, has_aux=True)[2]",
        "vjp(lambda t: {'a': t * 2}, x)[1]({'a': x})",
        "vmap(vjp(lambda t: t ** 2, v)[1])(eye)",
        "jvp(lambda t: t.sin(), (x,), (x,))",
        "jvp(lambda t, u: (t * u, u), (x, x), (x, x))",
        "jvp(lambda t: v, (x,), (x,))",
        "jvp(lambda t: (t.sin(), t), (x,), (x,), has_aux=True)",
        "jvp(lambda t: jvp(lambda u: u.exp() * u * t, (t,), (tensor(1.),))[1], (s,), (s,))",
        "jvp(grad(lambda t: t.exp().sum()), (v,), (v,))",
        "grad(lambda t: jvp(lambda u: u ** 3, (t,), (t,))[1].sum())(v)",
        "vmap(lambda t: jvp(lambda u: u ** 3, (t,), (v,)))(x)",
        "jvp(lambda t: vmap(lambda u: u ** 3)(t), (x,), (x,))",
        "jvp(lambda t: vmap(lambda u: jvp(lambda w: w ** 3, (u,), (u,))[1])(t), (x,), (x,))",
        "linearize(lambda t: t.sin(), x)[1](x)",
        "linearize(lambda t, u: {'a': t * u}, x, x)[1](x, x)",
        "vmap(Own.apply, in_dims=1)(x)",
        "vmap(Generated.apply)(x)",
        "vmap(grad(lambda t: Own.apply(t).sum()))(x)",
        "vmap(grad(lambda t: Generated.apply(t).sum()))(x)",
        "grad(lambda t: vmap(Own.apply)(t).sum())(x)",
        "grad(lambda t: vmap(Generated.apply, in_dims=1)(t).sum())(x)",
        "vmap(vmap(Generated.apply))(x)",
    ],
)
def test_derivatives(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "grad(lambda t: t)(x)",
        "grad(lambda t: 3.)(x)",
        "grad(lambda t: (t.sum(), t))(x)",
        "grad(lambda t: t.sum(), has_aux=True)(x)",
        "grad(lambda t: (t.sum(), 1, 2), has_aux=True)(x)",
        "grad(lambda t: (t.sum(), 3), has_aux=True)(x)",
        "grad(lambda t: t.sum())(integers)",
        "grad(lambda t: t.sum(), argnums=1)(x)",
        "grad(lambda t: t.sum(), argnums='a')(x)",
        "grad(lambda t, u: t.sum(), argnums=(0, 0))(x, x)",
        "grad(lambda t, u: t.sum(), argnums=(0, 1.))(x, x)",
        "grad(lambda t: t.sum())(3.)",
        "grad(lambda t: t.mul_(2).sum())(v)",
        "grad(lambda t: t.mul_(2).sum())(p)",
        "grad(lambda t: t[:1].mul_(2).sum())(v)",
        "grad(lambda t: t[:1].mul_(2).sum())(p)",
        "grad(lambda t: t.sum().backward())(x)",
        "vjp(lambda t: t.sin(), x)[1]((x, x))",
        "vjp(lambda t: t.sin(), x)[1](lib.ones(2))",
        "vjp(lambda t: 2, x)",
        "vjp(lambda t: (), x)",
        "vjp(lambda t: t, 2)",
        "vjp(lambda t: t.sin(), x)[1](2)",
        "jvp(lambda t: t.sin(), x, x)",
        "jvp(lambda t: t.sin(), (), ())",
        "jvp(lambda t: t.sin(), (x,), (x, x))",
        "jvp(lambda t: t.sin(), (x,), ((x,),))",
        "jvp(lambda t: t.sin(), (x,), (lib.ones(2),))",
        "jvp(lambda t: t.sin(), (2.,), (x,))",
        "jvp(lambda t: 2, (x,), (x,))",
        "jvp(lambda t: v, (x,), (x,), strict=True)",
        "jacrev(lambda t: t.sin(), chunk_size=0)(x)",
        "jacrev(lambda t: 3)(x)",
        "jacrev(lambda t: t)(3)",
        "jacfwd(lambda t: 3)(x)",
        "jacfwd(lambda t: t, randomness='q')(x)",
        "linearize(lambda t: t.sin(), x)[1](lib.ones(2))",
        "linearize(lambda t: t.sin(), x)[1](x, x)",
        "linearize(lambda t: t.sin(), x)[1](x.float())",
    ],
)
def test_what_differentiation_refuses(program: str) -> None:
    check(program)


@pytest.mark.parametrize("transform", ["jacrev", "jacfwd"])
@pytest.mark.parametrize(
    "program",
    [
        "{}(lambda t: t ** 2)(v)",
        "{}(lambda t: t.exp() * t.sum())(v)",
        "{}(lambda t: t @ m)(x)",
        "{}(lambda t, u: t * u.sum(), argnums=1)(v, x)",
        "{}(lambda t, u: t * u.sum(), argnums=(0, 1))(v, x)",
        "{}(lambda t: {{'a': t.sum(), 'b': (t, t * 2)}})(v)",
        "{}(lambda d: d['a'] * d['b'])({{'a': v, 'b': v}})",
        "{}(lambda t: (t * 2, t), has_aux=True)(v)",
        "{}(lambda t: v)(x)",
        "{}({}(lambda t: (t.exp() * t.sum()).sum()))(v)",
        "{}({}({}(lambda t: (t ** 4).sum())))(v)",
        "vmap({}(lambda t: t ** 2 * t.sum()))(x)",
        "vmap({}(written))(x)",
    ],
)
def test_jacobians(program: str, transform: str) -> None:
    check(program.format(transform, transform, transform))


@pytest.mark.parametrize(
    "program",
    [
        "hessian(lambda t: t.exp().sum() * t.sum())(v)",
        "hessian(lambda t, u: (t * u).sum() ** 2, argnums=(0, 1))(v, v)",
        "jacfwd(jacrev(lambda t: t.sigmoid().prod()))(v)",
        "jacrev(jacfwd(lambda t: t.softmax(0)))(v)",
        "vmap(hessian(lambda t: t.exp().prod()))(x)",
        "jacrev(lambda t: t ** 2, chunk_size=2)(v)",
        "grad(lambda t: hessian(lambda u: (u ** 3).sum())(t).sum())(v)",
        "autograd.grad(p * 2, p, eye, is_grads_batched=True)",
        "autograd.grad(p * 2, p, lib.ones(2, 2), is_grads_batched=True)",
        "autograd.grad((p * 2).sum(), p, None, is_grads_batched=True)",
        "autograd.functional.jacobian(lambda t: t.sin(), v, vectorize=True)",
        "autograd.functional.jacobian(lambda t, u: (t * u, t.sum()), (v, v), vectorize=True)",
        "autograd.functional.jacobian(lambda t: t ** 2, p, vectorize=True, create_graph=True)",
        "autograd.functional.jacobian(lambda t: t.sin(), v, vectorize=True, strategy='forward-mode')",
        "autograd.functional.jacobian(lambda t, u: (t * u, t.sum()), (v, v), vectorize=True, strategy='forward-mode')",
        "autograd.functional.jacobian(lambda t: t.sin(), v, strategy='forward-mode')",
        "autograd.functional.jacobian(lambda t: t.sin(), v, strategy='x')",
        "autograd.functional.jacobian(lambda t: t, v, strategy='forward-mode', vectorize=True, create_graph=True)",
        "autograd.functional.jacobian(lambda t: t.sin(), v, strict=True, vectorize=True)",
        "autograd.functional.hessian(lambda t: t.exp().prod(), v, vectorize=True)",
        "autograd.functional.hessian(lambda t, u: (t * u).prod(), (v, v), vectorize=True)",
        "autograd.functional.hessian(lambda t: t.sum(), v, outer_jacobian_strategy='q')",
    ],
)
def test_second_order_and_many_at_once(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "functional_call(layer, {'weight': lib.ones(2, 3)}, lib.ones(1, 3))",
        "functional_call(layer, ({'weight': lib.ones(2, 3)}, {'bias': lib.ones(2)}), (lib.ones(1, 3),))",
        "functional_call(layer, {'foo': lib.ones(1)}, lib.ones(1, 3))",
        "functional_call(layer, {'weight': lib.ones(2, 3)}, lib.ones(1, 3), strict=True)",
        "functional_call(layer, {'weight': lib.ones(2, 3), 'bias': lib.ones(2), 'foo': lib.ones(1)}, x, strict=True)",
        "functional_call(layer, 3, x)",
        "functional_call(layer, ({'weight': lib.ones(2, 3)}, {'weight': lib.ones(2, 3)}), x)",
        "stack_module_state([layer, layer])",
        "stack_module_state([])",
        "stack_module_state([lib.nn.Linear(3, 2), lib.nn.Linear(3, 2).eval()])",
        "stack_module_state([lib.nn.Linear(3, 2), lib.nn.ReLU()])",
        "grad(lambda w: functional_call(layer, w, (lib.ones(1, 3),)).sum())(dict(layer.named_parameters()))",
        "vmap(lambda w: functional_call(layer, w, (lib.ones(1, 3),)))(stack_module_state([layer, layer])[0])",
    ],
)
def test_modules(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "grad(lambda t: t.sum())(z)",
        "grad(lambda t: (t * t).abs().sum())(z)",
        "grad_and_value(lambda t: (t * t).sum())(z)",
        "vjp(lambda t: t * t, z)[1](z)",
        "vjp(lambda t: t * 2, v)[1](z.new_ones(3))",
        "vjp(lambda t: t.abs(), z)[1](z)",
        "jvp(lambda t: t * t, (z,), (z,))",
        "jacrev(lambda t: t * t)(z)",
        "jacrev(lambda t, u: t)(v, z)",
        "jacrev(lambda t: t + 1j)(v)",
        "jacfwd(lambda t: t * t)(z)",
        "jacfwd(lambda t: (t, {'k': t + 1j}))(v)",
        "hessian(lambda t: t.abs().sum())(z)",
        "autograd.functional.jacobian(lambda t: t * t, z, vectorize=True, strategy='forward-mode')",
    ],
)
def test_complex_numbers(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        "grad(lambda t, u: (t * u).sum(), argnums=(-1, 1))(v, v)",
        "jacfwd(lambda t: t, argnums=1)(v)",
        "jacfwd(lambda t: t, argnums='k')(v)",
        "jacfwd(lambda t, u: t * u, argnums=())(v, v)",
        "jacfwd(lambda t, u: t * u, argnums=(0, 0))(v, v)",
        "hessian(lambda t: t.sum(), argnums=2)(v)",
        "jacrev(lambda t: t, argnums=-2)(v)",
        "vjp(lambda t: None, v)",
        "jvp(lambda t: None, (v,), (v,))",
        "jacrev(lambda t: None)(v)",
        "jacfwd(lambda t: None)(v)",
        "vjp(lambda t: t.long(), v)",
        "jacrev(lambda t: (t, t > 1))(v)",
        "vjp(lambda t: t * 2, v)[1](None)",
        "vjp(lambda t: t.sum(), v)[1](None)",
        "jvp(lambda t: t, (v,), (integers,))",
        "jvp(lambda t: t, (integers,), (v,))",
        "jvp(lambda t: (t, 3), (v,), (v,), has_aux=True)",
        "jvp(lambda t: (t, (t, None)), (v,), (v,), has_aux=True)",
        "jacfwd(lambda t: (t, 3), has_aux=True)(v)",
        "jacrev(lambda t: t * 2, chunk_size=1)(v)",
        "jacrev(lambda t: (t * 2, {'k': t.sum()}), chunk_size=1)(v)",
        "jacrev(WithContext.apply, chunk_size=0)(v)",
        "jacrev(Exp.apply, chunk_size=1)(v)",
        "jacrev(Exp.apply)(v)",
        "vmap(partial(lambda t, u: t, u=3), in_dims=7)(x)",
        "vmap(lambda t: t.item())(x)",
        "vmap(lambda t: not t)(x)",
        "vmap(lambda t: lib.equal(t, t))(x)",
        "vmap(lambda t: lib.allclose(t, v))(x)",
        "vmap(lambda t: lib.add(t, 1, out=v))(x)",
        "vmap(lambda t: lib.add(v, 1, out=t))(x)",
        "autograd.functional.jacobian(lambda t: autograd.functional.jacobian(lambda u: u ** 3, t, vectorize=True,"
        " strategy='forward-mode'), v, vectorize=True)",
        "autograd.functional.jacobian(lambda t: t.exp(), p, vectorize=True, strategy='forward-mode')",
        "stack_module_state([lib.nn.Linear(3, 2), lib.nn.Linear(3, 2).requires_grad_(False)])",
    ],
)
def test_corners(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "program",
    [
        f"{transforms}(lambda t: {start})({at})"
        for transforms, at in [
            ("jacfwd", "v"),
            ("jacrev", "v"),
            ("(lambda f: jacfwd(jacfwd(f)))", "v"),
            ("(lambda f: jacfwd(jacrev(f)))", "v"),
            ("(lambda f: jacrev(jacfwd(f)))", "v"),
            ("(lambda f: vmap(jacfwd(jacfwd(f))))", "x"),
        ]
        for start in [
            "scaled(t.clone(), t)",
            "scaled(t.sum() + lib.zeros_like(t), t)",
            "scaled_in_part(t.clone(), t)",
            "scaled_in_part(t[:1] + lib.zeros_like(t), t)",
            "assigned_in_part(t * t, t)",
        ]
    ]
    + [
        "jacrev(lambda t: vmap(lambda u: scaled(u.clone(), t) * u)(eye).sum(0))(eye[0])",
        "grad(lambda t: vmap(lambda u: scaled(u.clone(), t) * u)(eye).sum())(eye[0])",
    ],
)
def test_written_results(program: str) -> None:
    check(program)


def rows_filled(lib: Any, t: Any) -> Any:
    made = lib.zeros(2, 3, dtype=t.dtype)
    made[0] = t
    made[1] = t * 2
    return (made**2).sum(0)


def elements_filled(lib: Any, t: Any) -> Any:
    made = lib.ones(3, dtype=t.dtype)
    for place in range(1, 3):
        made[place] = made[place - 1].clone() * t[place] * t[0]
    return made


def filled_through_views(lib: Any, t: Any) -> Any:
    made = lib.ones(2, 3, dtype=t.dtype)
    row, turned = made[0], made.t()
    row[1:] = t[1:] * t[:-1]
    turned[2].mul_(t[:2])
    return (made * row).sum(0)


def written_whole(lib: Any, t: Any) -> Any:
    made = lib.zeros(3, dtype=t.dtype)
    made.copy_(t)
    made.mul_(t)
    return made * t


FILLING = {f.__name__: f for f in (rows_filled, elements_filled, filled_through_views, written_whole)}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("transform", ["jacfwd", "hessian", "gradient of each", "of an outer leaf"])
@pytest.mark.parametrize("filling", FILLING)
def test_what_a_function_makes_can_be_filled(filling: str, transform: str, backend: str) -> None:
    if backend == "jax" and transform != "hessian":
        pytest.skip("one transform that has both modes is enough where each shape is compiled")

    def derivative(lib: Any) -> Any:
        def function(t: Any) -> Any:
            return FILLING[filling](lib, t)

        at = lib.tensor([1.3, 2.1, 0.4], dtype=lib.float64)
        if transform == "gradient of each":
            each = lib.func.grad(lambda t: function(t).sum())
            return lib.vmap(lambda row: row * each(at))(lib.eye(3, dtype=at.dtype))
        if transform == "of an outer leaf":
            at.requires_grad_()
            return lib.autograd.grad(lib.func.jacfwd(function)(at).sum(), at)[0]
        return getattr(lib.func, transform)(function)(at)

    with pb.use_backend(backend):
        found = derivative(pb)
    np.testing.assert_allclose(found.tolist(), derivative(torch).tolist(), rtol=1e-12)


@pytest.mark.parametrize("transform", ["jacfwd", "gradient of each"])
def test_a_derivative_on_an_outer_level_is_written_into_what_an_inner_one_maps(transform: str) -> None:
    def derivative(lib: Any) -> Any:
        def function(t: Any) -> Any:
            return lib.vmap(lambda row: scaled(row.clone(), t))(lib.eye(2))

        at = lib.tensor([2.0, 3.0])
        if transform == "jacfwd":
            return lib.func.jacfwd(function)(at)
        gradient = lib.func.grad(lambda t: function(t).sum())
        return lib.vmap(lambda row: row * gradient(at))(lib.eye(2))

    assert derivative(pb).tolist() == derivative(torch).tolist()


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_written_inside_is_an_ordinary_tensor_outside(fails: bool) -> None:
    captured = pb.zeros(2, 2)
    row = captured[1]
    made = []

    def function(t: Any) -> Any:
        own = pb.zeros(2)
        own[0] = t[1]
        captured[1] = t
        made.extend([own, captured[0]])
        if fails:
            raise KeyError
        return own * t

    try:
        pb.func.hessian(function)(pb.tensor([2.0, 3.0]))
    except KeyError:
        assert fails
    for tensor in (captured, row, *made):
        assert (tensor.grad_fn, tensor.requires_grad, tensor.backend.level) == (None, False, 0)
    assert captured.tolist() == [[0.0, 0.0], [2.0, 3.0]]
    captured.add_(1)
    assert (row.tolist(), made[1].tolist()) == ([3.0, 4.0], [1.0, 1.0])


@pytest.mark.parametrize(
    "program",
    [
        "functionalize(written)(x)",
        "functionalize(lambda t: (t.add_(1), t * 2, 3, None, 'k', [t]))(x)",
        "(functionalize(lambda t: t[:, :1].mul_(5))(x), x)",
        "(functionalize(lambda t, *, u: u.add_(t))(v, u=s.expand(3).clone()), v)",
        "(functionalize(lambda t, u: (t.copy_(u), u.add_(1)))(v, m[0]), v, m)",
        "(functionalize(lambda t: t.t_())(x), x)",
        "(functionalize(lambda t: t.unsqueeze_(0).mul_(2))(x), x)",
        "functionalize(lambda t: lib.add(t, 1, out=lib.zeros(3, dtype=t.dtype)))(v)",
        "functionalize(lambda t: (t.requires_grad, t.is_leaf, t.grad_fn))(p)",
        "functionalize(lambda t: (t * 2).add_(1))(p)",
        "functionalize(lambda t: t.add_(1))(p)",
        "autograd.grad(functionalize(lambda t: (t * 2).mul_(t))(p).sum(), p)",
        "(lambda w: (functionalize(lambda t: t.mul_(3))(w), autograd.grad(w.sum(), p)))(p * 2)",
        "functionalize(lambda t: t if t.sum() > 0 else -t)(v)",
        "functionalize(lambda t: t.sum().item())(v)",
        "functionalize(lambda t: t.detach().requires_grad_())(v)",
        "functionalize(lambda: lib.ones(3).add_(1))()",
        "functionalize(written, remove='all')",
        "functionalize(written, remove='mutations_and_views')(x)",
        "functionalize(written, 'mutations')",
        "grad(functionalize(lambda t: written(t).sum()))(x)",
        "grad(functionalize(lambda t: t.add_(1).sum()))(v)",
        "functionalize(grad(lambda t: written(t).sum()))(x)",
        "(vmap(functionalize(lambda t: t.add_(1)))(x), x)",
        "vmap(functionalize(lambda t: lib.zeros(3, dtype=t.dtype).add_(t)))(x)",
        "functionalize(vmap(written))(x)",
        "jvp(functionalize(written), (x,), (x,))",
        "functionalize(lambda t: jvp(written, (t,), (t,)))(x)",
        "grad(functionalize(lambda t: ((y := t * 2).detach().mul_(3), y.sum())[1]))(v)",
        "repr(functionalize(lambda t: repr(t))(v))",
    ],
)
def test_functionalize(program: str) -> None:
    check(program)


def inside(lib: Any) -> Any:
    """What the argument of a function being differentiated says of itself."""
    seen = []
    for make in (
        lambda: lib.ones(2),
        lambda: lib.ones(2, requires_grad=True),
        lambda: lib.ones(2).requires_grad_() * 2,
    ):

        def look(t: Any) -> Any:
            seen.append((t.is_leaf, t.requires_grad, t.grad_fn, t.grad, t._version, t.output_nr))
            return t.sum()

        x = make()
        lib.func.grad(look)(x)
        lib.func.grad(lambda t, look=look: lib.func.grad(look)(t).sum())(x)
        lib.func.jacrev(look)(x)
    return seen


def test_arguments_are_leaves_inside() -> None:
    assert inside(pb) == inside(torch)


def test_a_buffer_that_a_module_assigns_goes_into_the_dictionary() -> None:
    def counted(lib: Any) -> Any:
        class Counter(lib.nn.Module):  # type: ignore[misc]  # of either library
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("count", lib.zeros(()))

            def forward(self, x: Any) -> Any:
                self.count = self.count + 1
                return x + self.count

        module, buffers, more = Counter(), {"count": lib.tensor(5.0)}, {"count": lib.tensor(7.0)}
        result = lib.func.functional_call(module, buffers, (lib.zeros(()),))
        lib.func.functional_call(module, (more, {}), (lib.zeros(()),))
        return result.item(), buffers["count"].item(), module.count.item(), more["count"].item()

    assert counted(pb) == counted(torch)


def test_a_mapped_tensor_prints_as_pytorch_prints_it() -> None:
    def printed(lib: Any) -> list[str]:
        texts: list[str] = []

        def inner(t: Any) -> Any:
            texts.append(repr(t))
            return t

        x = lib.arange(6.0).reshape(2, 3)
        lib.func.vmap(inner)(x)
        lib.func.vmap(inner, in_dims=1)(x)
        lib.func.vmap(lib.func.vmap(inner))(x)
        return texts

    assert printed(pb) == printed(torch)
