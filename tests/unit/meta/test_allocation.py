"""Sizes that no memory holds are refused at once, with an error of our own, whatever the backend."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb
from pullback.errors import OutOfMemoryError
from pullback.meta.allocation import check_size, memory_of_machine

pytestmark = pytest.mark.usefixtures("backend")


def _wide(*shape: int) -> pb.Tensor:
    return pb.ones(*shape)


OVERFLOWING = {
    "zeros": lambda: pb.zeros(2**40, 2**40),
    "zeros of one size": lambda: pb.zeros(2**62),
    "full": lambda: pb.full((2**62,), 1),
    "new_full": lambda: pb.ones(3).new_full((2**62,), 1.0),
    "an empty dimension": lambda: pb.zeros(2**62, 0),
    "empty_strided": lambda: pb.empty_strided((3,), (2**62,)),
    "arange": lambda: pb.arange(2**62),
    "linspace": lambda: pb.linspace(0, 1, 2**62),
    "eye": lambda: pb.eye(2**31),
    "eye of more elements": lambda: pb.eye(2**40),
    "rand": lambda: pb.rand(2**62),
    "randint": lambda: pb.randint(0, 3, (2**62,)),
    "randperm": lambda: pb.randperm(2**62),
    "normal": lambda: pb.normal(0.0, 1.0, (2**62,)),
    "tril_indices": lambda: pb.tril_indices(2**40, 2**40),
    "hann_window": lambda: pb.hann_window(2**62),
    "vander": lambda: pb.vander(pb.ones(3), 2**62),
    "one_hot": lambda: pb.nn.functional.one_hot(pb.tensor([1]), 2**62),
    "diag_embed": lambda: pb.ones(3).diag_embed(2**40),
    "expand": lambda: pb.ones(1).expand(2**40, 2**40),
    "expand of one size": lambda: pb.ones(1).expand(2**62) + 1,
    "repeat": lambda: pb.ones(2).repeat(2**62),
    "tile": lambda: pb.ones(2).tile(2**62),
    "repeat_interleave": lambda: pb.ones(2).repeat_interleave(2**62),
    "multinomial": lambda: pb.ones(3).multinomial(2**62, True),
    "resize_": lambda: pb.ones(3).resize_(2**62),
    "as_strided": lambda: pb.ones(3).as_strided((2**40, 2**40), (0, 0)),
    "meshgrid": lambda: pb.meshgrid(*[_wide(2**22)] * 3, indexing="ij")[0].clone(),
    "cartesian_prod": lambda: pb.cartesian_prod(*[_wide(2**22)] * 3),
    "broadcasting": lambda: pb.addcmul(_wide(2**22, 1, 1), _wide(2**22, 1), _wide(2**22)),
}

#: More bytes than any machine has, though their number can be told.
ENORMOUS = {
    "zeros": lambda: pb.zeros(2**50),
    "arange": lambda: pb.arange(2**50),
    "randperm": lambda: pb.randperm(2**50),
    "repeat": lambda: pb.ones(2).repeat(2**50),
    "vander": lambda: pb.vander(pb.ones(3), 2**50),
    "combinations": lambda: pb.combinations(pb.ones(60), 20),
    "mvlgamma": lambda: pb.mvlgamma(pb.ones(1) * 1e10, 2**50),
    "chunk": lambda: pb.zeros(0).chunk(2**50),
    "hsplit": lambda: pb.hsplit(pb.zeros(2, 0), 2**50),
    "tensor_split": lambda: pb.ones(3).tensor_split(2**50),
}


@pytest.mark.parametrize("call", OVERFLOWING.values(), ids=OVERFLOWING.keys())
def test_a_size_beyond_63_bits_is_an_error(call: Any) -> None:
    for _ in range(2):  # the second time operations go their fast path
        with pytest.raises(RuntimeError, match=r"overflow|can't allocate memory"):
            call()


@pytest.mark.parametrize("call", ENORMOUS.values(), ids=ENORMOUS.keys())
def test_more_bytes_than_the_machine_has_are_an_error(call: Any) -> None:
    with pytest.raises(OutOfMemoryError):
        call()


def test_the_error_is_pytorchs_and_pythons() -> None:
    with pytest.raises(RuntimeError, match=r"can't allocate memory: you tried to allocate \d+ bytes"):
        pb.zeros(2**50)
    with pytest.raises(MemoryError):
        pb.zeros(2**50)


def test_products_of_large_tensors() -> None:
    x = pb.ones(2**21)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"overflow|llocat"):
            pb.einsum("i,j,k->ijk", x, x, x)
        with pytest.raises(RuntimeError, match=r"overflow|llocat"):
            pb.where(x[:, None, None] > 0, x[:, None], x)


def test_what_can_be_told_is_not_refused() -> None:
    check_size((memory_of_machine() // 8,), 4)
    check_size((0, 2**30), 8)
    with pytest.raises(OutOfMemoryError):
        check_size((memory_of_machine(), 2), 1)


def test_calls_whose_work_depends_on_a_number_return() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    with pytest.raises(ValueError, match="too many dimensions 'list'"):
        pb.tensor(cyclic)
    both: list[Any] = []
    both += [both, both]
    with pytest.raises(ValueError, match="too many dimensions 'list'"):
        pb.tensor(both)
    assert pb.polygamma(2**31 - 1, pb.tensor([3.0])).isnan().item()
    assert pb.polygamma(200, pb.tensor([0.5])).item() == -float("inf")
    with pytest.raises(ValueError, match="Overflow"):
        pb.hsplit(pb.zeros(2, 0), 2**64)
    assert pb.ones(5).roll(2**62).tolist() == [1.0] * 5
    assert pb.ones(2, 2).rot90(2**62).shape == (2, 2)
    assert pb.ones(3, 3).diagonal(2**62).shape == (0,)
    assert pb.ones(3, 3).triu(2**62).tolist() == [[0.0] * 3] * 3
