"""One file per command group; imported only when that group is called."""
