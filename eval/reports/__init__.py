"""From a record to a report that people decide from: JSON first, HTML and Markdown from it."""
