"""The preloaded interpreter for localhost: docs/interpreter.md."""
