"""Knowledge that changes: what a newer document contradicts is marked, never rewritten."""

from indexers.updating.reporting import Limits, Updates
from indexers.updating.update import update

__all__ = ["Limits", "Updates", "update"]
