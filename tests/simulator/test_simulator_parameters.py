"""Requests that are refused, each with its code."""

import pytest

FROM = "+15005550006"
LONG = "<Response>" + " " * 4000 + "</Response>"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"To": None}, 21201),
        ({"From": None}, 21213),
        ({"To": "garbage"}, 21211),
        ({"To": "0044 7700"}, 21211),
        ({"To": FROM}, 21211),
        ({"From": "escalator"}, 21212),
        ({"Url": None}, 21205),
        ({"Url": "/answer"}, 21205),
        ({"Url": "ftp://example.com/x"}, 21205),
        ({"Url": None, "Twiml": LONG}, 20422),
        ({"Url": None, "ApplicationSid": "AP1"}, 21218),
        ({"Method": "PUT"}, 21209),
        ({"FallbackMethod": "PUT"}, 21209),
        ({"StatusCallbackMethod": "x"}, 21209),
        ({"StatusCallback": "http://bad_host/x"}, 21609),
        ({"StatusCallback": "http://h/" + "x" * 4000}, 21609),
        ({"FallbackUrl": "nowhere"}, 11100),
        ({"StatusCallbackEvent": "initiated answered"}, 21626),
        ({"StatusCallbackEvent": ["initiated", "busy"]}, 21626),
        ({"Timeout": "abc"}, 21208),
        ({"Timeout": "601"}, 21208),
        ({"TimeLimit": "-1"}, 20422),
        ({"SendDigits": "12x"}, 21206),
        ({"SendDigits": "1" * 33}, 21206),
        ({"MachineDetection": "wat"}, 21234),
        ({"MachineDetection": "Enable", "MachineDetectionTimeout": "2"}, 21234),
    ],
)
async def test_a_wrong_parameter_is_refused_with_its_code(customer, parameters, code):
    status, body = await customer.create(**parameters)

    assert (status, body["code"]) == (400, code)
    assert customer.simulator.calls == []
