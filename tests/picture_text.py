"""What a graph picture says: its boxes, arrows and frames, read from the DOT text."""

import html
import re

NODE = re.compile(r'\t(n\d+) \[label=(?:"((?:[^"\\]|\\.)*)"|(\w+))')
EDGE = re.compile(r'\t(n\d+) -> (n\d+)(?: \[label="([^"]*)"\])?')
TITLE = re.compile(r'\tlabel=(?:"((?:[^"\\]|\\.)*)"|(\w+))$')


def shown(text):
    """The lines of a label, as graphviz shows them."""
    lines = [""]
    for character in re.findall(r"\\.|[^\\]", text or ""):
        if character == "\\n":
            lines.append("")
        else:
            lines[-1] += character[-1]
    return [html.unescape(line).rstrip("\N{NO-BREAK SPACE}") for line in lines]


def boxes(picture):
    """The lines of text in each box, by the name of the box."""
    found = [match for line in picture.body if (match := NODE.search(line))]
    return {match[1]: shown(match[2] or match[3]) for match in found}


def labels(picture):
    """The first line of each box."""
    return [lines[0] for lines in boxes(picture).values()]


def operations(picture):
    """The first line of each box of an operation; other boxes have a colour of their own."""
    found = boxes(picture)
    own = [line for line in picture.body if NODE.search(line) and "fillcolor" not in line]
    return [found[NODE.search(line)[1]][0] for line in own]


def edges(picture):
    """Arrows as matches: from, to, label."""
    return [match for line in picture.body if (match := EDGE.match(line))]


def arrows(picture):
    """Arrows as pairs of first lines."""
    first = {name: lines[0] for name, lines in boxes(picture).items()}
    return [(first[match[1]], first[match[2]]) for match in edges(picture)]


def box(picture, first):
    """The lines of the only box that begins with this one."""
    (lines,) = (lines for lines in boxes(picture).values() if lines[0] == first)
    return lines


def outline(picture):
    """Titles of frames with what stands in them, as nested lists: ["Sequential", [...], ...]."""
    top = []
    stack = [top]
    for line in picture.body:
        if "subgraph cluster_" in line:
            inner = []
            stack[-1].append(inner)
            stack.append(inner)
        elif line.strip() == "{":  # boxes of one rank, no frame
            stack.append(stack[-1])
        elif line.strip() == "}":
            stack.pop()
        elif match := TITLE.search(line.rstrip("\n")):
            stack[-1].append(shown(match[1] or match[2])[0])
        elif match := NODE.search(line):
            stack[-1].append(shown(match[2] or match[3])[0])
    return top


def note(picture):
    """The line below the picture, or None."""
    match = re.search(r' label="((?:[^"\\]|\\.)*)" labelloc=b', picture.body[-1])
    return match and shown(match[1])[0]


def is_acyclic(picture):
    left = [match.group(1, 2) for match in edges(picture)]
    while left:
        heads = {head for _, head in left}
        rest = [edge for edge in left if edge[0] in heads]
        if len(rest) == len(left):
            return False
        left = rest
    return True
