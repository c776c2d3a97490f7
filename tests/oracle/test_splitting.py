"""What says into how many pieces a tensor is split, or where it is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the oracle extra installs it")


@pytest.mark.parametrize("name", ["chunk", "hsplit", "vsplit", "dsplit", "tensor_split", "split"])
def test_numbers_of_pieces_are_integers(name: str) -> None:
    def outcome(lib: Any, given: Any) -> Any:
        x = lib.arange(8.0).reshape(2, 2, 2)
        try:
            return [piece.tolist() for piece in getattr(lib, name)(x, given)]
        except Exception as error:
            return type(error)

    for given in (True, 2, 0, -1, 2**64, np.int64(2), (1,), (True,), [1, True], 2.0):
        if name != "split" or not isinstance(given, np.integer):  # PyTorch takes no number of NumPy's there
            assert outcome(pb, given) == outcome(torch, given), given
    for data in (2, [1], 1.0, True):
        if name not in ("split", "tensor_split"):  # PyTorch splits by floats there
            assert outcome(pb, pb.tensor(data)) == outcome(torch, torch.tensor(data)), data
    for lib in (pb, torch):
        if name in ("vsplit", "dsplit"):
            with pytest.raises(RuntimeError, match=r"at least \d dimension, but got a tensor with 1 dimensions!"):
                getattr(lib, name)(lib.ones(4), 2)
