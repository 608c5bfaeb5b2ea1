"""Why a call would be decided so, and what is missing for an allow."""
