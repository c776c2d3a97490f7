"""Elements that leave a backend or a device: let through, logged, or refused, with the line of the program."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.jax


def on_jax(data: object = (1.0, 2.0), **options: object) -> pb.Tensor:
    return pb.tensor(data, backend="jax", **options)


READING: dict[str, Callable[[pb.Tensor], object]] = {
    "item()": lambda x: x[0].item(),
    "tolist()": lambda x: x.tolist(),
    "numpy()": lambda x: x.numpy(),
    "printing": str,
}


@pytest.mark.parametrize("action", READING)
def test_reading_elements_is_a_transfer(action: str) -> None:
    x = on_jax()
    with pb.transfer_guard("disallow"), pytest.raises(pb.TransferError, match=rf"^{action[:4]}.* reads float32\["):
        READING[action](x)
    READING[action](x)


MOVING: dict[str, Callable[[pb.Tensor], object]] = {
    "to": lambda x: x.to("numpy"),
    "array operand": lambda x: x + np.ones(2, np.float32),
    "array": lambda x: pb.tensor(np.ones(2), backend="jax"),
    "truth": lambda x: bool((x > 0).all()),
    "formatted": lambda x: f"{x.sum():.1f}",
    "numpy": np.asarray,
    "mask": lambda x: x[x > 0],
    "positions": lambda x: x[pb.tensor([0, 1], backend="jax")],
    "count": lambda x: x.nonzero(),
    "comparison": lambda x: pb.equal(x, x),
}


@pytest.mark.parametrize("way", MOVING)
def test_so_is_a_move_and_what_an_operation_must_look_at(way: str) -> None:
    x = on_jax()
    with pb.transfer_guard("disallow"), pytest.raises(pb.TransferError):
        MOVING[way](x)
    MOVING[way](x)


STAYING: dict[str, Callable[[pb.Tensor], object]] = {
    "arithmetic": lambda x: (x * 2 + 1).exp().sum(),
    "slices": lambda x: x[1:],
    "same backend": lambda x: x.to("jax"),
    "same device": lambda x: x.cpu(),
    "numbers": lambda x: pb.tensor([1.0, 2.0], backend="jax"),
    "length": len,
    "drawn": lambda x: pb.rand(3, backend="jax"),
}


@pytest.mark.parametrize("way", STAYING)
def test_what_stays_on_its_backend_is_none(way: str) -> None:
    x = on_jax()
    with pb.transfer_guard("disallow"):
        STAYING[way](x)


def test_numpys_arrays_are_in_the_computers_memory_already() -> None:
    x = pb.ones(2)
    with pb.transfer_guard("disallow"):
        assert x.sum().item() == 2.0
        assert str(x) == "tensor([1., 1.])"
        assert x.numpy().shape == (2,)


def test_a_backward_pass_moves_gradients_back() -> None:
    x = pb.ones(2, requires_grad=True)
    y = x.to("jax").sum()
    with pb.transfer_guard("disallow"), pytest.raises(pb.TransferError, match=r"^to\(\) moves float32\[2\]"):
        y.backward(retain_graph=True)
    assert x.grad is None
    y.backward()
    assert x.grad is not None


def test_the_message_names_the_line_of_the_program() -> None:
    x = on_jax()
    with pb.transfer_guard("disallow"), pytest.raises(pb.TransferError) as caught:
        x.to("numpy")
    assert "to() moves float32[2] of backend 'jax' to 'numpy', which transfer_guard('disallow')" in str(caught.value)
    assert f"{__file__}:" in str(caught.value)
    assert "in test_the_message_names_the_line_of_the_program;" in str(caught.value)


def test_logging_lets_them_happen(caplog: pytest.LogCaptureFixture) -> None:
    x = on_jax()
    with caplog.at_level(logging.WARNING, "pullback.transfers"), pb.transfer_guard("log"):
        assert x.tolist() == [1.0, 2.0]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"tolist() reads float32[2] of backend 'jax' at {__file__}:")


def test_the_innermost_guard_decides() -> None:
    x = on_jax()
    with pb.transfer_guard("disallow"):
        with pb.transfer_guard("allow"):
            assert x.tolist() == [1.0, 2.0]
        with pytest.raises(pb.TransferError):
            x.tolist()
    assert x.tolist() == [1.0, 2.0]


def test_it_decorates_a_function() -> None:
    @pb.transfer_guard("disallow")
    def read(x: pb.Tensor) -> object:
        return x.tolist()

    with pytest.raises(pb.TransferError):
        read(on_jax())


@pytest.mark.parametrize("level", ["disalow", "", None, 3, ["log"]])
def test_another_level_is_refused(level: object) -> None:
    with pytest.raises(ValueError, match=r"transfer_guard\(\): level must be one of allow, log, disallow, got"):
        pb.transfer_guard(level)  # type: ignore[arg-type]


def test_the_line_is_found_where_classes_override_functions_too() -> None:
    class Own(pb.Tensor):
        @classmethod
        def __pullback_function__(
            cls, function: object, types: object, args: object = (), kwargs: object = None
        ) -> str:
            return "overridden"

    assert pb.ones(2).as_subclass(Own) + 1 == "overridden"
    with pb.transfer_guard("disallow"), pytest.raises(pb.TransferError, match=__file__):
        on_jax().to("numpy")
