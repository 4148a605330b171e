"""Commands that make an instrument ready: models, dictionaries, indexes, tasks and their health; torch comes late."""
