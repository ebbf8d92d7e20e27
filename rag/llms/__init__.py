"""Language models behind the LLM seam."""
