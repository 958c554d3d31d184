"""The sandbox's AWS API: moto, and an overlay for what it lacks and Andamio needs."""
