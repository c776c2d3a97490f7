"""Writes whose operands, values or positions lie in the memory that is written; and deletions."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

OF_SIX = (
    "x[1:].copy_(x[:-1])", "x[:-1].copy_(x[1:])", "x[1:].__setitem__(slice(None), x[:-1])",
    "x.__setitem__(integers([0, 1]), x[:2])", "x.__setitem__(integers([1, 0, 2, 3, 4, 5]), x)",
    "x.__setitem__(x > 2, x[:3])", "x.__setitem__(x > 2, x[x > 2] * 2)", "x.add_(x.flip(0))", "x.mul_(x[0])",
    "x.mul_(x[1])", "x.add_(x[2:3])", "x.sub_(x[-1])", "x.pow_(x[2])", "x.copy_(x[0])", "x.fill_(x[3])",
    "x.masked_fill_(x > 2, x[1])", "x.index_fill_(0, integers([0, 3]), x[5])", "x.masked_scatter_(x > 2, x)",
    "x.index_copy_(0, integers([0, 1]), x[2:4])", "x.index_add_(0, integers([0, 1]), x[2:4])",
    "x.scatter_(0, integers([0, 1]), x[2:4])", "x.addcmul_(x, x)", "x.addcmul_(x[0], x[1])", "x.lerp_(x, x[1])",
    "x.clamp_(min=x[2])", "x.put_(integers([0, 1]), x[2:4])", "x.index_put_((integers([0, 1]),), x[1])",
    "x.index_put_((x.long(),), x.flip(0))", "x.view(2, 3)[0].copy_(x.view(2, 3)[1])",
    "x.view(2, 3).copy_(x.view(2, 3)[0])", "x.view(2, 3).t().copy_(x.view(3, 2))",
)  # fmt: skip
OF_NINE = (
    "x.add_(x.t())", "x.copy_(x.t())", "x.mul_(x.t())", "x.add_(x[0])", "x.add_(x[:, 0])", "x.mul_(x[0, 0])",
    "x.t().copy_(x)", "x[0].copy_(x[:, 0])", "x[:, 0].add_(x[0])", "x.triu_()",
    "x.diagonal().copy_(x[0])", "x.diagonal().add_(x[0])", "x.__setitem__(0, x[:, 0])",
    "x.__setitem__((integers([0, 1]), integers([1, 0])), x[0, :2])", "x.__setitem__((slice(None), 0), x[0])",
    "x[1:].add_(x[:-1])", "x.cumsum_(0)",
)  # fmt: skip


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(("shape", "write"), [((6,), w) for w in OF_SIX] + [((3, 3), w) for w in OF_NINE])
def test_what_is_read_is_what_was_there(shape: tuple[int, ...], write: str, backend: str, same_program: Any) -> None:
    def run(lib: Any) -> list[Any]:
        count = 6 if shape == (6,) else 9
        x = lib.arange(float(count)).reshape(shape)
        names = {"x": x, "integers": lambda data: lib.tensor(data, dtype=lib.int64)}
        try:
            eval(write, names)
        except RuntimeError as error:
            return [str(error).partition("\n")[0], x.tolist(), x._version]
        return [x.tolist(), x._version]

    same_program(run, backend)


@pytest.mark.parametrize("statement", ["del x.data", "del x.grad", "del x.requires_grad", "del x[0]", "del x[...]"])
def test_deletions(statement: str) -> None:
    def outcome(lib: Any) -> Any:
        x = lib.tensor([1.0, 2.0], requires_grad=True)
        (x * 2).sum().backward()
        try:
            exec(statement, {"x": x})
        except Exception as error:
            return type(error).__name__, str(error), x.grad.tolist()
        return x.grad

    assert outcome(pb) == outcome(torch)


@pytest.mark.parametrize("call", ["unflatten(0, (1, 1))", "unflatten(-1, (1,))", "roll(1, 0)", "roll((1, 2), (0, 0))"])
def test_tensors_without_dimensions(call: str) -> None:
    def outcome(lib: Any) -> Any:
        try:
            return eval(f"x.{call}", {"x": lib.tensor(3.0)}).tolist()
        except Exception as error:
            return type(error).__name__, str(error).split("\nException")[0]

    assert outcome(pb) == outcome(torch)
