"""Every declared operation and composite by its public name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Composite, Operation

#: Every declared operation and composite by its public name.
registry: Final[dict[str, Operation | Composite]] = {}
