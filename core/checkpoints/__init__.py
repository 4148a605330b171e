"""Checkpoint readers: each turns one file format into a SparseAutoencoder with its convention stated."""
