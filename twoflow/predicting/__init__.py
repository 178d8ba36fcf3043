"""Answers of a fitted model for many images: the likeliest classes, fallback, rules, and files of answers."""
