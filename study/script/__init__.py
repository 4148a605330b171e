"""The study script: one YAML file that says what a participant meets."""

from study.script.answers import Answer, Choice, FreeText, Slider
from study.script.reading import ScriptError, StudyScript, load_script, script_in
from study.script.setting import Retention
from study.script.tasks import Task

__all__ = [
    "Answer",
    "Choice",
    "FreeText",
    "Retention",
    "ScriptError",
    "Slider",
    "StudyScript",
    "Task",
    "load_script",
    "script_in",
]
