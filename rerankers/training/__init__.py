"""Training rerankers: what ranking asks, asked with what the answer should have been."""
