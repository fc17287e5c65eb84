"""Stateless mathematics of sequence models."""
