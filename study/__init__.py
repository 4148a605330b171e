"""The experiment: script, log and folds. It knows SQL; it knows no torch and no screen."""
