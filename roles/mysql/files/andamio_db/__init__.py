"""Dump the application's database to a safe place, and restore it from there."""
