"""``smooth=`` of a declaration: an interval or several, for all operands or for some by name."""

from __future__ import annotations

import pytest

from pullback.dispatch.declaration import DeclarationError, Operation


def declared(**settings: object) -> Operation:
    def made(input: Array, other: Array) -> Array:  # type: ignore[name-defined]  # noqa: F821
        """Nothing."""

    return Operation(made, partials={"input": 1, "other": 1}, **settings)  # type: ignore[arg-type]


def test_one_interval_is_every_operands() -> None:
    assert declared(smooth=(0.5, 2.0)).smooth == {"input": ((0.5, 2.0),), "other": ((0.5, 2.0),)}


def test_several_intervals_and_operands_by_name() -> None:
    both = ((0.5, 2.0), (-2.0, -0.5))
    assert declared(smooth=both).smooth == {"input": both, "other": both}
    assert declared(smooth={"other": both}, domain=(0, 9)).smooth == {"input": ((0, 2.0),), "other": both}


def test_an_operand_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"`smooth` for \['exponent'\], operands are \('input', 'other'\)"):
        declared(smooth={"exponent": (0, 1)})
