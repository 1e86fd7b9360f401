"""The computer: its processor, threads, memory, devices and files."""
