"""What `check` says of a recipe, without PyTorch."""

import pytest

from archdsl import SpecError, loads
from archdsl.driver import check_text

NET = """
network net {
  input image [1, 8, 8]
  stem: conv(4, 3) -> bn -> relu
  for i in 0..2 { "layer{i + 1}": { conv: conv(4, 3); bn: bn; relu } }
  gap; flatten
  fc: linear(10) %s
}
train { data = digits; epochs = 10; %s }
"""


def said(end: str = "", recipe: str = "") -> list[tuple[str, str, str | None, bool]]:
    return [(d.code, d.message, d.help, d.is_error) for d in check_text(NET % (end, recipe))]


@pytest.mark.parametrize(
    ("end", "loss", "message"),
    [
        ("-> relu", "cross_entropy", "`relu` at the end of the network gives no negative ones"),
        ("-> relu6", "bce", "gives none below 0 or above 6"),
        ("-> sigmoid", "cross_entropy", "gives none below 0 or above 1"),
        ("-> sigmoid", "bce", "`bce` applies `sigmoid` by itself"),
        ("-> softmax", "focal", "`focal` applies `softmax` by itself"),
        ("-> softmax", "bce", "gives none below 0 or above 1"),
        ("-> tanh", "dice", "gives none below -1 or above 1"),
        ("-> gelu", "cross_entropy", "gives hardly any below zero"),
        ("-> dropout(0.5)", "cross_entropy", "sets some to zero at random"),
        ("-> relu -> flatten", "cross_entropy", "gives no negative ones"),
    ],
)
def test_scores_that_are_spoiled(end: str, loss: str, message: str) -> None:
    [(code, found, help, is_error)] = said(end, f"loss = {loss}")
    assert (code, is_error) == ("W0106", False) and message in found and "remove `" in (help or "")


@pytest.mark.parametrize(
    ("end", "loss"), [("", "cross_entropy"), ("-> leaky_relu", "bce"), ("-> relu", "mse"), ("-> bn", "cross_entropy")]
)
def test_ends_that_are_as_good_as_any(end: str, loss: str) -> None:
    assert said(end, f"loss = {loss}") == []


def test_a_warmup_longer_than_the_run() -> None:
    [(code, message, _, is_error)] = said(recipe="schedule = step(every = 3, warmup = 20)")
    assert (code, is_error) == ("W0109", False)
    assert message == "the warm-up takes 20 epochs, and the run has 10: the learning rate reaches 0.0005 of 0.001"
    assert said(recipe="schedule = cosine(warmup = 10)") == []


@pytest.mark.parametrize(
    ("recipe", "message", "help"),
    [
        ("schedule = step(at = [5, 10, 20])", "cut after epoch 10, 20, and the run has 10", "`epochs = 21` or more"),
        ("freeze = [stem]; unfreeze = at(11)", "from epoch 11 on, and the run has 10", "`epochs = 11` or more"),
    ],
)
def test_what_comes_after_the_end_of_the_run(recipe: str, message: str, help: str) -> None:
    [(code, found, remedy, is_error)] = said(recipe=recipe)
    assert (code, is_error) == ("W0109", False) and message in found and help in (remedy or "")
    assert said(recipe="schedule = step(at = [5, 9])") == [] == said(recipe="freeze = [stem]; unfreeze = at(10)")


@pytest.mark.parametrize(
    ("recipe", "message", "help"),
    [
        ("freeze = [stem, layr1]", "`freeze` names `layr1`", "did you mean `layer1`?"),
        ("freeze = all_but(head)", "`freeze` names `head`", "its labels are stem, layer1, layer2, fc"),
        ("groups = group([fc, layer2.conw], lr = 2)", "`groups` names `layer2.conw`", "did you mean `layer2.conv`?"),
        ("freeze = stem; unfreeze = [at(2, stem), at(4, stem[7])]", "`unfreeze` names `stem.7`", "did you mean `stem.1`?"),
    ],
)
def test_labels_that_are_not_there(recipe: str, message: str, help: str) -> None:
    [(code, found, advice, is_error)] = said(recipe=recipe)
    assert (code, is_error) == ("E0807", True) and message in found and advice == help


@pytest.mark.parametrize(
    "recipe",
    ["freeze = stem", "freeze = [stem[0], layer2.bn]", 'freeze = "layer2.conv.weight"', "freeze = all_but([fc, layer2])"],
)
def test_labels_that_are_there(recipe: str) -> None:
    assert said(recipe=recipe) == []


def test_a_file_of_several_networks_shares_its_recipe() -> None:
    other = "network other { input v [4]; linear(3) }"
    found = check_text(other + NET % ("", "freeze = stem"))
    assert [(d.code, d.is_error) for d in found] == [("E0807", False)]


def test_unfreezing_what_is_not_frozen() -> None:
    assert said(recipe="unfreeze = at(3)")[0][:2] == ("E0402", "`unfreeze` thaws what `freeze` froze, and nothing is frozen")


def test_the_table_shows_how_parts_are_trained() -> None:
    recipe = (
        "freeze = [stem, layer1]; unfreeze = at(4, layer1); groups = [group(fc, lr = 10, weight_decay = 0), group(layer2, "
        "lr = 0.5)]; decay = weights"
    )
    table = loads(NET % ("", recipe)).table()
    assert {row.name: row.training for row in table.rows if row.training} == {
        "stem.0": "frozen", "stem.1": "frozen", "layer1.conv": "from epoch 4", "layer1.bn": "from epoch 4, no decay",
        "layer2.conv": "lr × 0.5", "layer2.bn": "lr × 0.5, no decay", "fc": "lr × 10, no decay",
    }  # fmt: skip
    assert "training" in str(table).splitlines()[0] and "lr × 10, no decay" in str(table)
    assert "training" not in str(loads(NET % ("", "")).table())


def test_blocks_that_are_trained_in_different_ways_are_not_folded() -> None:
    text = """
    block unit() { conv: conv(4, 3); relu }
    network net { input image [4, 8, 8]; for i in 0..3 { "layer{i}": unit() }; gap; flatten; fc: linear(2) }
    train { data = digits; %s }
    """
    assert [row.times for row in loads(text % "").table().rows[1:3]] == [3, 3]
    rows = [row for row in loads(text % "freeze = layer0").table().rows if row.op.startswith("conv")]
    assert [(row.name, row.times, row.training) for row in rows] == [("layer0.conv", 1, "frozen"), ("layer1.conv", 2, "")]


def test_an_error_stops_the_network() -> None:
    with pytest.raises(SpecError):
        loads(NET % ("", "freeze = nothing"))
