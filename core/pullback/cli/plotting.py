"""The picture of ``pullback demo --plot``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullback.cli.training import Trained


def draw_losses(results: list[Trained], path: Path) -> None:
    """The loss of each step on each backend and, below, how far each is from the first backend's.

    The curves lie on each other where the backends agree, so the first is drawn wide and pale underneath, and
    the dashes of each of the others fall into the gaps of the rest.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first, *others = results
    figure = Figure(figsize=(8, 7 if others else 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    rows = 2 if others else 1
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=[3, 2][:rows])[:, 0]
    steps = range(1, len(first.losses) + 1)

    losses = panels[0]
    losses.semilogy(steps, first.losses, color="C0", linewidth=4, alpha=0.4, label=first.backend)
    for position, result in enumerate(others, start=1):
        dashes = (8 * (position - 1), (8, 8 * (len(others) - 1))) if len(others) > 1 else "-"
        losses.semilogy(
            range(1, len(result.losses) + 1),
            result.losses,
            color=f"C{position}",
            linewidth=1.2,
            linestyle=dashes,
            label=result.backend,
        )
    losses.set_ylabel("cross-entropy loss of the batch")
    losses.set_title("Training on handwritten digits: the same program on each backend")
    losses.legend(title="backend")

    if others:
        differences = panels[1]
        smallest = math.inf
        for position, result in enumerate(others, start=1):
            gaps = [abs(a - b) for a, b in zip(result.losses, first.losses, strict=False)]
            smallest = min([smallest, *(gap for gap in gaps if gap > 0)])
            differences.plot(
                range(1, len(gaps) + 1), gaps, ".", markersize=3, color=f"C{position}", label=result.backend
            )
        if smallest < math.inf:  # logarithmic, with a place for the steps where the losses are equal
            differences.set_yscale("symlog", linthresh=smallest, linscale=1)
            differences.set_ylim(bottom=-smallest / 3)
        differences.set_ylabel(f"|loss - loss on {first.backend}|")
        differences.legend(loc="lower left", markerscale=3)
    panels[-1].set_xlabel("training step")
    for panel in panels:
        panel.grid(True, which="major", alpha=0.3)
    figure.savefig(path, dpi=120)
