"""The page at `/`: HTML, style and ES modules as they are written, and their routes."""
