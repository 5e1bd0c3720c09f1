"""A first contract from data: what every cell of a file has in common. The engine's own reader and parse are asked; nothing is guessed."""
