"""Sweeps: which trials there are, how they end, and what they leave. Training is replaced; `docs/search.md` trains for real."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import Engine, event

from archdsl.cli import root as command_line
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.driver import compile_text
from archdsl.network import Network
from archdsl.spaces import read_space
from archdsl.sweeps import Sweep, SweepOptions, SweepResult, sweep
from archdsl.sweeps.claims import Claims
from archdsl.sweeps.suggestions import Picker
from archdsl.train import Interrupted

TEXT = """
network net(width in [8, 12, 16, 20], depth in 1..4) where params < 2_700 {
  input image [1, 8, 8]
  for i in 0..depth { conv(width, 3) -> bn -> relu }
  gap -> flatten -> linear(10)
}
train { data = digits; epochs = 4; optimizer in [sgd(lr in log(1e-3, 1)), adamw]; batch in [32, 64] }
"""
GRID = TEXT.replace("lr in log(1e-3, 1)", "lr in [0.1, 0.3]").replace("[8, 12, 16, 20]", "[8, 12]").replace("1..4", "1..3")
Fit = Callable[..., Any]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(TEXT)
    return "net.arch"


def merit(network: Network) -> float:
    """Return a metric that is best for the widest network of one layer, as if it had been measured."""
    return network.table().params / 10_000 + (0.1 if "sgd" in str(getattr(network.recipe, "optimizer", "")) else 0.0)


def trained(network: Network, folder: Path, *, resume: bool, device: str, stop_when: Any) -> Any:
    """Stand in for `Network.fit`: four epochs, in each of which the metric grows."""
    folder.mkdir(parents=True, exist_ok=True)
    best, epochs = merit(network), 0
    for epoch in range(1, 5):
        epochs = epoch
        with (folder / "epochs").open("a") as file:
            file.write(f"{epoch}\n")
        if stop_when("accuracy", {"epoch": epoch, "val_accuracy": best * epoch / 4}):
            break
    return SimpleNamespace(best_value=best * epochs / 4, best_epoch=epochs)


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fit], None]:
    def replace(function: Fit) -> None:
        monkeypatch.setattr(Network, "fit", function)

    replace(trained)
    return replace


def run(spec: str, warned: list[Diagnostic] | None = None, **options: Any) -> SweepResult:
    """Run a search, in a journal unless a storage is named: to create the tables of SQLite takes long."""
    options = {"folder": Path("search"), "storage": "search/sweep.log", **options}
    warn = warned if warned is not None else []
    return Sweep(spec, {}, SweepOptions(**options), warn=warn.append).run()


def test_the_best_member_is_an_alias_that_checks(spec: str, fit: object) -> None:
    result = run(spec, trials=6)
    assert result.metric == "accuracy" and len(result.trials) == 6 and result.best.value is not None
    assert result.best.value == max(trial.value or 0 for trial in result.trials if trial.state == "complete")
    compiled = compile_text(f"{TEXT}\n{result.alias}", "best")
    assert compiled.ok and "expect params ==" in result.alias and "expect macs ==" in result.alias
    folders = {int(path.name.removeprefix("trial-")) for path in Path("search").glob("trial-*")}
    assert folders == {trial.number for trial in result.trials}  # combinations that are no members were not trained
    assert result.excluded > 0
    for trial in result.trials:
        compiled = compile_text(TEXT, "net", trial.settings)
        assert compiled.ok and Network(compiled).table().params < 2_700


def test_a_search_goes_on_and_depends_on_its_seed_alone(spec: str, fit: object) -> None:
    first = run(spec, trials=2, seed=4)
    more = run(spec, trials=4, seed=4)
    assert more.trials[:2] == first.trials and len(more.trials) == 4
    Path("search").rename("before")
    again = run(spec, trials=4, seed=4)
    assert [trial.settings for trial in again.trials] == [trial.settings for trial in more.trials]
    Path("search").rename("before_2")
    assert [trial.settings for trial in run(spec, trials=4, seed=5).trials] != [trial.settings for trial in more.trials]


def test_an_interrupted_trial_is_resumed(spec: str, fit: Callable[[Fit], None]) -> None:
    calls: list[tuple[Path, bool]] = []

    def interrupted(network: Network, folder: Path, **options: Any) -> Any:
        calls.append((folder, options["resume"]))
        if len(calls) == 2:
            options["stop_when"]("accuracy", {"epoch": 1, "val_accuracy": 0.1})
            raise KeyboardInterrupt
        return trained(network, folder, **options)

    fit(interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(spec, trials=3)
    result = run(spec, trials=3)
    assert calls[1] == calls[2] and calls[2][1]  # the same folder, with `resume`
    assert len(result.trials) == 3 and {trial.state for trial in result.trials} == {"complete"}


def test_a_trial_of_another_folder_is_left_alone(spec: str, fit: Callable[[Fit], None]) -> None:
    """A process that shares the storage, and has its own folder, cannot see the locks of the others."""
    inner: list[SweepResult] = []

    def training(network: Network, folder: Path, **options: Any) -> Any:
        if folder.parent.name == "search" and not inner:  # the other search runs while this trial does
            inner.append(run(spec, trials=2, folder=Path("other")))
        return trained(network, folder, **options)

    fit(training)
    result = run(spec, trials=2)
    assert [trial.folder.parent.name for trial in result.trials] == ["search", "other"]
    assert all((trial.folder / "epochs").exists() for trial in result.trials)
    Path("search").rename("moved")
    moved = run(spec, trials=2, folder=Path("moved"), storage="moved/sweep.log")
    assert [trial.folder.parent.name for trial in moved.trials] == ["moved", "other"]


def test_a_diverged_trial_is_named_and_the_search_goes_on(spec: str, fit: Callable[[Fit], None]) -> None:
    def diverging(network: Network, folder: Path, **options: Any) -> Any:
        if "sgd" in str(getattr(network.recipe, "optimizer", "")):
            raise SpecError(codes.training.LossNotFinite(1, 3, False))
        return trained(network, folder, **options)

    fit(diverging)
    warned: list[Diagnostic] = []
    result = run(spec, warned, trials=5)
    assert result.count("fail") == len(warned) > 0 and result.count("complete") + result.count("fail") == 5
    assert "E0804" in warned[0].message and "width = " in warned[0].notes[0] and "sgd(lr = " in warned[0].notes[0]


def test_another_error_ends_the_search_and_names_the_member(spec: str, fit: Callable[[Fit], None]) -> None:
    def failing(network: Network, folder: Path, **options: Any) -> Any:
        raise SpecError(codes.training.NoDevice("cuda", "GPU"))

    fit(failing)
    with pytest.raises(SpecError) as raised:
        run(spec, trials=2)
    assert raised.value.diagnostic.code == "E0805"
    assert any(note.startswith("in trial ") and "depth = " in note for note in raised.value.diagnostic.notes)


def test_unpromising_trials_are_pruned(spec: str, fit: object) -> None:
    result = run(spec, trials=12, sampler="random")
    pruned = [trial for trial in result.trials if trial.state == "pruned"]
    assert pruned and all(len((trial.folder / "epochs").read_text().split()) < 4 for trial in pruned)


def test_a_grid_has_every_member_once(spec: str, fit: object) -> None:
    Path(spec).write_text(GRID)
    result = run(spec, trials=100, sampler="grid", pruner="none")
    settings = [tuple(trial.settings.items()) for trial in result.trials]
    assert len(settings) == len(set(settings)) == 2 * 2 * (2 + 1) * 2
    assert len(list(Picker(read_space(spec)).every())) == len(settings)
    Path(spec).write_text(GRID.replace("params < 2_700", "params < 200"))
    result = run(spec, trials=100, sampler="grid", pruner="none", study="most are no members")
    assert len(result.trials) == (2 + 1) * 2 and result.excluded == 3
    Path(spec).write_text(TEXT)
    with pytest.raises(SpecError) as raised:
        run(spec, trials=3, sampler="grid", study="other")
    assert raised.value.diagnostic.code == "E0809" and "no grid" in raised.value.diagnostic.message


def test_a_trial_belongs_to_one_process(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    lock = claims.claim(3)
    assert lock is not None and Claims(tmp_path).claim(3) is None and claims.claim(4) is not None
    lock.release()
    assert Claims(tmp_path).claim(3) is not None


def test_a_trial_that_ends_meanwhile_is_not_taken_over(spec: str, fit: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may end its trial after it was listed as running, and before its lock is asked for."""
    search = Sweep(spec, {}, SweepOptions(trials=1, folder=Path("search"), storage="search/sweep.log"))
    search.prepare()
    claims = Claims(search.folder)
    chosen = search._next_trial(search._study, claims)
    assert chosen is not None
    trial, lock = chosen
    original = Claims.claim

    def claim(self: Claims, number: int) -> Any:
        if lock.is_locked:
            search._study.tell(trial, 0.5)
            lock.release()
        return original(self, number)

    monkeypatch.setattr(Claims, "claim", claim)
    assert search._next_trial(search._study, claims) is None
    again = original(claims, trial.number)
    assert again is not None, "the lock is free again"


