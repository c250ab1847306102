"""What the operator declares: connectors, agents, settings and the provider catalog."""
