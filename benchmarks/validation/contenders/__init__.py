"""One program per contender. Each prints what it used and what it found."""