@pytest.mark.exhaustive
def test_processes_share_a_search(spec: str) -> None:
    program = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from archdsl.network import Network
from tests.sweeps.test_search import trained
from archdsl.sweeps import sweep
def fit(network, folder, **options):
    time.sleep(0.1)
    return trained(network, folder, **options)
Network.fit = fit
print(len(sweep("net.arch", trials=6, folder="search").trials))
"""
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] and process.returncode for process in running] == [0, 0]
    result = sweep("net.arch", trials=6, folder="search")
    assert len(result.trials) == 6
    for trial in result.trials:
        epochs = (trial.folder / "epochs").read_text().split()
        assert epochs == ["1", "2", "3", "4"][: len(epochs)]  # by one process, once


def test_a_storage_of_another_search_is_refused(spec: str, fit: object) -> None:
    run(spec, trials=1)
    changes = {
        ("[8, 12, 16, 20]", "[8, 12]"): "`width` was [8, 12, 16, 20], and is [8, 12]",
        ("log(1e-3, 1)", "log(1e-2, 1)"): "`optimizer` was",
        ("-> bn ->", "->"): "its spec has changed",
        ("data = digits;", "data = digits; best = loss;"): "its metric was accuracy, and is loss",
    }
    for change, what in changes.items():
        Path(spec).write_text(TEXT.replace(*change))
        with pytest.raises(SpecError) as raised:
            run(spec, trials=1)
        assert raised.value.diagnostic.code == "E0809" and what in raised.value.diagnostic.message
    Path(spec).write_text(f"# a comment\n{TEXT}\n")
    assert len(run(spec, trials=1).trials) == 1


def test_wrong_storages_and_missing_packages(spec: str, fit: object, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.db").write_text("no database")
    for storage in ("trials.txt", "bad.db", "nowhere://host/name"):
        with pytest.raises(SpecError) as raised:
            run(spec, storage=storage)
        assert raised.value.diagnostic.code == "E0809" and storage in raised.value.diagnostic.message
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SpecError) as raised:
        run(spec)
    assert raised.value.diagnostic.code == "E0608" and raised.value.diagnostic.help == "pip install 'archdsl[sweep]'"
    assert not Path("search").exists()


def test_missing_drivers(spec: str, fit: object) -> None:
    with pytest.raises(SpecError) as raised:
        run(spec, storage="mysql://host/name")
    assert "a package that has the module MySQLdb" in str(raised.value.diagnostic.help)


@pytest.mark.parametrize("storage", ["search/sweep.log", "search/sweep.db"])
def test_a_full_disk_ends_a_search(spec: str, fit: object, storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do, and the search goes on afterwards."""
    run(spec, trials=1, storage=storage)
    append = JournalFileBackend.append_logs

    def full(journal: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        if any("settings" in str(log) for log in logs):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(journal, logs)

    def limit(connection: Any, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size instead

    with monkeypatch.context() as patch:
        patch.setattr(JournalFileBackend, "append_logs", full)
        event.listen(Engine, "connect", limit)
        try:
            with pytest.raises(SpecError) as raised:
                run(spec, trials=40, storage=storage)
        finally:
            event.remove(Engine, "connect", limit)
    found = raised.value.diagnostic
    assert (found.code, found.message, found.help) == (
        "E0606", f"cannot write {storage}: No space left on device", "free some space"
    )  # fmt: skip
    assert len(run(spec, trials=3, storage=storage).trials) >= 3


def test_what_cannot_be_searched(spec: str, fit: object) -> None:
    cases = {
        "network net { input i [1, 8, 8]; flatten; linear(10) }\ntrain { data = digits }": "E0809",
        TEXT.partition("train")[0]: "E0806",
        TEXT.replace("params < 2_700", "params < 10"): "E0809",
        TEXT.replace("linear(10)", "linear(3)"): "E0801",
        TEXT.replace("epochs = 4", "epochs = 0"): "E0402",
    }
    for text, code in cases.items():
        Path(spec).write_text(text)
        with pytest.raises(SpecError) as raised:
            run(spec)
        assert raised.value.diagnostic.code == code, text
        assert not Path("search").exists()


def test_the_command(spec: str, fit: object) -> None:
    runner = CliRunner()
    ended = runner.invoke(command_line, ["sweep", spec, "--trials", "3", "-o", "search"])
    assert ended.exit_code == 0, ended.output
    assert "3 trained, 0 pruned, 0 failed" in ended.stdout and "network best = net(" in ended.stdout
    assert "train.optimizer = " in ended.stdout and "trial 0: width = " in ended.stderr
    for arguments in (["--trials", "0"], ["--sampler", "other"], ["--jobs", "0"]):
        assert runner.invoke(command_line, ["sweep", spec, *arguments]).exit_code == 2
    with pytest.raises(ValueError, match="a sampler is one of"):
        sweep(spec, sampler="other")


def test_further_processes(spec: str, fit: Callable[[Fit], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """They get the same options, and end with the first one."""
    started: list[Any] = []

    class Process:
        def __init__(self, line: list[str], **options: Any) -> None:
            self.line, self.heard = line, ""
            started.append(self)

        def terminate(self) -> None:
            self.heard += "terminate "

        def wait(self) -> int:
            self.heard += "wait "
            return 0

        def poll(self) -> int:
            return 0

    for number, heard in ((signal.SIGTERM, "terminate wait "), (signal.SIGINT, "wait ")):

        def interrupted(network: Network, folder: Path, number: int = number, **options: Any) -> Any:
            raise Interrupted(number, "in epoch 1")

        fit(interrupted)
        monkeypatch.setattr(subprocess, "Popen", Process)
        arguments = ["sweep", spec, "-o", "search", "--storage", "s.log", "--jobs", "2", "--limit", "nodes=5000", "--seed", "3"]
        ended = CliRunner().invoke(command_line, arguments)
        assert ended.exit_code == 128 + number, ended.output
        assert started[-1].heard == heard
        assert {"--limit", "nodes=5000", "--seed", "3", "--storage", "s.log"} <= set(started[-1].line)


def test_a_recipe_alone_can_be_searched(spec: str, fit: object) -> None:
    Path(spec).write_text("network net { input i [1, 8, 8]; flatten; linear(10) }\ntrain { data = digits; batch in [8, 16] }")
    result = run(spec, trials=5, sampler="grid")
    assert [trial.settings for trial in result.trials] == [{"train.batch": "8"}, {"train.batch": "16"}]
    assert result.alias == "network best = net expect params == 650 expect macs == 640"
