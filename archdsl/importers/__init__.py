"""From existing models to readable specs."""
