"""Templates, and the page an error becomes when nothing else was made for it."""
