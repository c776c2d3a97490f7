"""Operations that keep the elements and change where they are seen: shapes, parts, joins, orders."""
