"""What the REST API says when it refuses: Twilio's codes, their HTTP status and a sentence for
each.

Clients are to key on the code; the sentences are our own and name the fault, so that a person who
points a client at the simulator learns what was wrong with the request.
"""

from collections.abc import Mapping
from typing import Any

_STATUS = {
    20003: 401,
    20004: 405,
    20008: 403,
    20403: 403,
    20404: 404,
    20429: 429,
    20500: 500,
    20503: 503,
}

MESSAGES: Mapping[int, str] = {
    10001: "The account is not active.",
    10002: "This feature is not available to trial accounts.",
    10004: "The account has reached its limit of concurrent calls.",
    11100: "The format of the URL is invalid.",
    20003: "Authentication failed: unknown SID, wrong secret, or a suspended account.",
    20004: "This method is not allowed here.",
    20005: "The account is not active.",
    20006: "The key lacks the permission for this request.",
    20007: "PageSize is over 1000 or not a number.",
    20008: "Test credentials cannot be used on this resource.",
    20009: "Only a call that is over can be deleted.",
    20404: "The requested resource was not found.",
    20422: "A parameter is invalid.",
    20429: "Too many requests at once; nothing was processed.",
    20500: "The server failed; the request may or may not have been carried out.",
    20503: "The service is temporarily unavailable.",
    21201: "No 'To' number was given.",
    21202: "'To' is a premium number.",
    21203: "International calls are not enabled for this account.",
    21205: "Neither a usable Url nor Twiml was given.",
    21206: "SendDigits is invalid.",
    21208: "Timeout is invalid.",
    21209: "An HTTP method is neither GET nor POST.",
    21210: "'From' is neither owned by nor verified for this account.",
    21211: "'To' is not a valid phone number.",
    21212: "'From' is not a valid phone number or may not be used as a caller id.",
    21213: "No 'From' number was given.",
    21214: "'To' cannot be reached.",
    21215: "The geographic permissions of the account do not cover the country of 'To'.",
    21216: "'To' is on the list of blocked numbers.",
    21217: "'To' does not look like a valid phone number.",
    21218: "ApplicationSid is invalid.",
    21219: "'To' is not verified; trial accounts may only call verified numbers.",
    21220: "The call is not in a state in which this can be done.",
    21234: "A parameter of the answering machine detection is invalid.",
    21408: "The geographic permissions of the account do not cover SMS to the country of 'To'.",
    21481: "PageToken is invalid.",
    21602: "A message needs a Body, a MediaUrl or a ContentSid.",
    21603: "A message needs a From or a MessagingServiceSid.",
    21604: "A message needs a 'To' number.",
    21606: "'From' cannot send messages to this destination.",
    21608: "'To' is not verified; trial accounts may only write to verified numbers.",
    21609: "StatusCallback is not a valid URL.",
    21610: "The recipient has unsubscribed (STOP).",
    21611: "The queue of this sender is full.",
    21612: "'To' cannot be reached by SMS from this sender.",
    21614: "'To' is not a mobile number.",
    21617: "The body is longer than 1600 characters.",
    21626: "StatusCallbackEvent is not one of initiated, ringing, answered, completed.",
}


class ApiError(Exception):
    """A refused request. `status` is the HTTP status, 400 unless the code has one of its own."""

    def __init__(
        self,
        code: int,
        message: str = "",
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.message = message or MESSAGES.get(code, "The request was refused.")
        self.status = status or _STATUS.get(code, 400)
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {self.message}")

    def body(self) -> dict[str, Any]:
        """The answer's JSON: code, message, more_info, status."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
