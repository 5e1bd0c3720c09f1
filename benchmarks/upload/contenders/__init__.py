"""One program per contender. Each starts the server that it is about, sends, and prints what was used."""
