"""Every system: encoders, transformers, upsamplers, and what puts them together."""
