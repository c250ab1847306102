"""Who may use the page and the API: decided before anything else looks at a request."""
