"""An AWS with a data plane, on one machine."""
