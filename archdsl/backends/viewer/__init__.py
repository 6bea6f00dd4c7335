"""Networks as pages that a reader explores: frames unfold, beside a table of the same parts."""
