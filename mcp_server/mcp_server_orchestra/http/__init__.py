"""The server over streamable HTTP: who may call it, from where, and how its processes start and end."""
