"""What each command does. Imported when it is called: the engine takes a second to load."""
