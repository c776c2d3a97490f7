"""Drawing calls and shrinking them, with hypothesis: the same ones for the same seed, and nothing left in a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

from pullback_conformance.generated.choices import Choices
from pullback_conformance.samples import Arguments

#: How many calls are tried at the most in looking for a smaller one.
MOST_TRIES: Final = 400


def visit(
    call: Callable[[Choices], Arguments | None], visitor: Callable[[Arguments], bool], *, seed: int, count: int
) -> None:
    """Call ``visitor`` with ``count`` calls, the same ones for the same seed.

    Parameters
    ----------
    call : callable
        Makes a call of choices.
    visitor : callable
        Tells whether a call was one at all; others are not counted, and at most ten times as many are drawn.
    """

    def look(arguments: Arguments) -> None:
        from hypothesis import reject

        if not visitor(arguments):
            reject()

    _run(look, call, seed=seed, count=count, shrinks=False)


def smallest(
    call: Callable[[Choices], Arguments | None], fails: Callable[[Arguments], bool | None], *, seed: int, count: int
) -> Arguments | None:
    """The smallest call that fails, among those of :func:`visit` and those that shrinking makes of them.

    Parameters
    ----------
    fails : callable
        None where a call is none at all.

    Returns
    -------
    Arguments or None
        None where none fails, or where one does and then does not.
    """
    found: list[Arguments] = []
    tries = 0

    class Found(Exception):
        """The call fails."""

    def look(arguments: Arguments) -> None:
        nonlocal tries
        from hypothesis import reject

        tries += bool(found)
        is_bad = fails(arguments) if tries <= MOST_TRIES else False
        if is_bad is None:
            reject()
        if is_bad:
            found[:] = [arguments]
            raise Found

    try:
        _run(look, call, seed=seed, count=count, shrinks=True)
    except Found:
        return found[0]
    except Exception as error:
        if not _is_hypothesis(error):
            raise
    return None


def _run(
    look: Callable[[Arguments], None],
    call: Callable[[Choices], Arguments | None],
    *,
    seed: int,
    count: int,
    shrinks: bool,
) -> None:
    # Imported where they are needed: runs that draw nothing do without hypothesis.
    import hypothesis
    from hypothesis import HealthCheck, Phase, Verbosity, strategies
    from hypothesis.errors import Unsatisfiable

    @strategies.composite
    def calls(draw: Any) -> Arguments | None:
        return call(Choices(lambda: draw(strategies.booleans())))

    settings = hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate, Phase.shrink] if shrinks else [Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,  # the seed says what is drawn, whatever the test is called
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(Unsatisfiable):  # no call of it is one
        hypothesis.seed(seed)(settings(hypothesis.given(calls())(_without_name(look))))()


def _without_name(look: Callable[[Arguments], None]) -> Callable[[Any], None]:
    def drawn(arguments: Any) -> None:
        from hypothesis import reject

        if arguments is None:
            reject()
        look(arguments)

    return drawn


def _is_hypothesis(error: BaseException) -> bool:
    """Whether it is what hypothesis says of calls that fail and then do not."""
    from hypothesis.errors import HypothesisException

    return isinstance(error, HypothesisException)
