"""The mitmproxy lane: adapters that move bytes and ask the engine, one concern per file."""
