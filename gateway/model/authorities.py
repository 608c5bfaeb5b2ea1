"""The authorities that TLS is to trust, where the environment names others than those shipped."""

import os

from gateway.model.problem import Problem, ProblemError


def unreadable_authorities(error: OSError) -> ProblemError:
    """SETTINGS_INVALID for the file that ``SSL_CERT_FILE`` names, which cannot be read."""
    told = (
        f"SSL_CERT_FILE names {os.environ.get('SSL_CERT_FILE')}, which cannot be read as "
        f"certificates of authorities in PEM ({error.strerror}). Name another file, or leave it "
        "out for those of certifi."
    )
    title = "The settings are not valid"
    return ProblemError(Problem("SETTINGS_INVALID", title, 500, told, "validation"))
