"""The interfaces that clients already speak: Jina's, Cohere's, TEI's and OpenAI's."""
