"""What is left of the credits of an account at udioapi.pro.

Wire contract: udioapi.pro ``/docs/query-credits``: ``{code, message, data: {credits,
used_credits}}``.
"""

from __future__ import annotations

from ..jobs import Credits
from ..transport.messages import Answer
from .udio_refusals import code_inside, question_error
from .values import mapping, number


def read_credits(answer: Answer) -> Credits:
    """Read the answer; one without any figure is no answer.

    Raises
    ------
    GatewayError
        One of its kinds: the question was refused, or the answer cannot be read.
    """
    body = mapping(answer.data)
    data = mapping(body.get("data"))
    left, used = number(data.get("credits")), number(data.get("used_credits"))
    failed = not 200 <= answer.status_code < 300 or code_inside(body) is not None
    if failed or (left is None and used is None):
        raise question_error(answer, "The answer cannot be read as a number of credits")
    is_sandbox = body.get("sandbox") is True or data.get("sandbox") is True
    return Credits(left=left, used=used, sandbox=is_sandbox)
