"""What the recorder's light and the microphone check say, in each language."""

from __future__ import annotations

_LIGHT = {
    "en": {
        "off": "",
        "on": "Recording",
        "asking": "Allow the microphone to begin",
        "muted": "Not recording: microphone muted",
        "deaf": "Recording, but nothing is heard: is the microphone muted?",
        "held": "Reconnecting, {n} s held here",
        "paused": "Not recording: paused",
        "elsewhere": "Not recording: open in another window",
        "denied": "Not recording: the browser does not allow the microphone",
        "absent": "Not recording: no microphone is found",
        "failed": "Not recording: the microphone cannot be used",
        "retry": "Try again",
    },
    "de": {
        "off": "",
        "on": "Aufnahme läuft",
        "asking": "Bitte das Mikrofon erlauben",
        "muted": "Keine Aufnahme: Mikrofon stumm",
        "deaf": "Aufnahme läuft, aber es ist nichts zu hören: Ist das Mikrofon stumm?",
        "held": "Verbindung wird gesucht, {n} s hier aufbewahrt",
        "paused": "Keine Aufnahme: Pause",
        "elsewhere": "Keine Aufnahme: in einem anderen Fenster offen",
        "denied": "Keine Aufnahme: der Browser erlaubt das Mikrofon nicht",
        "absent": "Keine Aufnahme: kein Mikrofon gefunden",
        "failed": "Keine Aufnahme: das Mikrofon ist nicht zu benutzen",
        "retry": "Noch einmal",
    },
}
_CHECK = {
    "en": {
        "title": "Can we hear you?",
        "lead": "Say a sentence and listen to it. It stays in this browser: nothing is kept or sent "
        "until the tasks begin.",
        "open": "Use my microphone",
        "device": "Microphone",
        "level": "How loud it is",
        "record": "Record a sentence",
        "again": "Record it again",
        "stop": "Stop",
        "say": "For example: “I look at the picture first, and then at what the model says.”",
        "playback": "What was recorded",
        "confirm": "I hear myself, go on",
        "without": "Go on without my voice",
        "denied": "The browser does not allow the microphone here. Press the sign beside the "
        "address, allow it, and try again.",
        "absent": "No microphone is found. Plug one in or switch it on, and try again.",
        "failed": "The microphone cannot be used; another program may have it. Close that one and try again.",
        "muted": "Nothing is heard. Is the microphone muted, or is another one meant?",
        "quiet": "That is very quiet. Come closer to the microphone or turn it up, and record it again.",
        "loud": "That is too loud and will be distorted. Move away a little, and record it again.",
        "good": "That is loud enough. Listen to it before you go on.",
        "saving": "One moment …",
    },
    "de": {
        "title": "Sind Sie zu hören?",
        "lead": "Sprechen Sie einen Satz und hören Sie ihn an. Er bleibt in diesem Browser: Nichts wird "
        "aufbewahrt oder gesendet, bevor die Aufgaben beginnen.",
        "open": "Mein Mikrofon benutzen",
        "device": "Mikrofon",
        "level": "Wie laut es ist",
        "record": "Einen Satz aufnehmen",
        "again": "Noch einmal aufnehmen",
        "stop": "Halt",
        "say": "Zum Beispiel: „Ich sehe mir zuerst das Bild an und dann, was das Modell sagt.“",
        "playback": "Was aufgenommen wurde",
        "confirm": "Ich höre mich, weiter",
        "without": "Ohne meine Stimme weiter",
        "denied": "Der Browser erlaubt das Mikrofon hier nicht. Erlauben Sie es über das Zeichen neben der Adresse und "
        "versuchen Sie es noch einmal.",
        "absent": "Kein Mikrofon gefunden. Schließen Sie eines an oder schalten Sie es ein und "
        "versuchen Sie es noch einmal.",
        "failed": "Das Mikrofon ist nicht zu benutzen; vielleicht hat es ein anderes Programm. "
        "Schließen Sie dieses und versuchen Sie es noch einmal.",
        "muted": "Es ist nichts zu hören. Ist das Mikrofon stumm, oder ist ein anderes gemeint?",
        "quiet": "Das ist sehr leise. Gehen Sie näher heran oder stellen Sie es lauter und nehmen Sie noch einmal auf.",
        "loud": "Das ist zu laut und wird verzerrt. Gehen Sie etwas weiter weg und nehmen Sie noch einmal auf.",
        "good": "Das ist laut genug. Hören Sie es an, bevor Sie weitergehen.",
        "saving": "Einen Augenblick …",
    },
}


def light_words(language: str) -> dict[str, str]:
    """What the light says, by what it shows."""
    return _LIGHT.get(language, _LIGHT["en"])


def check_words(language: str) -> dict[str, str]:
    """What the microphone check says, by where it stands."""
    return _CHECK.get(language, _CHECK["en"])
