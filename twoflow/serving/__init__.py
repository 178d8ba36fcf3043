"""The HTTP service of a model file and its page: what needs the extra ``twoflow[serve]``."""
