"""What is a view, what is a copy and what is the tensor itself: exactly as in PyTorch, with its layout and its base.

The views are those that PyTorch's documentation lists ("Tensor Views"), in every form their arguments have, and those
that it leaves out.
"""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

VIEWS = [
    # basic indexing
    "x[0]",
    "x[-1]",
    "x[...]",
    "x[:]",
    "x[None]",
    "x[0, 1]",
    "x[1, 2, 3]",
    "x[:, 1:]",
    "x[..., ::2]",
    "x[:, None, 1]",
    "x[1, ..., None]",
    "x[0, 1:, 1:3]",
    "x[::2, 1:3, 3]",
    "x[2:]",
    "x[:0]",
    "s[...]",
    "s[()]",
    "s[None]",
    "n[1:]",
    "n[:, 0]",
    # slices
    "x.select(0, 1)",
    "x.select(-1, -2)",
    "x.narrow(1, 1, 2)",
    "x.narrow(-1, 0, 0)",
    "x.narrow(0, 0, 2)",
    "lib.narrow(x, 0, 1, 1)",
    "x.unbind()[1]",
    "x.unbind(-1)[2]",
    "x.split(2, 1)[1]",
    "x.split([1, 2], 1)[1]",
    "x.split_with_sizes([1, 3], -1)[1]",
    "x.chunk(3, -1)[1]",
    "x.chunk(1)[0]",
    "x.tensor_split(3, -1)[1]",
    "x.tensor_split([1, 2], 1)[2]",
    "x.hsplit(3)[1]",
    "x.vsplit(2)[1]",
    "x.dsplit(2)[1]",
    "n.split(1)[2]",
    # dimensions
    "x.transpose(0, 2)",
    "x.transpose(1, 1)",
    "x.swapaxes(0, 1)",
    "x.swapdims(0, -1)",
    "x.permute(2, 0, 1)",
    "x.permute(0, 1, 2)",
    "lib.permute(x, (1, 0, 2))",
    "x.movedim(0, 2)",
    "x.moveaxis((0, 1), (1, 2))",
    "x.mT",
    "x.mH",
    "x.adjoint()",
    "m.t()",
    "m.T",
    "m.H",
    "v.t()",
    "s.t()",
    "n.t()",
    "n.transpose(0, 1)",
    # sizes of one
    "x.squeeze()",
    "x.squeeze(0)",
    "o.squeeze()",
    "o.squeeze(0)",
    "o.squeeze((0, 2))",
    "o.squeeze(-1)",
    "x.unsqueeze(0)",
    "x.unsqueeze(-1)",
    "s.unsqueeze(0)",
    "n.unsqueeze(1)",
    "n.unsqueeze(2)",
    # shapes
    "x.view(6, 4)",
    "x.view(-1)",
    "x.view(2, 3, 2, 2)",
    "x.view(1, 24, 1)",
    "x.view((4, -1))",
    "x.view_as(x)",
    "m.view_as(lib.zeros(4, 3))",
    "x.reshape(4, 6)",
    "x.reshape(2, 3, 4)",
    "x[:, 1:].reshape(2, 8)",
    "x[:, :, ::2].reshape(6, 2)",
    "x.reshape_as(lib.zeros(12, 2))",
    "x.flatten(1)",
    "x.flatten(0, 1)",
    "x.unflatten(2, (2, 2))",
    "x.unflatten(-1, (-1, 1))",
    "x.ravel()",
    "x.flatten()",
    "v.reshape(2, 3)",
    "s.view(1)",
    "s.reshape(())",
    "s.flatten()",
    "s.ravel()",
    "e.view(3, 0)",
    "e.t()",
    "n.view(4, 3, 1)",
    # repetition without copies
    "v.expand(2, 6)",
    "v.expand(6)",
    "v.expand(2, -1)",
    "o.expand(4, 3, 2)",
    "s.expand(2, 2)",
    "v.expand_as(lib.zeros(3, 6))",
    "v.broadcast_to((2, 6))",
    "lib.broadcast_tensors(v, lib.zeros(2, 6))[0]",
    "n.expand(2, 4, 3)",
    # diagonals and windows
    "m.diagonal()",
    "m.diagonal(1)",
    "x.diagonal(0, 1, 2)",
    "x.diagonal(-1, -2, -1)",
    "n.diagonal()",
    "v.unfold(0, 3, 1)",
    "x.unfold(-1, 2, 2)",
    "n.unfold(0, 2, 1)",
    "x.as_strided((2, 2), (1, 2))",
    "x.as_strided((3,), (4,), 5)",
    "v.as_strided((2, 3), (1, 1))",
    "n.as_strided((2,), (1,))",
    "m[1:].as_strided((2,), (1,))",
    # dtypes
    "z.real",
    "z.imag",
    "z[0].imag",
    "x.real",
    "lib.real(x)",
    "lib.view_as_real(z)",
    "lib.view_as_complex(x.view(2, 3, 2, 2))",
    "z.mT",
    "z.T",
    # of views
    "n[1:].t()[0]",
    "x[0].t()[1:].t()",
    "x.view(-1)[::2].view(3, 4)",
]

#: They share memory and have no base, for no gradients pass.
SHARING = [
    "x.view(lib.int32)",
    "x.view(lib.float32)",
    "x.view(lib.complex64)",
    "x.view(lib.uint8)",
    "x.view(lib.float64)",
    "z.view(lib.float32)",
    "n.view(lib.int32)",
    "x[:, 1:].view(lib.complex64)",
    "x.detach()",
    "n.detach()",
    "x[0].detach()",
    "x.data",
    "n.data",
    "z.detach()",
]

