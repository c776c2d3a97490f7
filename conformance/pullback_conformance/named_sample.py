"""One sample of an operation by the names that a report has for it."""

from __future__ import annotations

import itertools
import re

from pullback.extend import dtypes, get_backend, import_all, registry
from pullback_conformance.samples import Arguments, refilled, samples_of, special_samples, swept

_REPETITION = re.compile(r"(?P<label>.*), seed (?P<seed>\d+)", re.DOTALL)


def sample_named(operation: str, dtype: str, label: str, *, seed: int = 0) -> Arguments:
    """The arguments of a sample, on NumPy.

    Raises
    ------
    ValueError
        If the operation has no sample of that label in that dtype.
    """
    import_all()
    declared, kind, numpy = registry[operation], dtypes.by_name[dtype], get_backend("numpy")
    repetition = _REPETITION.fullmatch(label)
    wanted = [(label, seed)] if repetition is None else [(label, seed), (repetition["label"], int(repetition["seed"]))]
    for name, number in wanted:
        every = itertools.chain(
            special_samples(declared, numpy, kind),
            samples_of(declared, numpy, kind, seed=number),
            refilled(declared, numpy, kind, seed=number),
            swept(declared, numpy, kind, seed=number),
        )
        for arguments in every:
            if arguments.label == name:
                return arguments
    raise ValueError(f"{operation} has no sample {label!r} in {dtype}")
