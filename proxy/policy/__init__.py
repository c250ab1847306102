"""Pure decisions: which destination, which address, which connector."""
