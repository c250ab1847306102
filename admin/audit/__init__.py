"""The audit log, read: which records, how many, drawn for people."""
