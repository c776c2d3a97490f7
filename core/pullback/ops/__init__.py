"""The operations, a file a family; ``import pullback`` imports each of them."""
