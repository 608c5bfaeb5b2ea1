"""What uvicorn lacks: bounds below ASGI, and connections that end in time."""
