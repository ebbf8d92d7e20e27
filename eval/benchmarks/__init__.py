"""What `eval.bench` times, part by part, and how the embedded store grows."""
