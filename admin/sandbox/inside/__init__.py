"""What runs inside the wall: only the standard library, because nothing else is there."""
