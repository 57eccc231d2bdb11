"""Counterparts of the documentation's code blocks, corrected where it is wrong; `blocks.txt` says which is which's."""
