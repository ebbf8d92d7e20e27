"""What may be quoted: the sentences of the passages, how likely people quote each, and how many."""
