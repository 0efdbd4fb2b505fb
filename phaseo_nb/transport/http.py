"""API calls over httpx: gates, deadlines, safe retries, and answers whose size is bounded.

What may be sent again is decided here by one rule: a question always; a paid call only when
nothing of it can have arrived. Whatever an answer says is for the gateway to read.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import anyio
import httpx
from pydantic import SecretStr

from ..errors import ConnectionFailed, PhaseoError
from .auth import KeyAuth
from .bodies import ACCEPTED, AUDIO_CAP, SMALL_CAP, read_body
from .certificates import ADVICE as CERTIFICATE_ADVICE
from .certificates import is_distrust
from .messages import Answer, Call
from .pools import Pool, pool_for, release
from .retry import LONGEST_PAUSE, PASSING, RetryQuota, pause_after, quota_of, retry_after
from .secrets import detached, encode_body, scrub
from .wording import in_words

TIMEOUT = 60.0
MAKING_TIMEOUT = 600.0
"""Seconds of silence on a call whose answer is the finished music (ElevenLabs, MiniMax, Lyria):
they say nothing until it is made, and hanging up would lose what is paid for."""
CONNECT_TIMEOUT = 20.0
QUESTION_ATTEMPTS = 4
CREATE_ATTEMPTS = 3

Sleep = Callable[[float], Awaitable[None]]
BeforeSending = Callable[[], Awaitable[None]]


class AnswerLost(Exception):
    """A paid call went out and its outcome is open. The client turns it into its own words."""


@dataclass(frozen=True)
class _Failure:
    """Why an attempt brought no answer."""

    error: Exception
    was_sent: bool
    is_passing: bool
    advice: str = "Check the network and the base URL, then try again."


# Raised before a byte of the request is written.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Transport:
    """Sends calls to one base URL with one key.

    Parameters
    ----------
    base_url
        Without a trailing slash; checked by ``settings``.
    key
        Put on each request at the last moment; taken out of every answer and message.
    timeout
        Longest silence within one request in seconds. ``None``: 60, and 600 for calls that make
        the music while they answer.
    transport
        Carries everything in place of the network.
    in_flight
        Most requests at the same time, per base URL and event loop.
    sleep, random
        For tests.
    """

    def __init__(
        self,
        *,
        base_url: str,
        key: SecretStr | None,
        timeout: float | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        in_flight: int = 8,
        sleep: Sleep = anyio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.base_url = base_url
        self.timeout = timeout
        self.is_closed = False
        self._key = key
        self._transport = transport
        self._in_flight = in_flight
        self._sleep = sleep
        self._random = random
        self._quota = quota_of(base_url) if transport is None else RetryQuota()
        self._pools: set[Pool] = set()
        self.on_busy: Callable[[float | None], None] | None = None
        """Told of each 429, with the seconds that it asks to wait."""

    def __repr__(self) -> str:
        return f"<Transport {self.base_url}>"

    def __reduce__(self) -> Any:
        message = "A transport holds a key and open connections; it cannot be pickled or copied."
        raise TypeError(message)

    async def send(
        self,
        call: Call,
        *,
        deadline: float | None = None,
        before: BeforeSending | None = None,
    ) -> Answer:
        """Send a call and return its answer, whatever its status.

        Questions are asked again after connection faults and passing errors, with ``Retry-After``
        as far as it is at most a minute. A paid call is only repeated when nothing of it was sent.

        Parameters
        ----------
        call
            What to send. Redirects are not followed; they come back as answers.
        deadline
            Longest time for everything in seconds, pauses included.
        before
            Awaited each time just before a connection is opened or used; what it raises ends the
            call with nothing sent.

        Raises
        ------
        ConnectionFailed
            No answer, and nothing can have been paid.
        AnswerLost
            A paid call was sent and its outcome is open.
        """
        ends = None if deadline is None else time.monotonic() + deadline
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._attempt(call, ends, before)
            if isinstance(outcome, Answer) and outcome.status_code == 429 and not call.creates:
                self.note_busy(retry_after(outcome))
            pause = self._pause_before_next(call, outcome, attempt)
            if pause is None or (ends is not None and time.monotonic() + pause >= ends):
                break
            await self._sleep(pause)
        if isinstance(outcome, Answer):
            return outcome
        raise self._error(call, outcome, attempt) from outcome.error

    def pause_before_resending(self, attempt: int, asked: float | None) -> float | None:
        """Return how long to wait before a refused paid call goes out again; ``None``: do not.

        Parameters
        ----------
        attempt
            How often it was sent, from 1.
        asked
            What ``Retry-After`` said, in seconds.
        """
        pause = self._pause(attempt, CREATE_ATTEMPTS, asked)
        return pause if pause is None or asked is not None else max(1.0, pause)

    def note_busy(self, asked: float | None) -> None:
        """Pass on that the service has too much to do."""
        if self.on_busy is not None:
            self.on_busy(asked)

    def pool(self) -> Pool:
        """Return the connections of the running event loop.

        Raises
        ------
        ConnectionFailed
            This transport was closed.
        """
        if self.is_closed:
            message = "This client is closed, so nothing was sent. Make a new one."
            raise ConnectionFailed(message)
        pool = pool_for(self.base_url, self._transport, self._in_flight)
        pool.users.add(id(self))
        self._pools.add(pool)
        return pool

    async def aclose(self) -> None:
        """Let go of all connections; those that others use as well stay open."""
        self.is_closed = True
        while self._pools:
            await release(self._pools.pop(), id(self))

    # -- one attempt -------------------------------------------------------------------------

    async def _attempt(
        self, call: Call, ends: float | None, before: BeforeSending | None
    ) -> Answer | _Failure:
        pool = self.pool()
        gate = pool.long_gate if call.creates and call.carries_audio else pool.gate
        try:
            with anyio.fail_after(_left(ends)):
                await gate.acquire()
        except TimeoutError:
            return _Failure(TimeoutError("waiting for its turn"), was_sent=False, is_passing=False)
        try:
            if before is not None:
                await before()
            return await self._exchange(call, pool, ends)
        finally:
            gate.release()

    async def _exchange(self, call: Call, pool: Pool, ends: float | None) -> Answer | _Failure:
        client = pool.creating if call.creates else pool.calls
        auth = KeyAuth(self._key) if call.auth == "bearer" and self._key is not None else None
        request = self._request(client, call)
        cap = AUDIO_CAP if call.carries_audio else SMALL_CAP
        response: httpx.Response | None = None
        try:
            with anyio.fail_after(min(self._longest(call), _left(ends) or float("inf"))):
                response = await client.send(request, stream=True, auth=auth)
                try:
                    body = await read_body(response, cap, self._key, self._silence(call))
                finally:
                    await response.aclose()
        except PhaseoError:
            raise
        except Exception as error:  # a given transport may raise anything; a paid call may be out
            failure = self._failure(error)
        else:
            return self._answer(call, request, response, body)
        if call.creates and response is not None and response.status_code >= 300:
            return self._answer(call, request, response, b"")  # the status alone says enough
        return failure

    def _request(self, client: httpx.AsyncClient, call: Call) -> httpx.Request:
        silence = self._silence(call)
        headers = {
            "Accept": "application/json",
            # Base64 does not get smaller, and unpacking it costs time and memory.
            "Accept-Encoding": "identity" if call.carries_audio else ACCEPTED,
        }
        content = None
        if call.json is not None:
            headers["Content-Type"] = "application/json"
            content = encode_body(call.json, self._key, call.auth)
        return client.build_request(
            call.method,
            self.base_url + call.path,
            params=dict(call.params) or None,
            headers=headers,
            content=content,
            timeout=httpx.Timeout(silence, connect=min(silence, CONNECT_TIMEOUT), pool=None),
        )

    def _silence(self, call: Call) -> float:
        if self.timeout is not None:
            return self.timeout
        return MAKING_TIMEOUT if call.creates and call.carries_audio else TIMEOUT

    def _longest(self, call: Call) -> float:
        """Seconds for one whole exchange: a drip never is silent, and never ends."""
        silence = self._silence(call)
        return max(3 * silence, 300.0) if call.carries_audio else 3 * silence

    def _answer(
        self, call: Call, request: httpx.Request, response: httpx.Response, body: bytes
    ) -> Answer:
        return Answer(
            status_code=response.status_code,
            headers={
                name.lower(): scrub(value, self._key) for name, value in response.headers.items()
            },
            body=body,
            url=str(request.url.copy_with(query=None, fragment=None)),
            method=call.method,
        )

    # -- what follows from it ------------------------------------------------------------------

    def _failure(self, error: Exception) -> _Failure:
        if isinstance(error, (*_NOT_SENT, ssl.SSLError)) and is_distrust(error):
            shown = detached(error, self._key)
            return _Failure(shown, was_sent=False, is_passing=False, advice=CERTIFICATE_ADVICE)
        passing = isinstance(error, (httpx.NetworkError, httpx.TimeoutException, TimeoutError))
        passing = passing or isinstance(error, httpx.RemoteProtocolError)
        failure = _Failure(detached(error, self._key), not isinstance(error, _NOT_SENT), passing)
        if isinstance(error, httpx.ProxyError):
            return replace(failure, advice="Check HTTP_PROXY and HTTPS_PROXY in the environment.")
        return failure

    def _pause_before_next(
        self, call: Call, outcome: Answer | _Failure, attempt: int
    ) -> float | None:
        """Seconds to wait before the same call goes out again; ``None`` ends it here."""
        asked = None
        if isinstance(outcome, Answer):
            if outcome.status_code < 400:
                self._quota.give_back()
            if call.creates or outcome.status_code not in PASSING:
                return None
            asked = retry_after(outcome)
        elif not outcome.is_passing or (call.creates and outcome.was_sent):
            return None
        most = CREATE_ATTEMPTS if call.creates else QUESTION_ATTEMPTS
        return self._pause(attempt, most, asked)

    def _pause(self, attempt: int, most: int, asked: float | None) -> float | None:
        if attempt >= most or (asked or 0.0) > LONGEST_PAUSE or not self._quota.take():
            return None
        return pause_after(attempt, asked, self._random())

    def _error(self, call: Call, failure: _Failure, attempts: int) -> Exception:
        how = in_words(failure.error)
        if call.creates and failure.was_sent:
            return AnswerLost(how)
        place = f"{call.method} {call.path} on {self.base_url}"
        tried = f" after {attempts} attempts" if attempts > 1 else ""
        if call.creates:
            what = f"{place} was not sent{tried}: {how}. Nothing was created, nothing was paid."
        else:
            what = f"{place} brought no answer{tried}: {how}."
        return ConnectionFailed(f"{what} {failure.advice}")


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(0.001, ends - time.monotonic())
