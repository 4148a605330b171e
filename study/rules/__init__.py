"""The closed grammar of `if`, `skip.if`, `success.rule` and `held_out.rule` in a script."""

from study.rules.reading import Rule, read_rule
from study.rules.words import RuleError

__all__ = ["Rule", "RuleError", "read_rule"]
