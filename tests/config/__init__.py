"""Configuration: YAML and variables in, values or exact sentences out."""
