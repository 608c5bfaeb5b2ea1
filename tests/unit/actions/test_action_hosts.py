"""Which hosts may be called: by pattern, by address, and with no second look-up."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.actions import HostGuard, HttpActions
from gateway.actions.hosts import HostRefusedError, is_public
from gateway.model.action import Answered, Declined
from gateway.model.contract import HttpHandler
from tests.unit.actions.raw_server import make_call, make_contract, opened, running, says


def allowed(guard: HostGuard, host: str, port: int) -> bool:
    try:
        guard.check_host(host, port)
    except HostRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("pattern", "host", "port", "expected"),
    [
        ("api.example.com", "api.example.com", 443, True),
        ("api.example.com", "api.example.com", 8443, True),
        ("API.Example.com", "api.example.COM.", 443, True),
        ("api.example.com", "evil-api.example.com", 443, False),
        ("api.example.com", "api.example.com.evil.org", 443, False),
        ("api.example.com:443", "api.example.com", 443, True),
        ("api.example.com:443", "api.example.com", 80, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "badexample.com", 443, False),
        ("*.example.com:8443", "a.example.com", 443, False),
        ("127.0.0.1:*", "127.0.0.1", 1, True),
        ("127.0.0.1:*", "127.0.0.10", 1, False),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]", "::1", 9, True),
    ],
)
def test_a_pattern_names_hosts(pattern: str, host: str, port: int, expected: bool) -> None:
    assert allowed(HostGuard([pattern]), host, port) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*",
        "*:80",
        "http://a",
        "a:0",
        "a:65536",
        "a:b",
        "a b",
        "a/b",
        "::1",
        "a*.b",
        "ä.example",
    ],
)
def test_a_malformed_pattern_is_refused_with_its_text(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a host pattern") as refused:
        HostGuard(["fine.example", pattern, "also:wrong"])
    assert repr(pattern) in str(refused.value)
    assert "'also:wrong'" in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1"),
        *("fe80::1%eth0", "fec0::1", "ff02::1", "100::1"),
        *("localhost", "", "1.2.3", "0x7f.1", "2130706433"),
    ],
)
def test_what_is_not_public_is_told_apart(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "db.localhost", "10.1.2.3"])
def test_without_a_list_what_is_private_by_its_name_is_refused(host: str) -> None:
    assert not allowed(HostGuard(), host, 80)


def test_without_a_list_names_wait_for_their_addresses() -> None:
    assert allowed(HostGuard(), "api.example.com", 443)
    assert allowed(HostGuard(), "1.1.1.1", 443)


class Names:
    """A name server that gives another answer each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def perform(url: str, **more: Any) -> Any:
    async def scenario() -> Any:
        async with opened(**more) as actions:
            handler = HttpHandler("POST", url)
            return await actions.perform(make_call(make_contract(handler)), handler)

    return asyncio.run(scenario())


def test_a_name_that_leads_to_a_private_address_is_refused_and_nothing_is_sent() -> None:
    async def scenario() -> tuple[Any, int]:
        names = Names(["93.184.216.34", "127.0.0.1"])
        async with running(says(200)) as server, opened(hosts=(), resolve=names) as actions:
            handler = HttpHandler("POST", f"http://rebound.example:{server.port}/")
            outcome = await actions.perform(make_call(make_contract(handler)), handler)
            return outcome, server.connections

    outcome, connections = asyncio.run(scenario())
    assert isinstance(outcome, Declined)
    told = (outcome.code, outcome.status, outcome.retryable)
    assert told == ("ACTION_HOST_REFUSED", 403, False)
    assert "GATEWAY_ACTION_HOSTS" in outcome.detail
    assert "127.0.0.1" not in outcome.detail
    assert connections == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1]:9/", "http://0x7f.1:9/"])
def test_the_own_machine_is_refused_however_it_is_written(url: str) -> None:
    assert perform(url, hosts=()).code == "ACTION_HOST_REFUSED"


