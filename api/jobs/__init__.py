"""Jobs: work that a request begins and that outlives it, and the server's own end."""
