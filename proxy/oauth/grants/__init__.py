"""One file per grant; each builds the requests that the grant needs, and sends nothing."""
