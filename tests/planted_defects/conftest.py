"""Makes the faulty backends importable by name, as the scripts that the suite writes import them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
