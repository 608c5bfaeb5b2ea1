"""A small support desk behind HTTP: the service that the contracts in ``schema/support`` call.

It knows nothing of the gateway. ``store`` keeps the data, ``app`` answers requests, ``faults``
makes it fail on demand, so that a test can see what the gateway does then.
"""
