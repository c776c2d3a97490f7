"""Products of vectors and matrices: shapes, dtypes, aliasing of formulas, and errors, on each backend."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import pullback as pb

BACKENDS = ["numpy", "jax"]


@pytest.fixture(params=BACKENDS)
def backend(request):
    with pb.use_backend(request.param):
        yield request.param


SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 2)),
    ((2, 3), (5, 3, 2)),
    ((1, 2, 3), (5, 3, 2)),
    ((4, 1, 2, 3), (5, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_matmul_is_numpys(backend, left, right, requires_grad):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(left), rng.standard_normal(right)
    x, y = (pb.tensor(v.tolist(), dtype=pb.float64).reshape(v.shape) for v in (a, b))
    x.requires_grad_(requires_grad)
    y.requires_grad_(requires_grad)
    product = x @ y
    np.testing.assert_allclose(product.detach().numpy(), np.matmul(a, b), rtol=1e-13)
    if not requires_grad:
        return
    product.sum().backward()
    ones = np.ones_like(np.matmul(a, b))
    assert x.grad.shape == x.shape
    if a.ndim == b.ndim == 2:
        np.testing.assert_allclose(x.grad.numpy(), ones @ b.T)
        np.testing.assert_allclose(y.grad.numpy(), a.T @ ones)


@pytest.mark.parametrize("dtype", [pb.int64, pb.int16, pb.float16, pb.bfloat16, pb.float64, pb.complex64])
def test_a_product_keeps_the_dtype(backend, dtype):
    x = pb.tensor([[1, 2], [3, 4]]).to(dtype)
    assert (x @ x).dtype is dtype
    assert (x @ x).to(pb.float64 if not dtype.is_complex else dtype).tolist() == [[7, 10], [15, 22]]


def test_gradients_of_gradients_stay_products(backend):
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (grad,) = pb.autograd.grad((x @ x).sum(), x, create_graph=True)
    (second,) = pb.autograd.grad((grad * grad).sum(), x, create_graph=True)
    (third,) = pb.autograd.grad(second.sum(), x)
    assert third.shape == (2, 2)


def test_forward_mode_of_an_affine_map(backend):
    import pullback.autograd.forward_ad as fwd

    x, w, b = pb.ones(2, 3), pb.full((4, 3), 2.0), pb.zeros(4)
    with fwd.dual_level():
        out = pb.nn.functional.linear(fwd.make_dual(x, x), w, fwd.make_dual(b, pb.ones(4)))
        assert fwd.unpack_dual(out).tangent.tolist() == [[7.0] * 4] * 2
        out = pb.addmm(b, x, fwd.make_dual(w.t().contiguous(), pb.ones(3, 4)), alpha=2)
        assert fwd.unpack_dual(out).tangent.tolist() == [[6.0] * 4] * 2


def test_a_saved_operand_that_was_written_is_noticed(backend):
    x, y = pb.ones(2, 2, requires_grad=True), pb.ones(2, 2)
    product = x @ y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


def test_adding_a_bias_leaves_the_bias_alone(backend):
    bias = pb.zeros(2, 2)
    pb.addmm(bias, pb.ones(2, 2), pb.ones(2, 2))
    assert bias.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "equation",
    ["ij,jk->ik", "ij,kj", "ij->", "ii->i", "ii", "i,j->ji", "ij,ij->j", "...j,...j->...", "ij,jk,kl->il", "iij->ji"],
)
def test_einsum_is_numpys(backend, equation):
    rng = np.random.default_rng(0)
    inputs = equation.split("->")[0].split(",")
    arrays = [rng.standard_normal((2,) * len(labels.replace("...", "zz"))) for labels in inputs]
    found = pb.einsum(equation, *(pb.tensor(a.tolist(), dtype=pb.float64) for a in arrays))
    np.testing.assert_allclose(found.numpy(), np.einsum(equation, *arrays), rtol=1e-12)


def test_matmul_with_what_is_no_tensor():
    x = pb.ones(2, 2)
    with pytest.raises(TypeError):
        x @ 2
    with pytest.raises(TypeError, match="argument 'other' \\(position 2\\) must be Tensor, not int"):
        pb.matmul(x, 2)


def test_operands_of_two_backends_are_refused():
    with pytest.raises(RuntimeError, match="expected all tensors to be on one backend"):
        pb.ones(2, 2) @ pb.ones(2, 2, backend="jax")


@pytest.mark.parametrize(("backend", "sizes"), [("numpy", (1, 2, 3)), ("jax", (1, 3))])
def test_products_keep_nan_and_infinity_beside_zeros(backend, sizes):
    # Zero times infinity is NaN; no size of a matrix makes a product leave zeros out. JAX compiles each size.
    with pb.use_backend(backend):
        for n, k, m in itertools.product(sizes, (1, 2), sizes):
            for first, second in ((math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (0.0, math.inf)):
                x, y = pb.full((n, k), first), pb.full((k, m), second)
                products = [
                    *(pb.mm(x, y), x @ y, pb.matmul(x, y), pb.einsum("ij,jk->ik", x, y), pb.tensordot(x, y, 1)),
                    *(pb.bmm(x[None], y[None]), pb.addmm(pb.zeros(m), x, y), pb.nn.functional.linear(x, y.T)),
                    *(
                        pb.mv(x, y[:, 0]),
                        pb.dot(x[0], y[:, 0]),
                        pb.outer(x[:, 0], y[0]),
                        pb.einsum("i,i->", x[0], y[:, 0]),
                    ),
                    *(pb.mm(x.double(), y.double()), pb.mm(x.half(), y.half())),
                ]
                for product in products:
                    assert product.isnan().all(), (n, k, m, first)
            for special in (math.nan, math.inf):
                x = pb.full((n, k), special).requires_grad_()
                (x @ pb.zeros(k, m)).sum().backward()
                assert x.grad.eq(0).all()


def test_dimensions_to_sum_over_are_numbers():
    with pytest.raises(RuntimeError, match="tensordot expects dims to be int or"):
        pb.tensordot(pb.ones(2), pb.ones(2), "first")


@pytest.mark.parametrize("dtype", ["int64", "uint8"])
@pytest.mark.parametrize(("beta", "alpha", "wanted"), [(2.0, 0.5, [2, 4]), (2.5, 1.9, [7, 15]), (0.5, 1.0, [5, 11])])
def test_adding_products_of_whole_numbers_takes_the_whole_parts_of_factors(backend, dtype, beta, alpha, wanted):
    of = {"dtype": getattr(pb, dtype)}
    vector, matrix = pb.tensor([1, 2], **of), pb.tensor([[1, 2], [3, 4]], **of)
    result = pb.addmv(vector, matrix, vector, beta=beta, alpha=alpha)
    assert (result.dtype, result.tolist()) == (of["dtype"], wanted)
    columns = vector.reshape(2, 1)
    assert pb.addmm(columns, matrix, columns, beta=beta, alpha=alpha).reshape(-1).tolist() == wanted
    batched = pb.baddbmm(columns[None], matrix[None], columns[None], beta=beta, alpha=alpha)
    assert (batched.dtype, batched.reshape(-1).tolist()) == (of["dtype"], wanted)


def test_factors_that_whole_numbers_cannot_be_are_refused(backend):
    whole = pb.tensor([1, 2])
    with pytest.raises(RuntimeError, match="argument alpha must not be a floating point number"):
        pb.addr(whole, whole, whole, alpha=0.5)
    small = pb.tensor([1, 2], dtype=pb.uint8)
    with pytest.raises(RuntimeError, match="value cannot be converted to type uint8_t without overflow"):
        pb.addmv(small, small.expand(2, 2), small, beta=-1.5)


@pytest.mark.parametrize(
    ("product", "shapes"),
    [
        (pb.addmm, ((2, 2), (2, 3), (3, 2))),
        (pb.addmv, ((2,), (2, 3), (3,))),
        (pb.addr, ((2, 3), (2,), (3,))),
        (pb.addbmm, ((2, 2), (2, 2, 3), (2, 3, 2))),
        (pb.baddbmm, ((2, 2, 2), (2, 2, 3), (2, 3, 2))),
    ],
)
def test_whole_coefficients_wrap_around_or_are_refused(product, shapes):
    unsigned = [pb.ones(*shape, dtype=pb.uint8) for shape in shapes]
    difference = product(*unsigned, beta=0) - unsigned[0]
    assert difference.dtype is pb.uint8
    assert product(*unsigned, beta=-1).tolist() == difference.tolist()
    assert product(*unsigned, beta=0, alpha=-1).tolist() == (-product(*unsigned, beta=0)).tolist()
    small = [pb.ones(*shape, dtype=pb.int8) for shape in shapes]
    for coefficient in ({"beta": 300}, {"alpha": 300}):
        with pytest.raises(RuntimeError, match="value cannot be converted to type int8_t without overflow"):
            product(*small, **coefficient)