#: Views of a copy, which only they refer to.
VIEWS_OF_A_COPY = [
    "n.ravel()",
    "x.repeat_interleave(1)",
]

COPIES = [
    "x.clone()",
    "x + 0",
    "-x",
    "x.contiguous() + 0",
    "n.contiguous()",
    "x.mT.contiguous()",
    "n.reshape(-1)",
    "n.flatten()",
    "x.mT.reshape(6, 4)",
    "x[:, ::2].reshape(-1)",
    "v.expand(2, 6).reshape(12)",
    "v.expand(2, 6).contiguous()",
    "x.to(lib.float64)",
    "x.double()",
    "x.to(x.dtype, copy=True)",
    "x.long()",
    "z.conj() * 1",
    "x[[0, 1]]",
    "x[:, [0]]",
    "x[x > 5]",
    "m[m > -1]",
    "x[lib.tensor([1])]",
    "x[lib.tensor(1), lib.tensor([0, 1])]",
    "x.index_select(0, lib.tensor([0]))",
    "x.masked_select(x > 3)",
    "x.take(lib.tensor([0, 1]))",
    "m.gather(0, lib.tensor([[0, 1, 2, 0]]))",
    "x.repeat(1, 1, 1)",
    "x.tile((1,))",
    "x.flip(0)",
    "x.roll(0)",
    "m.rot90(4)",
    "m.tril()",
    "m.diag()",
    "v.diag()",
    "lib.cat([x])",
    "lib.stack([x])[0] + 0",
    "lib.where(x > 3, x, x)",
    "x.sum(0)",
    "o.sum(0)",
    "x.max(0).values",
    "x.sort().values",
    "m.new_zeros(2)",
    "lib.zeros_like(x)",
]

THEMSELVES = [
    "x.contiguous()",
    "x.to(lib.float32)",
    "x.float()",
    "x.to('cpu')",
    "x.type_as(x)",
    "x.requires_grad_(False)",
    "x.cpu()",
    "x.conj()",
    "e.contiguous()",
    "s.contiguous()",
]

BACKENDS = ["numpy", "jax"]


def names_of(lib: Any) -> dict[str, Any]:
    """Tensors that own their memory, and ``n``, which is ``m`` transposed."""

    def count(*shape: int) -> Any:
        total = 1
        for length in shape:
            total *= length
        # A result of arithmetic, for arange().view() would be a view itself.
        return lib.arange(float(total), dtype=lib.float32).view(shape) + 0

    names = {
        "lib": lib,
        "x": count(2, 3, 4),
        "m": count(3, 4),
        "v": count(6),
        "s": count(),
        "o": count(1, 3, 1),
        "e": count(0, 3),
        "z": lib.tensor([[complex(r, 10 * c) for c in range(3)] for r in range(2)], dtype=lib.complex64),
    }
    names["n"] = names["m"].t()
    return names


def seen(lib: Any, expression: str) -> dict[str, Any]:
    """How the value of the expression relates to the tensors it was made from, and how it lies in memory."""
    names = names_of(lib)
    result = eval(expression, names)
    if isinstance(result, bool):
        return {"itself": result}
    tensors = {name: t for name, t in names.items() if hasattr(t, "untyped_storage")}
    storage = result.untyped_storage().data_ptr()
    shared = [n for n, t in tensors.items() if storage != 0 and t.untyped_storage().data_ptr() == storage]
    return {
        "itself": next((n for n, t in tensors.items() if t is result), None),
        "is_view": result._is_view(),
        "base": next((n for n, t in tensors.items() if t is result._base), None),
        "shares": shared,
        "distance": result.data_ptr() - tensors[shared[0]].data_ptr() if shared and result.numel() else None,
        "dtype": str(result.dtype),
        "shape": tuple(result.shape),
        "strides": tuple(result.stride()),
        "storage_offset": result.storage_offset(),
        "contiguous": result.is_contiguous(),
        "version": result._version,
    }


def agreed(expression: str, backend: str) -> dict[str, Any]:
    """What both libraries see."""
    expected = seen(torch, expression)
    with pb.use_backend(backend):
        found = seen(pb, expression)
    assert found == expected
    return expected


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("expression", VIEWS)
def test_views(expression: str, backend: str) -> None:
    what = agreed(expression, backend)
    if what["itself"] is None:  # the real part of a real tensor is the tensor itself
        assert what["is_view"]
        assert what["base"] is not None


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("expression", SHARING)
def test_tensors_that_share_memory_and_have_no_base(expression: str, backend: str) -> None:
    what = agreed(expression, backend)
    assert not what["is_view"]
    assert what["shares"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("expression", COPIES)
def test_copies(expression: str, backend: str) -> None:
    what = agreed(expression, backend)
    assert not what["is_view"]
    assert not what["shares"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("expression", VIEWS_OF_A_COPY)
def test_views_of_a_copy(expression: str, backend: str) -> None:
    what = agreed(expression, backend)
    assert what["is_view"]
    assert not what["shares"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("expression", THEMSELVES)
def test_what_returns_the_tensor_itself(expression: str, backend: str) -> None:
    assert agreed(expression, backend)["itself"] not in (None, True)


def after_a_write(lib: Any, expression: str) -> Any:
    """All elements after the value of the expression has been overwritten, and the versions."""
    names = names_of(lib)
    try:
        eval(expression, names).fill_(1)
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    tensors = {name: t for name, t in names.items() if hasattr(t, "_version")}
    return {name: (t.tolist(), t._version) for name, t in tensors.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("expression", [*VIEWS, *SHARING])
def test_a_write_reaches_the_same_elements(expression: str, backend: str) -> None:
    expected = after_a_write(torch, expression)
    with pb.use_backend(backend):
        assert after_a_write(pb, expression) == expected
