"""The benchmarks, one file each; ``reports(effort)`` of each module measures and returns its tables."""
