"""Commands that ask a server: each does there what it would do here, and tells it alike."""
