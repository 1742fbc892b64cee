"""The lints: what is looked at, what is found, and how it is said."""
