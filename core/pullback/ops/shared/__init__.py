"""What families of operations share: dimension arguments, dtypes inside bodies and formulas, options of creation."""
