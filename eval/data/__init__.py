"""What an evaluation reads: collections, qrels, runs."""