def test_a_list_refuses_every_other_host_public_ones_included() -> None:
    outcome = perform("https://api.example.com/", hosts=["other.example"])
    assert outcome.code == "ACTION_HOST_REFUSED"
    assert "api.example.com:443 is not in GATEWAY_ACTION_HOSTS" in outcome.detail


def test_the_connection_goes_to_the_judged_address_and_keeps_the_name() -> None:
    async def scenario() -> None:
        names = Names(["127.0.0.1"])
        async with running(says(200)) as server:
            place = f"shop.internal:{server.port}"
            async with opened(hosts=[place], resolve=names) as actions:
                handler = HttpHandler("POST", f"http://{place}/orders")
                for _ in range(2):
                    outcome = await actions.perform(make_call(make_contract(handler)), handler)
                    assert outcome == Answered({})
            assert names.asked == ["shop.internal"]
            assert [seen.headers["host"] for seen in server.seen] == [place, place]

    asyncio.run(scenario())


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def scenario() -> Any:
        names = Names(["127.0.0.2", "127.0.0.1"])
        async with (
            running(says(200)) as server,
            opened(hosts=["shop.internal"], resolve=names) as actions,
        ):
            handler = HttpHandler("POST", f"http://shop.internal:{server.port}/")
            return await actions.perform(make_call(make_contract(handler)), handler)

    assert asyncio.run(scenario()) == Answered({})


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's TLS context with a certificate of its own for ``name``, saved in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "server.pem"
    file.write_bytes(
        built.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_tls_is_verified_for_the_name_that_the_contract_uses(tmp_path: Path) -> None:
    server_tls = certificate(tmp_path, "shop.internal")
    trusting = ssl.create_default_context(cafile=tmp_path / "server.pem")

    async def call(host: str, tls: ssl.SSLContext | None) -> Any:
        async def resolve(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        more = {"tls": tls} if tls else {}
        async with (
            running(says(200), server_tls) as server,
            opened(hosts=["*.internal"], resolve=resolve, **more) as actions,
        ):
            handler = HttpHandler("POST", f"https://{host}:{server.port}/")
            return await actions.perform(make_call(make_contract(handler)), handler)

    assert asyncio.run(call("shop.internal", trusting)) == Answered({})
    for host, tls in (("other.internal", trusting), ("shop.internal", None)):
        outcome = asyncio.run(call(host, tls))
        assert (outcome.code, outcome.retryable) == ("SERVICE_UNAVAILABLE", True)


def test_a_logical_origin_is_called_where_the_deployment_says() -> None:
    async def scenario() -> tuple[Any, str]:
        async with running(says(200)) as server:
            places = {"http://Support.internal": server.url}
            hosts = [f"127.0.0.1:{server.port}"]
            async with opened(hosts=hosts, origins=places) as actions:
                handler = HttpHandler("POST", "http://support.internal:80/tickets/{id}")
                call = make_call(make_contract(handler), {"id": "t-1"})
                return await actions.perform(call, handler), server.seen[0].target

    assert asyncio.run(scenario()) == (Answered({}), "/tickets/t-1")


def test_the_guard_judges_the_place_and_not_the_logical_name() -> None:
    places = {"https://api.example.com": "http://127.0.0.1:9"}
    outcome = perform("https://api.example.com/", hosts=["api.example.com"], origins=places)
    assert outcome.code == "ACTION_HOST_REFUSED"


@pytest.mark.parametrize(
    "origin",
    [
        "support",
        "ftp://a",
        "http://a/path",
        "http://u:p@a",
        "http://a:0",
        "http://a:99999",
        "http://",
    ],
)
def test_a_malformed_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r"origin|port|Port"):
        HttpActions(origins={"http://support.internal": origin})
    with pytest.raises(ValueError, match=r"origin|port|Port"):
        HttpActions(origins={origin: "http://127.0.0.1:1"})


def test_an_ipv6_origin_keeps_its_brackets() -> None:
    actions = HttpActions(origins={"http://[::1]": "https://[2001:db8::1]:8443"})
    ((name, place),) = actions.origins.items()
    assert (str(name), str(place)) == ("http://[::1]:80", "https://[2001:db8::1]:8443")
    assert ipaddress.ip_address(place.host).version == 6
