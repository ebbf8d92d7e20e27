"""Agreement: how far the labels of a judge can stand for those of people, and of what systems."""
