"""``pullback demo``: the digits example on every backend, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pullback.cli.training import Trained

REQUIRED_ACCURACY = 0.95
DEFAULT_EPOCHS = 20


@click.command(short_help="Train a network on every backend and compare them.")
@click.option(
    "--backend",
    "backends",
    multiple=True,
    metavar="NAME",
    help="Train on this backend; may be repeated. [default: all]",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=DEFAULT_EPOCHS,
    show_default=True,
    help="Passes over the images.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split, the weights and the order.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.png",
    help="Draw the loss curves of all backends.",
)
def demo(backends: tuple[str, ...], epochs: int, seed: int, plot: Path | None) -> None:
    """Train a digit reader on NumPy, then by the same program on every other backend.

    The program is examples/digits.py: a network with two hidden layers, trained on scikit-learn's
    handwritten digits. The table at the end compares the backends: accuracy on images not trained on,
    median time of a training step, and how far the gradients of the first batch are from NumPy's.

    That distance is in ulp at the scale of each parameter's largest gradient: the largest difference over
    the elements of a parameter's gradient, divided by the spacing of float32 numbers at the largest
    magnitude in NumPy's gradient of that parameter; of these, the largest. (The ulp of the element itself
    would say little: an element whose terms cancel is small and carries the rounding errors of large terms.)

    The exit status is 1 where a backend fails, or where a backend stays below an accuracy of 0.95 in at
    least the default number of epochs.
    """
    from rich.console import Console

    from pullback.cli.training import load_example, train_all

    names = _chosen(backends)
    example = load_example()
    _require("sklearn", "scikit-learn", example.in_checkout)
    if plot is not None:
        _require("matplotlib", "Matplotlib", example.in_checkout)
        _require_drawable(plot)

    results = train_all(example, names, epochs, seed, Console(stderr=True))
    Console().print(_table(results, epochs, seed))
    if plot is not None:
        from pullback.cli.plotting import draw_losses

        drawn = [result for result in results if result.losses]
        if drawn:
            draw_losses(drawn, plot)
            click.echo(f"loss curves: {plot}")
    failures = _failures(results, asked_for=backends, epochs=epochs)
    _show_tracebacks(results, Console(stderr=True))
    for failure in failures:
        click.secho(failure, fg="red", err=True)
    if failures:
        raise SystemExit(1)


def _chosen(backends: tuple[str, ...]) -> list[str]:
    """The names to train on, NumPy first because the others are compared with it."""
    from pullback.backend.registry import known_backends, unknown

    known = list(known_backends())
    for name in backends:
        if name not in known:
            raise click.BadParameter(str(unknown(name)), param_hint="--backend")
    return sorted(dict.fromkeys(backends or known), key=lambda name: name != "numpy")


def _require(module: str, title: str, in_checkout: bool) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        target = '-e ".[demo]"' if in_checkout else '"pullback[demo]"'
        raise click.ClickException(f"the demo needs {title}, which is not installed: pip install {target}")


def _require_drawable(plot: Path) -> None:
    """Say now, not after the training, that the picture cannot be written."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if plot.suffix.lstrip(".").lower() not in formats:
        known = ", ".join(sorted(formats))
        raise click.BadParameter(f"{plot} ends in none of the known formats: {known}", param_hint="--plot")
    if not plot.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {plot.parent}", param_hint="--plot")


def _table(results: list[Trained], epochs: int, seed: int) -> Table:
    from rich.markup import escape
    from rich.table import Table

    notes = any(result.note for result in results)
    table = Table(
        title=f"Handwritten digits, {epochs} epoch{'s' if epochs != 1 else ''}, seed {seed}",
        caption="Time per step: median. Gradient difference: on the first batch, from NumPy's, in float32 "
        "ulp at the scale of each parameter's largest gradient.",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("Backend", no_wrap=True)
    for heading in ("Test\naccuracy", "Time per\nstep", "Gradient\ndifference"):
        table.add_column(heading, justify="right", no_wrap=True)
    if notes:
        table.add_column("Note", overflow="fold")
    for result in results:
        cells = result.cells()
        if notes:
            cells.append(escape(result.note))
        table.add_row(*cells, style=None if result.accuracy is not None else "dim")
    return table


def _failures(results: list[Trained], asked_for: tuple[str, ...], epochs: int) -> list[str]:
    failures = []
    for result in results:
        if result.error is not None:
            failures.append(f"{result.backend} failed")
        elif result.accuracy is None and result.backend in asked_for:
            failures.append(f"{result.backend} is not available: {result.note}")
        elif result.accuracy is not None and epochs >= DEFAULT_EPOCHS and not result.accuracy >= REQUIRED_ACCURACY:
            failures.append(f"{result.backend}: test accuracy {result.accuracy:.3f} is below {REQUIRED_ACCURACY}")
    if all(result.accuracy is None for result in results):
        failures.append("no backend was trained on")
    return failures


def _show_tracebacks(results: list[Trained], console: Console) -> None:
    import traceback

    for result in results:
        if result.error is not None:
            console.rule(f"{result.backend} failed", style="red", align="left")
            console.print("".join(traceback.format_exception(result.error)), markup=False, highlight=False)
