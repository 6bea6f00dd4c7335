"""Old versions of files, which Git keeps."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0609 = Code(
    "E0609",
    "an old version cannot be read",
    """`archdsl diff --git` reads files of a revision with Git. Git is not installed, the folder is in no repository, there is no
    such revision, or the file is not in it. Nothing in the repository is changed.""",
    situation="`archdsl diff --git HEAD~1 net.arch` outside a Git repository.",
)


class NoGit(Diagnostic, code=E0609):
    """No Git that can be started."""

    reason: str

    def summary(self) -> str:
        return f"Git cannot be started: {self.reason}"

    def remedy(self) -> str:
        return "install Git, or compare two files: `archdsl diff old.arch new.arch`"


class NoRepository(Diagnostic, code=E0609):
    """A folder that is in no repository which Git reads; `reason` is what Git says."""

    folder: str
    reason: str

    def summary(self) -> str:
        return f"{self.folder} is in no Git repository: {self.reason}"

    def remedy(self) -> str:
        return "name a file in a repository, or compare two files: `archdsl diff old.arch new.arch`"


class NoSuchRevision(Diagnostic, code=E0609):
    """A revision that the repository does not have."""

    revision: str

    def summary(self) -> str:
        return f"the repository has no revision {self.revision!r}"

    def remedy(self) -> str:
        return "name a commit, a branch or a tag, such as HEAD~1; `git log --oneline` lists commits"


class NotInRevision(Diagnostic, code=E0609):
    """A file that a revision does not have."""

    path: str
    revision: str

    def summary(self) -> str:
        return f"there is no file {self.path!r} in {self.revision}"

    def remedy(self) -> str:
        return f"`git log --all -- {self.path}` lists the revisions that have it"
