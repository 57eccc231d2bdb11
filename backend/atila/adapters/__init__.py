"""One file for each server protocol: translate, nothing else."""
