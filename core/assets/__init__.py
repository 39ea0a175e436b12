"""Static files that are made instead of written: the faces of the screen, and one style sheet of all sheets."""
