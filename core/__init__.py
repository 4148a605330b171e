"""The instrument: pixels, activations, codes, logits. It knows torch; it knows no study, no screen, no SQL."""
