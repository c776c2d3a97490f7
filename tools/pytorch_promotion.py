"""Write the conformance suite's table of PyTorch's promotion of dtypes, with the PyTorch that is installed here.

python tools/pytorch_promotion.py            # write the table
python tools/pytorch_promotion.py --check    # compare it with what would be written
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

TABLE = Path(__file__).parents[1] / "conformance/pullback_conformance/oracles/pytorch_promotion.json"
NAMES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
NUMBERS: dict[str, Any] = {"bool": True, "int": 2, "float": 1.5, "complex": 1.5j}


def table() -> dict[str, Any]:
    """What each dtype becomes beside tensors with dimensions, 0-d tensors and Python numbers."""
    made: dict[str, Any] = {"pytorch": torch.__version__.partition("+")[0], "dimensions": {}, "0-d": {}, "number": {}}
    for left in NAMES:
        tensor = torch.ones(1, dtype=getattr(torch, left))
        for rank, shape in (("dimensions", (1,)), ("0-d", ())):
            made[rank][left] = {
                right: _name(torch.result_type(tensor, torch.ones(shape, dtype=getattr(torch, right))))
                for right in NAMES
            }
        made["number"][left] = {kind: _name(torch.result_type(tensor, value)) for kind, value in NUMBERS.items()}
    return made


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def main() -> int:
    """Write the table, or say whether it is as PyTorch has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = json.dumps(table(), indent=1) + "\n"
    if parser.parse_args().check:
        return int(TABLE.read_text() != text)
    TABLE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
