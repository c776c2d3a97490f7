"""The arguments operations are run with: generated once with NumPy, from a seed, then moved to each backend.

An operation's declaration says what to run it with, in ``samples(make)``. Elementwise operations have default samples;
every operation's first samples are run again with other values and other layouts.
"""

from __future__ import annotations

from pullback_conformance.samples.arguments import Arguments, declared_samples, samples_of, seed_of
from pullback_conformance.samples.elementwise import settings_of
from pullback_conformance.samples.known_values import SPECIAL_VALUES
from pullback_conformance.samples.maker import Maker
from pullback_conformance.samples.refilled import refilled
from pullback_conformance.samples.special_values import special_samples
from pullback_conformance.samples.swept import has_sweeps, swept
from pullback_conformance.samples.turns import Turns

__all__ = [
    "SPECIAL_VALUES",
    "Arguments",
    "Maker",
    "Turns",
    "declared_samples",
    "has_sweeps",
    "refilled",
    "samples_of",
    "seed_of",
    "settings_of",
    "special_samples",
    "swept",
]
