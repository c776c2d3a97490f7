"""Operations that make one element of many, or put many in order."""
