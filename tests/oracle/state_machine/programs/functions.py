"""User-defined Functions that programs apply, as source text: the same for each library."""

from __future__ import annotations

from textwrap import dedent
from typing import Any


def _function(name: str, body: str) -> tuple[str, str]:
    return name, f"class {name}(lib.autograd.Function):\n" + "\n".join(
        "    " + line if line else "" for line in dedent(body).strip().splitlines()
    )


FUNCTIONS = dict(
    [
        _function(
            "Square",
            """
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return grad * x * 2
            """,
        ),
        _function(
            "KeepsItsResult",
            """
            @staticmethod
            def forward(ctx, x):
                out = x * 3
                ctx.save_for_backward(out)
                return out

            @staticmethod
            def backward(ctx, grad):
                (out,) = ctx.saved_tensors
                return grad * out
            """,
        ),
        _function(
            "ReturnsItsInput",
            """
            @staticmethod
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, grad):
                return grad * 2
            """,
        ),
        _function(
            "ReturnsAView",
            """
            @staticmethod
            def forward(ctx, x):
                return x.view_as(x)

            @staticmethod
            def backward(ctx, grad):
                return grad * 2
            """,
        ),
        _function(
            "WritesItsInput",
            """
            @staticmethod
            def forward(ctx, x):
                x.mul_(2)
                ctx.mark_dirty(x)
                return x

            @staticmethod
            def backward(ctx, grad):
                return grad * 2
            """,
        ),
        _function(
            "Pair",
            """
            @staticmethod
            def forward(ctx, x, y):
                return x * 2, y * 3

            @staticmethod
            def backward(ctx, grad_x, grad_y):
                return grad_x * 2, grad_y * 3
            """,
        ),
        _function(
            "InputAndMore",
            """
            @staticmethod
            def forward(ctx, x):
                more = x * 2
                ctx.mark_non_differentiable(more)
                return x, more

            @staticmethod
            def backward(ctx, grad, unused):
                return grad * 5
            """,
        ),
    ]
)


def functions(lib: Any) -> dict[str, Any]:
    """The classes, for one library."""
    names = {"lib": lib}
    for source in FUNCTIONS.values():
        exec(source, names)
    return {name: names[name] for name in FUNCTIONS}
