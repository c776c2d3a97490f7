"""What ``pullback explain`` shows of an operation that the suite knows: its samples, and what its checks say now."""

from __future__ import annotations

from pullback.extend import Composite, Operation, get_backend
from pullback_conformance.runner import Runner, Selection, accepts
from pullback_conformance.samples import samples_of
from pullback_conformance.tiers import TIERS


def samples(operation: Operation | Composite) -> str:
    """The calls that the suite makes of an operation, in the first dtype that it accepts."""
    dtype = next((d for d in TIERS["smoke"].dtypes if accepts(operation, d)), None)
    if dtype is None:
        return "none: it accepts no dtype of the smoke tier"
    labels = [sample.label for sample in samples_of(operation, get_backend("numpy"), dtype)]
    return "\n".join(labels) or "none: its declaration has no samples"


def conformance(operation: Operation | Composite) -> str:
    """What the checks of the smoke tier say of an operation on NumPy."""
    try:
        record = Runner("numpy", selection=Selection(operations=(operation.name,))).run()
    except ValueError as error:  # a step of other operations, that the suite leaves out
        return str(error)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in record.counts().items() if count)
    bad = [f"{cell.check} in {cell.dtype}: {cell.outcome.value}" for cell in record.bad_cells()]
    return "\n".join([f"smoke tier on NumPy: {counts or 'nothing to run'}", *bad])
