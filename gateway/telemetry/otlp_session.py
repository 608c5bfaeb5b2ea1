"""How the receiver of spans is asked: what it answers is not waited for, nor kept.

The library reads each answer to its end. One that has none, as of an address that is another
service's, would take all memory of the process; and it takes a redirect for a success.
"""

from contextlib import suppress
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.exceptions import TooManyRedirects
from urllib3.exceptions import HTTPError

_MOST = 1024
"""Bytes of an answer that are read, so that a connection serves again: a receiver says nothing."""


class BriefSession(Session):
    """A session in which answers are a status and headers."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = True

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send a request.

        Raises:
            TooManyRedirects: the receiver is elsewhere, and spans are brought to no other address
                than the one that was named.
        """
        answer = super().send(request, **kwargs)
        try:
            if answer.is_redirect:
                raise TooManyRedirects("redirects are not followed", response=answer)
            with suppress(OSError, HTTPError):  # the status is there, and it is what counts
                answer.raw.read1(_MOST)
        finally:
            answer.close()
        return answer
