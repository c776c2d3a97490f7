"""Products of vectors and matrices, and Einstein summation, held against PyTorch."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.oracle

EXPRESSIONS = [
    # each combination of dimensions that matmul takes a way of its own for
    "v @ v",
    "x @ v",
    "x @ y.mT",
    "b.mT @ v",
    "b.mT @ y.mT",
    "x @ b",
    "b @ b.mT",
    "b[:1] @ b.mT",
    "b @ b[:1].mT",
    "b[None] @ b.mT",
    "b[:, None] @ b.mT",
    "b.detach() @ x.new_ones(4, 2)",
    "e @ y.mT",
    "lib.mm(x, y.t())",
    "lib.mv(x, v)",
    "lib.dot(v, v)",
    "lib.vdot(v, v).real if False else lib.dot(v, v * 2)",
    "lib.bmm(b, b.mT)",
    "lib.outer(v, v)",
    "lib.ger(v, v)",
    "lib.inner(v, v * 2).sum()",
    "lib.addmm(v[:2], x, y.t())",
    "lib.addmm(x[:, :1], x, y.t(), beta=2.0, alpha=0.5)",
    "lib.addmm(s, x, y.t(), alpha=3)",
    "lib.addmm(v[:2] * float('nan'), x, y.t(), beta=0).detach()",
    "lib.baddbmm(v, b, b.mT)",
    "lib.baddbmm(b[:, :, :3], b, b.mT, beta=0.5, alpha=2.0)",
    "lib.tensordot(x, y.t(), 1)",
    "lib.tensordot(x, y)",
    "lib.tensordot(b, y, ([0, 1], [0, 1]))",
    "lib.tensordot(v, v, 0)",
    "lib.einsum('ij,jk', x, y.t())",
    "lib.einsum('ij->ji', x)",
    "lib.einsum('ij->', x)",
    "lib.einsum('ij->i', x)",
    "lib.einsum('ii->i', x @ y.t())",
    "lib.einsum('ii', x @ y.t())",
    "lib.einsum('i,j->ij', v, v)",
    "lib.einsum('ij,ij->i', x, y)",
    "lib.einsum('...ij,...kj->...ik', b, b)",
    "lib.einsum('bij,bij->b', b, b)",
    "lib.einsum('i...->...', x)",
    "lib.einsum('B a c, B a', b, x)",
    "lib.einsum(x, [0, 1], y, [2, 1], [0, 2])",
    "lib.einsum(b, [..., 0], [0, ...])",
]  # fmt: skip

ERRORS = [
    "lib.mm(x, y)",
    "lib.mm(x, b)",
    "lib.mm(b, x)",
    "lib.mm(x, y.t().double())",
    "lib.mm(x, 2)",
    "x @ s",
    "x @ v[:2]",
    "lib.mv(x, y)",
    "lib.mv(x, v.double())",
    "v @ v[:2]",
    "v @ v.double()",
    "lib.dot(x, v)",
    "lib.dot(v, 2)",
    "v[:2] @ y.t()",
    "lib.bmm(b, b)",
    "lib.bmm(x, b)",
    "lib.bmm(b, b.mT.double())",
    "b @ x",
    "b @ b",
    "lib.outer(x, v)",
    "lib.addmm(v, x, y)",
    "lib.addmm(v, x, y.t())",
    "lib.addmm(b, x, y.t())",
    "lib.addmm(v[:2], x, v)",
    "lib.addmm(v[:2].double(), x, y.t())",
    "lib.addmm(v[:2], x, y.t().double())",
    "lib.tensordot(x, y, 1)",
    "lib.tensordot(x, y, -1)",
    "lib.tensordot(x, y, 5)",
    "lib.tensordot(x, y, ([0], [0, 1]))",
    "lib.einsum('ij,jk', x)",
    "lib.einsum('ij', x, y)",
    "lib.einsum('ijk', x)",
    "lib.einsum('ij->k', x)",
    "lib.einsum('ij->ii', x)",
    "lib.einsum('ii', x)",
    "lib.einsum('ij,jk', x, y)",
    "lib.einsum('i1', x)",
    "lib.einsum('..i', x)",
    "lib.einsum('ij-k', x)",
    "lib.einsum('')",
    "lib.einsum('ij,kj', x, y.double())",
]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_value_node_and_two_orders_of_gradients(agrees, backend, expression):
    agrees(expression, backend)


@pytest.mark.parametrize("expression", ERRORS)
def test_error(agrees, expression):
    agrees(expression, "numpy")


COMPLEX = ["a @ c", "a @ c[:, 0]", "lib.vdot(a[0], c[:, 0])", "lib.addmm(c[0, :2], a, c, alpha=0.5j, beta=2j)"]


@pytest.mark.parametrize("expression", COMPLEX)
def test_complex_gradients_follow_pytorch(expression):
    import numpy as np

    import pullback as pb

    torch = pytest.importorskip("torch", reason="the oracle extra installs it")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((*shape, 2)).view(complex)[..., 0] for shape in ((2, 3), (3, 2))]
    found = []
    for lib in (pb, torch):
        a, c = (lib.tensor(x.tolist(), dtype=lib.complex128, requires_grad=True) for x in arrays)
        out = eval(expression, {"lib": lib, "a": a, "c": c})
        grads = lib.autograd.grad(abs(out).sum(), [a, c])
        found.append([out.tolist(), *(g.tolist() for g in grads)])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_allclose(np.array(own), np.array(expected), rtol=1e-12)
