"""What can be done with a take of udioapi.pro: go on from it, play it anew, have it pictured.

The requests are built, and sent through the take's own gateway, in ``going_on.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .pictures import Pictures

if TYPE_CHECKING:
    from . import Take


class Verbs:
    """The part of :class:`~phaseo_nb.Take` that orders more."""

    async def extend(
        self,
        at: float | None = None,
        *,
        track: int = 0,
        prompt: str | None = None,
        lyrics: str | None = None,
        style: str | None = None,
        title: str | None = None,
        negative: str | None = None,
        take: int | None = None,
        fresh: bool = False,
        timeout: float | None = 900.0,
        show: bool = True,
    ) -> Take:
        """Go on from a place in a track, and return the new take (udioapi.pro only).

        A job like any other: the same extension again is shown free of charge, and an interrupt
        ends the waiting, never the job.

        Wire contract: ``POST /api/v2/extend`` and the feed of udioapi.pro.

        Parameters
        ----------
        at
            Where to go on, in seconds from the beginning of the track; left to the service where
            it is not given.
        track
            Which track, from 0.
        prompt, lyrics
            What is sung there: the service has one field for both. Where both are given, the
            lyrics are sung and the prompt goes with the style. With neither, it goes on by
            itself, and ``style`` and ``title`` cannot be given either.
        style, title, negative
            Tags of style, the name of the new tracks, and what they should not contain.
        take, fresh, timeout, show
            As in :func:`phaseo_nb.generate`.

        Raises
        ------
        RequestRejected
            The request breaks a rule, or the take is none of udioapi.pro's; nothing was sent.
        SettingsError
            The notebook is not connected to where the take was made; nothing was sent.
        JobFailed, JobTimeout, UncertainSubmission, ProviderRefused, ...
            As :func:`phaseo_nb.generate`.

        Examples
        --------
        >>> import phaseo_nb as nb
        >>> session = nb.connect("udio", transport=nb.Sandbox(speed=20).transport)
        >>> take = nb.run(nb.generate("slow harp", show=False))
        >>> longer = nb.run(take.extend(at=2.0, lyrics="once more", show=False))
        >>> longer.request.origin_task_id == take.job.id
        True
        """
        from . import going_on

        made = cast("Take", self)
        session = going_on.session_of(made, "extend")
        request = going_on.extension(
            made,
            at,
            track=track,
            prompt=prompt,
            lyrics=lyrics,
            style=style,
            title=title,
            negative=negative,
        )
        return await going_on.carry_out(
            session, request, take=take, fresh=fresh, timeout=timeout, show=show
        )

    async def cover(
        self,
        prompt: str | None = None,
        *,
        track: int = 0,
        lyrics: str | None = None,
        style: str | None = None,
        title: str | None = None,
        negative: str | None = None,
        voice: str | None = None,
        instrumental: bool | None = None,
        model: str | None = None,
        style_weight: float | None = None,
        weirdness_constraint: float | None = None,
        audio_weight: float | None = None,
        url: str | None = None,
        take: int | None = None,
        fresh: bool = False,
        timeout: float | None = 900.0,
        show: bool = True,
    ) -> Take:
        """Play a track anew in another style, and return the new take (udioapi.pro only).

        A cover as musicians say it; udioapi.pro calls it "upload cover", after the way by which
        it gets the recording: here, from its own address of the track.

        Wire contract: ``POST /api/v2/upload-cover/generate`` and the feed of udioapi.pro.

        Parameters
        ----------
        prompt
            What it should sound like, in words.
        track
            Which track, from 0.
        lyrics, style, title
            Words to sing, tags of style, its name. With one of the first two, the others of the
            track are kept where none are given.
        negative, voice, instrumental
            As in :func:`phaseo_nb.generate`.
        model
            Default: the one the take was made with.
        style_weight, weirdness_constraint, audio_weight
            How strictly the style is followed, how far the music may stray, and how much the
            recording counts: 0 to 1, two decimals.
        url
            A public address of another recording to be played anew.
        take, fresh, timeout, show
            As in :func:`phaseo_nb.generate`.

        Raises
        ------
        RequestRejected, SettingsError, JobFailed, ...
            As :meth:`extend`.

        Examples
        --------
        >>> import phaseo_nb as nb
        >>> session = nb.connect("udio", transport=nb.Sandbox(speed=20).transport)
        >>> take = nb.run(nb.generate("slow flute", instrumental=True, show=False))
        >>> waltz = nb.run(take.cover("as a waltz for two flutes", show=False))
        >>> waltz.request.upload_url == take.track.audio_url
        True
        """
        from . import going_on

        made = cast("Take", self)
        session = going_on.session_of(made, "cover")
        request = going_on.cover(
            made,
            session,
            track=track,
            prompt=prompt,
            lyrics=lyrics,
            style=style,
            title=title,
            negative=negative,
            voice=voice,
            instrumental=instrumental,
            model=model,
            url=url,
            style_weight=style_weight,
            weirdness_constraint=weirdness_constraint,
            audio_weight=audio_weight,
        )
        return await going_on.carry_out(
            session, request, take=take, fresh=fresh, timeout=timeout, show=show
        )

    async def cover_image(self, *, timeout: float | None = 900.0, show: bool = True) -> Pictures:
        """Have cover images made for this take, one credit, and return them (udioapi.pro only).

        The service makes them once per job. They are kept in the library beside the take: called
        again, they are shown from there and cost nothing.

        Wire contract: ``POST /api/v2/cover/generate`` and ``GET /api/v2/cover/status``.

        Parameters
        ----------
        timeout, show
            As in :func:`phaseo_nb.generate`.

        Returns
        -------
        Pictures
            A tuple of :class:`Picture`, each with ``.path`` and ``.format``; they show themselves.

        Raises
        ------
        ProviderRefused
            They were made before, by another library: see the service's own page.
        RequestRejected, SettingsError, JobFailed, ...
            As :meth:`extend`.

        Examples
        --------
        >>> import phaseo_nb as nb
        >>> session = nb.connect("udio", transport=nb.Sandbox(speed=20).transport)
        >>> take = nb.run(nb.generate("slow cello", show=False))
        >>> pictures = nb.run(take.cover_image(show=False))
        >>> pictures[0].format
        'png'
        """
        from . import going_on

        made = cast("Take", self)
        session = going_on.session_of(made, "cover_image")
        request = going_on.cover_image(made)
        painted = await going_on.carry_out(session, request, timeout=timeout, show=show)
        return Pictures.of(painted)
