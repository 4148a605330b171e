"""The screens of a participant."""
