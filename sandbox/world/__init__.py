"""What makes the machine match the emulated account."""
