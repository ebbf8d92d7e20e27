"""What is trained on, made and kept: groups and preferences with where they come from."""
