"""The configuration of the small CLIP that tests share."""

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}

PRESETS = """
tiny:
  title: A model of the tests' own
  model: {name: "hf-hub:some/model"}
  dictionaries:
    cls:
      repo: some/sae
      files: [[config.json], [weights.pt]]
      block: 2
      tokens: cls
      published: {explained: {value: 0.97, tolerance: 0.1, source: "this test"}}
"""
