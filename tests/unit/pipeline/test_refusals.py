"""What is told of refusals."""

import pytest

from gateway.model.action import Declined
from gateway.pipeline.refusals import declined


@pytest.mark.parametrize(
    ("detail", "title"),
    [
        ("There is no order of this id.", "There is no order of this id"),
        ("It was refused. Send another amount.", "It was refused"),
        (
            "shop.parcel.send@1.0.0: input field 'id' cannot be a part of the address.",
            "shop.parcel.send@1.0.0: input field 'id' cannot be a part of the address",
        ),
        ("The limit is 1.5 EUR", "The limit is 1.5 EUR"),
    ],
)
def test_the_title_of_what_an_action_declined_is_its_first_sentence(
    detail: str, title: str
) -> None:
    assert declined(Declined("REFUSED", detail, 409), ()).title == title
