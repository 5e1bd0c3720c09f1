"""What makes a file acceptable before anybody has parsed it. Calculation only."""
