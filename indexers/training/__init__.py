"""Training encoders."""
