"""Reports: each made from the record of a run, and from nothing else."""

from __future__ import annotations
