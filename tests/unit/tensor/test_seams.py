"""Every seam is filled once the features have been imported, by the module that the table names."""

from __future__ import annotations

import pullback.autograd.anomaly_mode
import pullback.autograd.forward_ad
import pullback.autograd.mutation
import pullback.batching
import pullback.dispatch.interception  # noqa: F401
from pullback.tensor.seams import Seams, seams


def test_every_seam_is_filled() -> None:
    assert set(Seams.__annotations__) == set(vars(seams))
