"""Layouts agree with PyTorch's: strides, offsets, aliasing, versions and errors, and gradients of views by layout."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

#: ``q`` holds 12 floats, ``c`` is complex (2, 2), ``r`` requires gradients.
EXPRESSIONS = [
    "q.as_strided((20, ), (1, ))",
    "q.as_strided((2, ), (-1, ))",
    "q.as_strided((2, 2), (1, ))",
    "q.as_strided((2, ), (1, ), -1)",
    "q.as_strided((2, 2), (3, 1), 1)",
    "q[2:].as_strided((2, 2), (3, 1))",
    "q[2:].as_strided((2, 2), (3, 1), 0)",
    "q.unfold(0, 13, 1)",
    "q.unfold(0, 2, 0)",
    "q.unfold(0, -1, 1)",
    "q.unfold(0, 3, 2)",
    "q.view(3, 4).unfold(1, 2, 1)",
    "q.view(3, 4).t().unfold(-2, 2, 2)",
    "lib.tensor(3.).unfold(0, 1, 1)",
    "q.view(lib.float64)",
    "q[1:].view(lib.float64)",
    "q[:3].view(lib.float64)",
    "q.view(3, 4).t().view(lib.int16)",
    "lib.tensor(1.).view(lib.int16)",
    "lib.tensor(1.).view(lib.int32)",
    "q.view(lib.int16)",
    "q.view(lib.bool)",
    "q.view(lib.complex64)",
    "q.view(3, 4)[1:].view(lib.complex64)",
    "c.view(lib.float32)",
    "c.view(lib.int64)",
    "lib.view_as_complex(q)",
    "lib.view_as_complex(q.view(6, 2))",
    "lib.view_as_complex(q.view(3, 4)[:, 1:3])",
    "lib.view_as_complex(q.view(3, 4)[:, 2:])",
    "lib.view_as_complex(q[1:11].view(5, 2))",
    "lib.view_as_real(q)",
    "lib.view_as_real(c)",
    "lib.view_as_real(c.t())",
    "c.real",
    "c.t().imag",
    "q.imag",
    "q.real is q",
    "q[1:].add_(q[:-1])",
    "q[1:].copy_(q[:-1])",
    "q.add_(q[0])",
    "q.mul_(q)",
    "q.expand(2, 12).add_(1)",
    "q.clone().resize_(3, 5).shape",
    "q.clone().resize_(3)",
    "q[3:].resize_(2)",
    "r.resize_(3)",
    "(r*1).resize_(3)",
    "q.view(3, 4).t_()",
    "q.clone().view(3, 4).t_().view(-1)",
    "(r*1).view(3, 4).t_()",
    "(r*1).t_()",
    "r.t_()",
    "q.view(3, 1, 4).squeeze_()",
    "q.view(3, 1, 4).squeeze_(1)",
    "(r*1).view(3, 1, 4).squeeze_()",
    "(r*1).squeeze_(0)",
    "(r*1).squeeze_((0, ))",
    "(r*1).unsqueeze_(0)",
    "(r*1).as_strided_((2, 2), (1, 1))",
    "(r*1).swapaxes_(0, 0)",
    "q.clone().transpose_(0, 0)",
    "q.clone().resize_as_(lib.ones(2, 2)).shape",
    "lib.ones(2, 3).t()+1",
    "lib.ones(2, 3).t().clone()",
    "lib.ones(2, 3, 4).permute(2, 0, 1).clone()",
    "lib.ones(2, 3, 4).permute(2, 0, 1)[::2].clone()",
    "lib.ones(3, 1).expand(3, 4).clone()",
    "lib.ones(2, 3).t().contiguous()",
    "lib.ones(2, 3).t().to(lib.float64)",
    "lib.ones(2, 3).t().reshape(-1)",
    "lib.ones(3).expand(2, 3)",
    "lib.ones(3).expand(1, 3)",
    "lib.ones(3).unsqueeze(0)",
    "lib.ones(2, 3).unsqueeze(1)",
    "lib.ones(2, 3).t().unsqueeze(1)",
    "lib.ones(1, 3, 1).squeeze()",
    "lib.ones(2, 0, 3).transpose(0, 1)",
    "lib.ones(2, 3)[:, 1:1]",
    "lib.ones(2, 3)[5:]",
    "lib.ones(2, 3)[:, ::2]",
    "lib.ones(2, 3)[1]",
    "lib.ones(3, 3).diagonal()",
    "lib.ones(3, 4).diagonal(1)",
    "lib.ones(3, 4).diagonal(5)",
    "lib.ones(2, 3, 4).diagonal(-1, 2, 0)",
    "lib.ones(2, 3)[None, :, None]",
    "lib.ones(2, 6).unflatten(1, (2, 3))",
    "lib.ones(2, 3, 4).flatten(1)",
    "lib.ones(2, 3, 4).movedim(0, 2)",
    "lib.ones(4).view(2, 2).T",
    "lib.ones(2, 3).mT",
    "lib.ones(2, 3).split(1)[1]",
    "lib.ones(2, 3).unbind(1)[2]",
    "lib.ones(0, 3).view(3, 0)",
    "lib.ones(5).stride(3)",
]

#: PyTorch lays the results of arithmetic out as the operands; immutable arrays are row-major once computed.
COMPUTED = {"lib.ones(2, 3).t()+1"}


def _outcome(lib: Any, expression: str) -> Any:
    q = lib.arange(12.0)
    names = {
        "lib": lib,
        "q": q,
        "c": lib.view_as_complex(lib.arange(8.0).view(2, 2, 2)),
        "r": lib.arange(12.0).requires_grad_(),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = eval(expression, names)
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0], q.tolist(), q._version
    if not hasattr(found, "stride"):
        return found
    name = found.grad_fn.name() if found.grad_fn is not None else None
    return (
        str(found.dtype),
        found.tolist(),
        tuple(found.shape),
        tuple(found.stride()),
        found.storage_offset(),
        found.is_contiguous(),
        found._is_view(),
        found.untyped_storage().nbytes(),
        found.untyped_storage().data_ptr() == q.untyped_storage().data_ptr(),
        found._version,
        name,
    )


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_layouts_agree(expression: str, backend: str) -> None:
    if backend == "jax" and expression in COMPUTED:
        with pb.use_backend(backend):
            assert eval(expression, {"lib": pb}).is_contiguous()
        return
    with pb.use_backend(backend):
        found = _outcome(pb, expression)
    assert found == _outcome(torch, expression)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(
    "expression",
    [
        "x.as_strided((2, 2), (1, 2))",
        "x.as_strided((3, 2), (1, 1), 1)",
        "x[1].as_strided((2,), (2,), 0)",
        "x.t().as_strided((2, 2), (3, 1))",
        "v.expand(2, 3).as_strided((2, 2), (0, 1))",
        "(x * y).as_strided((4,), (1,), 2)",
        "x.unfold(1, 2, 1)",
        "b.unfold(-1, 3, 2)",
        "b.unfold(0, 1, 1)",
        "s.unfold(0, 1, 1)",
        "lib.view_as_complex(b.view(2, 3, 2, 2)).real",
        "lib.view_as_complex(b.view(2, 3, 2, 2)).imag * 2",
        "lib.view_as_real(lib.view_as_complex(b[:, :, :2]) * (1 + 2j))",
        "(x * 1).t_()",
        "(x * 1).unsqueeze_(0)",
        "(x * 1).transpose_(0, 1)",
        "(b * 1)[:, :1].squeeze_(1)",
        "(x * 1).as_strided_((2, 2), (1, 1))",
    ],
)
def test_gradients_agree(expression: str, backend: str, agrees: Callable[[str, str], None]) -> None:
    agrees(expression, backend)


def _written_through_layouts(lib: Any) -> Any:
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    y.as_strided((2, 2), (2, 1), 1).mul_(lib.tensor([[2.0, 3.0], [4.0, 5.0]]))
    y.view(2, 3).t()[1].add_(y.detach()[0])
    (y * y).sum().backward()
    return y.tolist(), x.grad.tolist(), y._version


def _written_through_complex_parts(lib: Any) -> Any:
    z = lib.view_as_complex(lib.arange(6.0).view(3, 2))
    z.real[1] = 10
    z.imag.mul_(2)
    z.view(lib.float32)[0] = 7
    lib.view_as_real(z)[2].zero_()
    return z.tolist(), z._version


def _transposed_in_place_with_views(lib: Any) -> Any:
    x = lib.arange(6.0).requires_grad_()
    base = (x * 1).view(2, 3).clone()
    row = base[1]
    base.t_()
    base[0].mul_(2)
    row.mul_(3)
    (base * lib.arange(6.0).view(3, 2)).sum().backward()
    return base.tolist(), row.tolist(), x.grad.tolist(), row.grad_fn.name(), base.stride()


def _gradient_of_a_view_after_its_base_was_written(lib: Any) -> Any:
    x = lib.arange(6.0).requires_grad_()
    y = x * 1
    part = y.view(2, 3)[:, 1:]
    y.mul_(2)
    name = part.grad_fn.name()
    (part * part).sum().backward()
    return name, x.grad.tolist()


def _resized(lib: Any) -> Any:
    x = lib.arange(6)
    x.resize_(2, 2)
    first = x.tolist()
    x.resize_(6)
    return first, x.tolist(), x.stride(), x.untyped_storage().nbytes()


def _memory_replaced(lib: Any) -> Any:
    x = lib.zeros(3)
    old = x[1:]
    y = lib.arange(6.0)
    x.data = y[2:5]
    x[0] = 20
    old[0] = 5
    same = x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()
    return x.tolist(), y.tolist(), old.tolist(), x._version, x.storage_offset(), same


def _copied_in_memory_formats(lib: Any) -> Any:
    x = lib.arange(120.0).reshape(2, 3, 4, 5).requires_grad_()
    last = lib.channels_last
    copies = [x.clone(memory_format=last), x.contiguous(memory_format=last), x.to(lib.float64, memory_format=last)]
    copies[1].sum().backward()
    volume = x.detach().reshape(1, 2, 3, 4, 5)
    return (
        [(c.stride(), c.is_contiguous(), c.is_contiguous(memory_format=last), c.tolist()) for c in copies],
        copies[1].contiguous(memory_format=last) is copies[1],
        x.grad.stride(),
        volume.contiguous(memory_format=lib.channels_last_3d).stride(),
        [lib.zeros(s).is_contiguous(memory_format=last) for s in ((2,), (2, 1, 4, 5), (2, 3, 1, 1), (2, 3, 4, 5))],
        [_refused(lambda f=f: lib.zeros(2, 3).t().contiguous(memory_format=f)) for f in (last, lib.preserve_format, 2)],
        _refused(lambda: x.is_contiguous(memory_format=2)),
    )


def _refused(action: Callable[[], Any]) -> tuple[str, str]:
    try:
        return "nothing", repr(action())
    except (RuntimeError, TypeError) as error:
        return type(error).__name__, str(error)


PROGRAMS = [
    _copied_in_memory_formats,
    _written_through_layouts,
    _written_through_complex_parts,
    _transposed_in_place_with_views,
    _gradient_of_a_view_after_its_base_was_written,
    _resized,
    _memory_replaced,
]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__.strip("_"))
def test_programs_agree(program: Callable[[Any], Any], backend: str) -> None:
    with pb.use_backend(backend):
        assert program(pb) == program(torch)
