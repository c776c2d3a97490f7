"""Operations that treat each element by itself."""
