"""Scores of answers in a hierarchy of classes: on paths, on levels, and on what is not answered."""
