"""The portal: what an agent may ask the proxy itself, at `http://keyhatch.internal/`."""
