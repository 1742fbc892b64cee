"""Pages of the backprop explorer, opened from disk in headless Chromium, for its tests."""

import json
import shutil
from dataclasses import dataclass, field

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.course.models import LeNet, MultiLayerNet
from tinygrad_edu.viz import explore, keep_values

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Case:
    """One step of training: its page, and the gradients that it has to show."""

    path: str
    grads: dict[str, np.ndarray] = field(default_factory=dict)


def case_of(folder, name, loss, tensors, **options):
    """The page of a loss, and the gradients that a real backward pass gives."""
    for tensor in tensors.values():
        if not tensor.is_leaf:
            tensor.retain_grad()
    path = explore(loss, folder / f"{name}.html", title=name, **options)
    loss.backward()
    return Case(path, {key: tensor.grad.numpy().copy() for key, tensor in tensors.items()})


def make_cases(folder):
    """Pages that several tests open."""
    tg.manual_seed(0)
    found = {}

    model = MultiLayerNet(4, [5, 4], 3)
    x, labels = tg.randn(6, 4), tg.tensor([0, 1, 2, 0, 1, 2])
    with keep_values():
        hidden = model[1](model[0](x))
        rest = hidden
        for layer in list(model)[2:]:
            rest = layer(rest)
        loss = F.cross_entropy(rest, labels)
    found["mlp"] = case_of(
        folder,
        "mlp",
        loss,
        {**dict(model.named_parameters()), "hidden": hidden},
        model=model,
        names={"x": x, "labels": labels, "hidden": hidden},
    )

    model = LeNet()
    x, labels = tg.rand(3, 1, 28, 28), tg.tensor([3, 1, 4])
    with keep_values():
        loss = F.cross_entropy(model(x), labels)
    names = {"images": x, "labels": labels}
    found["lenet"] = case_of(
        folder, "lenet", loss, dict(model.named_parameters()), model=model, names=names
    )

    w = tg.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    with keep_values():
        h = (w @ tg.tensor([0.5, 1.0])).tanh()
        loss = (w @ h).square().sum() + h.sum() * 0.1
    found["shared"] = case_of(folder, "shared", loss, {"w": w, "h": h}, names={"w": w, "h": h})

    x = tg.randn(8, requires_grad=True)
    with keep_values():
        value = x
        for _ in range(149):
            value = (value * 1.01).sin()
        loss = value.sum()
    found["large"] = Case(explore(loss, folder / "large.html", max_nodes=1000))
    return found


def launch():
    """A browser; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    pytest.importorskip("igraph", reason="needs python-igraph, which lays the graph out")
    if CHROMIUM is None:
        pytest.skip("needs the program chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page that is open, with what went wrong in it, and what it asked for."""

    def __init__(self, browser, path, place="", **options):
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.url = f"file://{path}"
        self.problems, self.requests = [], []
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.url + place)
        self.page.wait_for_selector("html.ready")
        self.data = json.loads(self.page.text_content("#data"))

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector):
        return self.page.inner_text(selector).strip()

    def run(self, script, argument=None):
        return self.page.evaluate(script, argument)

    def boxes(self, selector=""):
        """The boxes, of some class, by their keys: n3 for a node, m2 for a module."""
        get = "all => all.map(box => box.dataset.key)"
        return self.page.eval_on_selector_all(f"#world .box{selector}", get)

    def present(self):
        (key,) = self.boxes(".present")
        return key

    def node(self, name):
        """The node of a name."""
        (node,) = (node for node in self.data["nodes"] if node["name"].split(": ")[0] == name)
        return node

    def module(self, path):
        (module,) = (module for module in self.data["modules"] if module["path"] == path)
        return module

    def go(self, name, phase="backward"):
        """Go to the step of a node, by its place in the address."""
        self.run("place => { location.hash = place; }", f"#{phase}-{self.node(name)['id']}")
        self.page.wait_for_function(
            "key => document.querySelector('.box.present')?.dataset.key === key",
            arg=f"n{self.node(name)['id']}",
        )

    def value(self, role, index=0):
        """What the panel shows of a value: the numbers of a table, or statistics."""
        return self.run(
            """([role, index]) => {
                const view = document.querySelectorAll(`#panel > :not(.fold) [data-role=${role}],
                    #panel > [data-role=${role}]`)[index];
                const single = view.querySelector(".single");
                const cells = [...view.querySelectorAll("td[title]")];
                return {
                    shape: view.querySelector(".type").textContent,
                    texts: single ? [single.textContent] : cells.map(cell => cell.textContent),
                    numbers: single ? [single.title] : cells.map(cell => cell.title),
                    stats: Object.fromEntries([...view.querySelectorAll(".stats div")].map(
                        line => [line.dataset.key, line.querySelector("dd").textContent])),
                };
            }""",
            [role, index],
        )

    def close(self):
        self.context.close()


def opening(browser):
    """A function that opens pages. None may complain, or ask for more than itself."""
    pages = []

    def open_page(path, place="", **options):
        pages.append(Opened(browser, path, place, **options))
        return pages[-1]

    yield open_page
    for one in pages:
        one.close()
        assert one.problems == []
        assert {url.split("#")[0] for url in one.requests} == {one.url}


def rectangles(page):
    return page.page.eval_on_selector_all(
        "#world .frame", "all => all.map(f => { const b = f.getBoundingClientRect(); "
        "return [b.left, b.top, b.right, b.bottom]; })",
    )  # fmt: skip


def overlaps(page):
    boxes = rectangles(page)
    return [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def number(text):
    """The number that a text shows, with its real minus sign."""
    return float(text.replace("−", "-").replace("∞", "inf"))


def agrees(shown, array):
    """Whether a view shows this array: all of it, or its statistics to four digits."""
    shape = "×".join(map(str, array.shape)) or "scalar"
    if shown["shape"] != f"{shape} {array.dtype}":
        return False
    if shown["numbers"]:
        exact = np.array(list(map(float, shown["numbers"])))
        read = np.array(list(map(number, shown["texts"])))
        largest = max(np.abs(array).max(), 1e-30)
        return np.allclose(exact, array.ravel(), rtol=1e-6) and (
            np.abs(read - array.ravel()).max() <= 1e-3 * largest
        )
    wide = array.astype(np.float64)
    expected = {
        "min": wide.min(),
        "max": wide.max(),
        "mean": wide.mean(),
        "std": wide.std(),
        "norm": np.linalg.norm(wide),
    }
    scale = np.abs(wide).max()
    return all(
        np.isclose(number(shown["stats"][key]), value, rtol=6e-3, atol=1e-6 * scale)
        for key, value in expected.items()
    )
