"""No text of a spec can be read as DOT, SVG or HTML."""

import re
from xml.etree import ElementTree

import pygraphviz
import pytest

from archdsl import loads
from archdsl.backends.diagram import build_diagram, render, to_dot
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.placed_dot import to_placed_dot
from archdsl.backends.diagram.scene import scene_of
from archdsl.backends.diagram.theme import THEMES
from archdsl.driver import compile_text
from archdsl.ir import Graph

HOSTILE = [
    '"]; evil [label="x',
    "</TD></TR></TABLE>>]; evil -> evil",
    "<IMG SRC='/etc/passwd'/>",
    "<script>alert(1)</script>",
    "]]><svg onload=alert(1)>",
    'back\\slash \\N \\G \\\\" \\',
    "&lt;b&gt; &amp; &#34; &",
    "two\nlines\r\n}\nevil;",
    "nul \x00 bell \x07 \ud800 \ufffe end",
    "-->{}[]<!-- /* // #",
    "",
]
SPEC = """
network net {
  input image [3, 8, 8]
  part: { conv(4, 3); skip { conv(4, 3) -> relu -> conv(4, 3) } }
  aux(weight = 0.5) side: { gap; flatten; linear(2) }
  output mask: conv(1, 1)
  gap; flatten; linear(2)
}
"""


def hostile_graph(text: str) -> Graph:
    """A graph with the text wherever a text can stand, in places too that the language keeps free of it."""
    graph = compile_text(SPEC).require()
    graph.main.doc = text
    for function in graph.functions():
        function.name = text or "x"
        for value in function.values:
            value.name = text
        for node in function.nodes:
            if node.module is not None:
                node.module.key = (text,)
    graph.results = [result if result.kind == "main" else result._replace(name=text) for result in graph.results]
    return graph


@pytest.mark.parametrize("text", HOSTILE)
def test_dot_has_the_nodes_of_the_model_and_no_others(text: str) -> None:
    diagram = build_diagram(hostile_graph(text))
    parsed = pygraphviz.AGraph(string=to_dot(diagram))
    assert {str(node) for node in parsed.nodes()} == {box.key for box in diagram.boxes}
    placed = pygraphviz.AGraph(string=to_placed_dot(scene_of(place(diagram), THEMES["light"])))
    assert all(str(node)[0] in "nc" and str(node)[1:].isdigit() for node in placed.nodes())


@pytest.mark.parametrize("text", [*HOSTILE[:2], HOSTILE[-1], " ".join(HOSTILE)])
def test_svg_has_no_element_or_attribute_but_its_own(text: str) -> None:
    root = ElementTree.fromstring(render(hostile_graph(text), "svg"))
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "title", "desc", "polygon", "path", "text", "tspan", "rect"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or "href" in name}
    assert "evil" not in {(element.text or "").strip() for element in root.iter() if element.tag.endswith("title")}


def test_words_arrive_as_written() -> None:
    text = "a < b & \"c\" 'd' \\N &amp; <B>e</B>"
    graph = compile_text(SPEC).require()
    graph.main.doc = text
    root = ElementTree.fromstring(render(graph, "svg"))
    words = [(element.text or "").replace("\xa0", " ") for element in root.iter() if element.tag.endswith("text")]
    assert text in words


def test_a_page_may_hold_the_same_element_twice() -> None:
    element = loads(SPEC)._repr_svg_()
    assert element.startswith("<svg")
    assert "<?xml" not in element
    own = [name for name in re.findall(r' id="([^"]+)"', element)]
    assert len(own) == len(set(own)) and len({name[:20] for name in own}) == 1, "all begin with a digest of the picture"
