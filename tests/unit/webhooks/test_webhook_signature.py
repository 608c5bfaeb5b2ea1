"""Signatures: the published example, several keys, and what is no secret."""

import base64

import pytest

from gateway.webhooks.signature import secret_key, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_example_of_standard_webhooks_is_met() -> None:
    keys = [secret_key(SECRET)]
    signed = sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_key_gives_one_signature_in_its_order() -> None:
    one, two = b"1" * 24, b"2" * 24
    both = sign([one, two], "msg_1", 7, b"{}")
    assert both.split(" ") == [sign([one], "msg_1", 7, b"{}"), sign([two], "msg_1", 7, b"{}")]
    assert len(set(both.split(" "))) == 2


def test_id_time_and_body_all_take_part() -> None:
    key = [b"k" * 24]
    signed = {
        sign(key, "msg_1", 7, b"{}"),
        sign(key, "msg_2", 7, b"{}"),
        sign(key, "msg_1", 8, b"{}"),
        sign(key, "msg_1", 7, b"{} "),
    }
    assert len(signed) == 4


@pytest.mark.parametrize("count", [24, 32, 64])
def test_a_secret_is_the_base64_of_24_to_64_bytes(count: int) -> None:
    assert secret_key("whsec_" + base64.b64encode(b"k" * count).decode()) == b"k" * count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        SECRET.replace("whsec_", "whsk_"),
        SECRET[:-1] + "*",
        SECRET + "A",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_" + base64.b64encode(b"k" * 24).decode() + "\n",
    ],
)
def test_what_is_no_secret_is_refused_and_not_told(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64 of 24 to 64") as caught:
        secret_key(text)
    assert len(text) < 10 or text not in str(caught.value)
