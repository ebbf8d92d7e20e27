"""Measurements that the documents quote, one command each."""
