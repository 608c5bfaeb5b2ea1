"""A browser without scripts: it keeps cookies, reads forms and sends them."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx


class Browser:
    """Somebody before the console of the gateway at ``url``, which browsers know as ``origin``."""

    def __init__(self, url: str, origin: str | None = None) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.origin = origin or url
        self.cookies: dict[str, str] = {}

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def headers(self, **more: str) -> dict[str, str]:
        """The headers of a request of this browser; ``more`` may replace them."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        told = {"cookie": cookie} if cookie else {}
        return {**told, "sec-fetch-site": "same-origin", **more}

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Look at a page."""
        return self._kept(self.http.get(path, headers=self.headers(**headers)))

    def post(self, path: str, form: dict[str, Any], **headers: str) -> httpx.Response:
        """Send a form; what has several values is a list."""
        sent = self.headers(**{"origin": self.origin, **headers})
        return self._kept(self.http.post(path, data=form, headers=sent))

    def sign_in(self, token: str | None) -> httpx.Response:
        """Sign in with a development token."""
        answer = self.post("/console/sign-in", {"token": token or ""})
        assert answer.status_code == 303, answer.text
        return answer

    def is_signed_in(self) -> bool:
        """Whether pages know who looks."""
        return self.get("/console/nothing-here").text.count("/console/sign-out") == 1

    def form(self, page: httpx.Response, action: str, /, **told: str) -> dict[str, str]:
        """The fields of the first form of a page that goes to ``action`` and holds ``told``."""
        forms = [form for place, form in forms_of(page.text) if place == action]
        found = [form for form in forms if told.items() <= form.items()]
        assert found, f"no form to {action} with {told} among {forms_of(page.text)}"
        return found[0]

    def send(self, page: httpx.Response, action: str, *, told: dict[str, str] | None = None,
             **filled: Any) -> httpx.Response:  # fmt: skip
        """Fill in the form of a page that goes to ``action`` and holds ``told``, and send it."""
        return self.post(action, {**self.form(page, action, **(told or {})), **filled})

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if value.strip('"'):
                self.cookies[name] = value.strip('"')
            else:
                self.cookies.pop(name, None)
        return answer


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._in_form = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.forms.append((told.get("action") or "", {}))
            self._in_form = True
        elif tag in ("input", "button") and self._in_form and told.get("name"):
            unchecked = told.get("type") in ("checkbox", "radio") and "checked" not in told
            if tag == "input" and not unchecked:
                self.forms[-1][1][told["name"] or ""] = told.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False


def forms_of(text: str) -> list[tuple[str, dict[str, str]]]:
    """The forms of a page: where each goes, and the inputs that it holds."""
    parser = _Forms()
    parser.feed(text)
    return parser.forms


def text_of(page: httpx.Response) -> str:
    """What a page says, without its markup, in one line."""
    without = re.sub(r"<(script|style).*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", without).split())
