"""How much of the grid a run covers."""

from __future__ import annotations

from typing import Final, NamedTuple

from pullback import bfloat16, complex64, complex128, float16, float32, float64, int8, int16, int32, int64, uint8
from pullback.extend import DType, dtypes

bool_ = dtypes.bool_


class Tier(NamedTuple):
    """One extent of the grid.

    Attributes
    ----------
    dtypes : tuple of DType
        What operations are run in, as far as they accept it.
    samples : int or None
        The most samples of an operation; None for all.
    once : frozenset of DType
        The dtypes that run the first sample only, no special values and, unless they are integers, no sweep.
    sweeps_only : frozenset of DType
        The dtypes in which only elementwise operations are run, on one sweep over what the dtype holds.
    derivative_dtypes : tuple of DType
        The dtypes in which derivatives are checked.
    derivative_samples : int or None
        The most samples that are differentiated.
    sweeps : int or None
        How many samples elementwise operations have all over what the dtype holds; None for all.
    seeds : int
        With how many sets of random values.
    shares_shapes : bool
        Whether a backend that compiles each shape runs it in some dtypes only; see :mod:`.samples.turns`.
    """

    dtypes: tuple[DType, ...]
    samples: int | None
    once: frozenset[DType]
    sweeps_only: frozenset[DType]
    derivative_dtypes: tuple[DType, ...]
    derivative_samples: int | None
    sweeps: int | None
    seeds: int
    shares_shapes: bool


_ALL: Final = (
    float32, float64, float16, bfloat16, complex64, complex128, int64, int32, int16, int8, uint8, bool_,
)  # fmt: skip

#: smoke is for use while working: backends that compile spend tens of milliseconds on each new shape and dtype.
#: standard is for a merge: every sample and dtype. full is for a release: several sets of random values.
TIERS: Final = {
    "smoke": Tier(
        (float32, float64, complex64, int64, uint8, bool_), 2, frozenset({float64, int64, bool_}),
        frozenset({complex64, uint8}), (float32,), 1, 1, 1, False,
    ),
    "standard": Tier(_ALL, None, frozenset(), frozenset(), _ALL, None, None, 1, True),
    "full": Tier(_ALL, None, frozenset(), frozenset(), _ALL, None, None, 3, False),
}  # fmt: skip
