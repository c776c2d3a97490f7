"""What the cross-check adds to pullback: the tool that the environment variable ``PULLBACK_CROSSCHECK`` asks for."""

from __future__ import annotations

from pullback.extend import hookimpl

pullback_extension_api = (1, 1)


@hookimpl
def pullback_tools() -> dict[str, str]:
    return {"crosscheck.program": "pullback_crosscheck.program:program"}
