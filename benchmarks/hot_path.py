"""The hot path of one revision: what ``compare.py`` runs for each of the two.

Writes the names of its programs, as JSON; then, for each name it reads, the seconds that one run takes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from measuring import timed_block


def programs() -> dict[str, Callable[[], Any]]:
    import pullback as pb

    x, c, one = pb.ones(4, 4, requires_grad=True), pb.ones(4, 4), pb.ones(4, 4)

    def chain() -> None:
        y = x
        for _ in range(50):
            y = y * c + c
        y.backward(one)
        x.grad = None

    with_number = pb.ones(4, 4, requires_grad=True)
    return {
        "add": lambda: x + c,
        "add, no gradient": lambda: one + c,
        "add a number": lambda: with_number + 2.0,
        "mul": lambda: x * c,
        "exp": x.exp,
        "matmul": lambda: x @ c,
        "sum": x.sum,
        "reshape": lambda: x.reshape(16),
        "index": lambda: x[1],
        "chain of 100, forward and backward": chain,
    }


def serve() -> None:
    samplers = {name: timed_block(program, 0.02) for name, program in programs().items()}
    print(json.dumps(list(samplers)), flush=True)
    for line in sys.stdin:
        print(samplers[line.strip()](), flush=True)


if __name__ == "__main__":
    serve()
