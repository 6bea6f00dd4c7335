"""The texts that are open in an editor, and their checks.

A check runs on a thread of its own, never on the server's, a moment after the last edit. An edit cancels the check that waits.
Every request is answered from the check of the newest text; a request that comes first does not wait for the moment to pass.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from archdsl.compiled import Checked
from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.garbage import IdleCollector
from archdsl.lsp.positions import path_of
from archdsl.session import Session

_MOMENT: Final = 0.05
"""Seconds without an edit, after which a text is checked."""
SLOW: Final = 0.15
"""Seconds of CPU time that a check of all networks may take before the network at the cursor is checked on its own first."""
_log = logging.getLogger(__name__)
T = TypeVar("T")
Publish = Callable[[Analysis], None]


class NotOpen(Exception):
    """A request about a text that is not open."""


class _Document:
    """An open text with the check of its newest version."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.focus: str | None = None
        self.analysis: Analysis | None = None
        self.task: asyncio.Task[Analysis]
        self.hurry = asyncio.Event()
        self.seconds = 0.0
        """The CPU time of the last check of all networks."""


class Documents:
    """All open texts. `publish` is called on the server's thread with each analysis, and `failed` with what a check raised."""

    def __init__(self, publish: Publish, failed: Callable[[Text, Exception], None], *, moment: float = _MOMENT) -> None:
        self._publish = publish
        self._failed = failed
        self._moment = moment
        self._open: dict[str, _Document] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="check")
        self.session = Session()
        self._collector = IdleCollector(self.session)

    def close(self) -> None:
        """End the checks."""
        for document in self._open.values():
            document.task.cancel()
        self._collector.collect()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def __contains__(self, uri: str) -> bool:
        return uri in self._open

    def update(self, uri: str, version: int | None, content: str, *, line: int | None = None) -> None:
        """Take a new version of a text; `line` is where it was edited, counted from 0."""
        text = Text(uri, version, content, path_of(uri))
        document = self._open.get(uri)
        if document is None:
            document = self._open[uri] = _Document(text)
        else:
            document.task.cancel()
        document.text = text
        if line is not None and document.analysis is not None:
            document.focus = document.analysis.network_at(line) or document.focus
        self._read_unsaved()
        self._start(document)
        for other in self._importing(text.path):
            self._start(other)

    def forget(self, uri: str) -> None:
        """Close a text. What imports it reads the file again."""
        document = self._open.pop(uri, None)
        if document is not None:
            document.task.cancel()
            self._read_unsaved()
            for other in self._importing(document.text.path):
                self._start(other)

    def check_again(self) -> None:
        """Check all open texts again, since files that they import may have changed."""
        for document in self._open.values():
            self._start(document)

    async def analysis(self, uri: str) -> Analysis:
        """Return the analysis of the newest version of a text. Raise `NotOpen` if it is not open."""
        while True:
            document = self._open.get(uri)
            if document is None:
                raise NotOpen(uri)
            task = document.task
            document.hurry.set()
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                if not task.cancelled():  # the request itself was cancelled
                    raise

    async def analyses(self) -> list[Analysis]:
        """Return the analyses of all open texts."""
        return [await self.analysis(uri) for uri in list(self._open)]

    async def work(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function on the thread of the checks."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    def _read_unsaved(self) -> None:
        """Let imports read what is in the editor. The mapping is replaced, since a check may be reading the old one."""
        texts = [document.text for document in self._open.values()]
        self.session.unsaved = {text.path.resolve(): text.content for text in texts if text.path is not None}

    def _importing(self, path: Path | None) -> list[_Document]:
        """Return the open texts that import a file."""
        if path is None:
            return []
        found = []
        for document in self._open.values():
            sources = document.analysis.checked.sources[1:] if document.analysis is not None else ()
            if document.text.path != path and any(Path(source.name).resolve() == path.resolve() for source in sources):
                found.append(document)
        return found

    def _start(self, document: _Document) -> None:
        """Check a text in a moment, in place of a check that has not ended."""
        if hasattr(document, "task"):
            document.task.cancel()
        document.hurry = asyncio.Event()
        document.task = asyncio.get_running_loop().create_task(self._check(document, document.text, document.hurry))

    async def _check(self, document: _Document, text: Text, hurry: asyncio.Event) -> Analysis:
        await _wait(hurry.wait(), self._moment)
        self._collector.begin()
        try:
            if document.seconds > SLOW and document.focus is not None:
                self._take(document, (await self._analyze(document, text, only_focus=True))[0])
            analysis, document.seconds = await self._analyze(document, text, only_focus=False)
            self._take(document, analysis)
        finally:
            self._collector.end()
        return analysis

    def _take(self, document: _Document, analysis: Analysis) -> None:
        document.analysis = analysis
        self._publish(analysis)

    async def _analyze(self, document: _Document, text: Text, *, only_focus: bool) -> tuple[Analysis, float]:
        """Check a text on the other thread; return the CPU time, too. A check that fails is reported, and finds nothing."""
        focus, before = document.focus, document.analysis
        try:
            return await self.work(_analyze, text, self.session, focus, only_focus, before)
        except Exception as error:  # a fault of the checker, which must not end the server
            _log.exception("the check of %s failed", text.uri)
            self._failed(text, error)
            return Analysis(text, Checked([], []), focus, before), 0.0


def _analyze(
    text: Text, session: Session, focus: str | None, only_focus: bool, before: Analysis | None
) -> tuple[Analysis, float]:
    started = time.thread_time()
    analysis = analyze(text, session, focus=focus, only_focus=only_focus, before=before)
    _ = analysis.applications  # on this thread, which editors do not wait for
    return analysis, time.thread_time() - started


async def _wait(awaitable: Awaitable[object], seconds: float) -> None:
    try:
        await asyncio.wait_for(awaitable, seconds)
    except TimeoutError:
        pass
