"""The demo world: pictures with known causes, a CLIP and two dictionaries trained on them."""
