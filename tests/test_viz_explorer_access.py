"""The page of the backprop explorer in a real browser: its words, colours, keys, and the file."""

import re
from pathlib import Path

import numpy as np
import pytest
from explorer_pages import Opened, launch, make_cases, opening, overlaps, rectangles

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu.viz import explore, keep_values

FOLDER = Path(tg.viz.explorer.__file__).parent / "page"
SOURCES = {
    path.name: path.read_text(encoding="utf-8")
    for path in FOLDER.iterdir()
    if path.suffix in (".js", ".html", ".css")
}
LONG = "x" * 3000
HOSTILE = {
    "quotes": "\"double\" 'single' `back` \\n",
    "image": '<img src=x onerror="window.hacked=1">',
    "script": "</script><script>window.hacked=1</script><!--",
    "placeholder": "/*JS*/ /*CSS*/ /*DATA*/",
    "entity": "&lt;b&gt;&amp;<b>bold</b>",
    "long": LONG,
    "Japanese": "重みの行列と、とても長い日本語の名前",
    "control": "a\u202eb\u0007c\nd\te",
}


@pytest.fixture(scope="module")
def browser():
    """One browser for the whole file."""
    yield from launch()


@pytest.fixture(scope="module")
def cases(browser, tmp_path_factory):
    return make_cases(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def opened(browser):
    yield from opening(browser)


# Words, colours, hostile names.


def test_the_language_changes_every_word(opened, cases):
    page = opened(cases["mlp"].path)
    page.go("hidden")
    assert page.page.get_attribute("html", "lang") == "en"
    place = page.present()
    page.page.click("#language")
    assert page.page.get_attribute("html", "lang") == "ja"
    assert page.present() == place
    assert page.text("#position").startswith("逆伝播")
    for word in ("受け取る勾配", "局所微分", "送り出す勾配"):
        assert word in page.text("#panel")
    assert page.page.get_attribute("#next", "aria-label") == "一つ進む"
    page.press("l")
    assert page.text("#position").startswith("Backward")


def test_both_languages_have_all_words_with_the_same_gaps(opened, cases):
    page = opened(cases["mlp"].path)
    words, codes = page.run("[explorer.words.WORDS, explorer.words.CODES]")
    for key, texts in {**words, **codes}.items():
        assert len(texts) == 2, key
        assert all(texts), key
        english, japanese = (set(re.findall(r"\{\w+\}", text)) for text in texts)
        assert english == japanese, key
    sources = "".join(SOURCES.values())
    assert [key for key in words if f'"{key}"' not in sources] == []
    asked = set(re.findall(r'data-(?:word|label|placeholder)="(\w+)"', sources))
    assert asked <= words.keys()


def test_the_page_starts_in_the_language_of_the_data(opened, tmp_path):
    x = tg.tensor(2.0, requires_grad=True)
    page = opened(explore(x * x, tmp_path / "ja.html", language="ja"))
    assert page.page.get_attribute("html", "lang") == "ja"
    assert page.text("#position") == "開始"


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system_and_the_button(opened, cases, system):
    page = opened(cases["mlp"].path, color_scheme=system)
    other = {"light": "dark", "dark": "light"}[system]

    def ground():
        colour = page.run("getComputedStyle(document.body).backgroundColor")
        return "dark" if sum(map(int, re.findall(r"\d+", colour))) < 300 else "light"

    assert ground() == system
    page.page.click("#theme")
    assert ground() == other
    assert page.page.get_attribute("#theme", "aria-label").startswith(f"Theme: {other}")
    page.press("t")
    assert ground() == system


CONTRAST = """() => {
    const parse = text => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
    const light = colour => {
        const [r, g, b] = colour.slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = element => {
        const box = element.closest(".box");
        if (box) return parse(getComputedStyle(box.querySelector(".frame")).fill);
        for (let at = element; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour[3] > 0.99) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some(part => part.nodeType === 3 && part.data.trim());
        const seen = element.getClientRects().length && !element.closest(".unseen, script");
        if (!own || !seen) continue;
        const style = getComputedStyle(element);
        const text = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
        const [a, b] = [light(text), light(behind(element))].sort((x, y) => y - x);
        found.push([(a + 0.05) / (b + 0.05), element.textContent.slice(0, 40)]);
    }
    return found;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(opened, cases, theme):
    page = opened(cases["mlp"].path, color_scheme=theme)
    page.press("m")
    seen = 0
    for keys in ([], ["b"], ["End"], ["c"], ["?"]):
        page.press(*keys)
        found = page.run(CONTRAST)
        seen += len(found)
        assert [entry for entry in found if entry[0] < 4.5] == []
    assert seen > 300


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A page on which everything that can have a name has a hostile one."""

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(tg.randn(3, 3))

        def forward(self, x):
            return x @ self.weight

    tg.manual_seed(0)
    names = list(HOSTILE.values())
    layers = [type(name, (Layer,), {})() for name in names]
    tensors = [tg.randn(2, 3) for _ in names]
    with keep_values():
        value = tg.zeros(2, 3, requires_grad=True)
        for layer, tensor in zip(layers, tensors, strict=True):
            value = layer(value + tensor)
        loss = value.square().mean()
    path = tmp_path_factory.mktemp("hostile") / "hostile.html"
    named = dict(zip(names, tensors, strict=True))
    return explore(loss, path, names=named, title=" ".join(names))


def test_hostile_names_are_text(opened, hostile):
    page = opened(hostile)
    page.page.click("#modules summary")
    for name in HOSTILE.values():
        (node,) = (node for node in page.data["nodes"] if node["name"] == name)
        page.run("id => explorer.act.goTo(id)", node["id"])
        assert page.page.text_content("#panel h2") == page.run("explorer.plain", name)
        module = next(module for module in page.data["modules"] if module["class"] == name)
        label = page.run("m => explorer.plain(explorer.labelOf(m), 60)", module)
        assert page.page.text_content(f"[data-module='{module['id']}'][data-part=go]") == label
    page.press("Shift+C", "End", "l", "t")
    assert page.page.text_content("#title") == page.run("explorer.plain", page.data["title"])
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('main img, main script, main b').length") == 0
    assert page.run("document.querySelectorAll('script').length") == 2


def test_hostile_names_stay_inside_their_boxes(opened, hostile):
    page = opened(hostile)
    page.press("End", "0")
    wide = page.page.eval_on_selector_all(
        "#world .box",
        """all => all.filter(box => {
            const frame = box.querySelector(".frame").getBoundingClientRect();
            return [...box.querySelectorAll("text")].some(text => {
                const at = text.getBoundingClientRect();
                return at.left < frame.left - 1 || at.right > frame.right + 1;
            });
        }).map(box => box.textContent)""",
    )
    assert wide == []
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    panel = page.run("(p => [p.scrollWidth, p.clientWidth])(document.querySelector('#panel'))")
    assert panel[0] <= panel[1]


def test_the_direction_of_text_cannot_be_turned(opened, hostile):
    page = opened(hostile)
    assert page.run("explorer.plain('a\\u202eb\\u0007c\\nd')") == "a\ufffdb\ufffdc d"
    assert "\u202e" not in page.run("document.body.innerText")
    assert len(page.run("name => explorer.plain(name)", LONG)) == 400


# Keyboard, screen readers, mouse and fingers.


def test_every_control_has_a_name_and_a_role(opened, cases):
    page = opened(cases["lenet"].path)
    page.press("m", "b")
    session = page.context.new_cdp_session(page.page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "link", "slider", "combobox", "searchbox", "checkbox", "textbox", "img"}
    found = [node for node in tree if node.get("role", {}).get("value") in controls]
    assert len(found) > 60
    assert [node for node in found if not node.get("name", {}).get("value")] == []
    roles = {node.get("role", {}).get("value") for node in tree}
    assert {"banner", "main", "contentinfo", "search", "status", "heading", "table"} <= roles
    (present,) = page.run(
        "[...document.querySelectorAll('[aria-current=step]')].map(b => b.ariaLabel)"
    )
    assert present.startswith("CrossEntropy, operation, the loss, = ")


def test_every_step_is_said_in_words(opened, cases):
    page = opened(cases["shared"].path)
    page.go("h", "forward")
    assert page.page.text_content("#live").startswith("Forward step ")
    assert "z = tanh(x)" in page.page.text_content("#live").replace("tanh x", "tanh(x)")
    page.go("h")
    said = page.page.text_content("#live")
    assert said.startswith("Backward step ")
    assert "the sum of 2 contributions" in said
    page.press("l", "ArrowLeft")
    assert page.page.text_content("#live").startswith("逆伝播")


def test_tab_reaches_everything_and_the_focus_is_seen(opened, cases):
    page = opened(cases["mlp"].path)
    page.press("b")
    reached, faint = [], []
    for _ in range(60):
        page.press("Tab")
        at = page.run("""() => {
            const at = document.activeElement;
            const frame = at.querySelector(":scope > .frame");
            const style = getComputedStyle(frame ?? at);
            const seen = frame ? parseFloat(style.strokeWidth) >= 3 : style.outlineStyle !== "none";
            return [at.id || at.dataset.key || at.className || at.tagName, seen];
        }""")
        if at[0] == "BODY":
            break
        reached.append(at[0])
        if not at[1]:
            faint.append(at[0])
    assert faint == []
    order = [name for name in reached if name in (
        "query", "language", "theme", "help", "graph", "zoom-in", "panel", "play", "slider", "speed"
    )]  # fmt: skip
    assert order == [
        "query", "language", "theme", "help", "graph", "zoom-in", "panel", "play", "slider", "speed"
    ]  # fmt: skip
    assert reached[reached.index("graph") + 1] == page.present()  # one stop for all boxes


def test_help_lists_the_keys_and_can_turn_them_off(opened, cases):
    page = opened(cases["mlp"].path)
    page.press("?")
    assert page.page.is_visible("#help-dialog")
    assert page.run("document.querySelectorAll('#keys tr').length") > 14
    page.press("n")  # no steps behind the dialog
    assert page.text("#position") == "Start"
    page.page.uncheck("#shortcuts")
    page.press("Escape")
    assert not page.page.is_visible("#help-dialog")
    page.press("n")
    assert page.text("#position") == "Start"
    page.press("ArrowRight")
    assert page.text("#position").startswith("Forward 1")
    page.page.click("#help")
    page.page.check("#shortcuts")
    page.page.click("#close-help")
    page.press("n")
    assert page.text("#position").startswith("Forward 2")


def camera(page):
    text = page.page.get_attribute("#world", "transform")
    x, y, scale = map(float, re.findall(r"-?[\d.]+", text))
    return np.array([x, y]), scale


def test_keys_zoom_and_pan(opened, cases):
    page = opened(cases["lenet"].path)
    (x, y), scale = camera(page)
    page.press("+")
    assert camera(page)[1] == pytest.approx(1.3 * scale, rel=1e-3)
    page.press("-")
    assert camera(page)[1] == pytest.approx(scale, rel=1e-3)
    page.press("Shift+ArrowDown")
    np.testing.assert_allclose(camera(page)[0], [x, y - 60], atol=0.1)
    page.page.focus("#graph")
    page.press("ArrowUp", "ArrowLeft")
    np.testing.assert_allclose(camera(page)[0], [x + 60, y], atol=0.1)
    page.press("0")
    stage = page.page.query_selector("#stage").bounding_box()
    for left, top, right, bottom in rectangles(page):
        assert stage["x"] <= left < right <= stage["x"] + stage["width"]
        assert stage["y"] <= top < bottom <= stage["y"] + stage["height"]


def test_the_wheel_zooms_at_the_pointer_and_a_drag_pans(opened, cases):
    page = opened(cases["lenet"].path)
    place = np.array([300.0, 400.0])
    page.page.mouse.move(*place)
    origin = np.array(list(page.page.query_selector("#graph").bounding_box().values())[:2])
    (before, scale) = camera(page)
    page.page.mouse.wheel(0, -240)
    page.page.wait_for_function("s => !document.querySelector('#world').getAttribute('transform')"
                                ".endsWith(s)", arg=f"scale({scale:.4f})")  # fmt: skip
    after, larger = camera(page)
    assert larger > scale
    np.testing.assert_allclose(
        (place - origin - before) / scale, (place - origin - after) / larger, atol=0.2
    )
    step = page.text("#position")
    page.page.mouse.down()
    page.page.mouse.move(place[0] + 40, place[1] - 30, steps=4)
    page.page.mouse.up()
    np.testing.assert_allclose(camera(page)[0] - after, [40, -30], atol=0.1)
    assert page.text("#position") == step  # a drag is no click


def test_two_fingers_zoom(opened, cases):
    page = opened(cases["lenet"].path, has_touch=True)
    session = page.context.new_cdp_session(page.page)
    _, scale = camera(page)

    def touch(kind, *points):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (300, 400))
    touch("touchStart", (300, 400), (400, 400))
    for distance in range(110, 210, 10):
        touch("touchMove", (300, 400), (300 + distance, 400))
    touch("touchEnd")
    assert camera(page)[1] == pytest.approx(2 * scale, rel=0.05)


def test_a_double_click_collapses_the_module_of_a_node(opened, cases):
    page = opened(cases["lenet"].path)
    page.page.dblclick(f"[data-key=n{page.node('features.0.weight')['id']}]")
    key = f"m{page.module('features.0')['id']}"
    assert key in page.boxes()
    page.page.dblclick(f"[data-key={key}]", position={"x": 20, "y": 20})
    assert key not in page.boxes()


def test_the_present_box_is_always_in_view(opened, cases):
    page = opened(cases["lenet"].path)
    stage = page.page.query_selector("#stage").bounding_box()
    for _ in range(len(page.data["nodes"])):
        page.press("n")
        box = page.page.query_selector(".box.present .frame").bounding_box()
        assert stage["y"] <= box["y"] <= stage["y"] + stage["height"] - box["height"]
        assert stage["x"] <= box["x"] <= stage["x"] + stage["width"] - box["width"]


def test_motion_is_smooth_unless_the_reader_wants_none(opened, cases):
    page = opened(cases["lenet"].path, reduced_motion="no-preference")
    before = camera(page)[0]
    page.run("explorer.act.last(); explorer.act.first(); explorer.act.last();")
    page.press("f")
    page.page.wait_for_timeout(500)
    assert not np.allclose(camera(page)[0], before)
    still = opened(cases["lenet"].path)
    durations = "getComputedStyle(document.querySelector('.box .frame')).transitionDuration"
    assert still.run(durations) == "0s"
    assert page.run(durations) != "0s"


@pytest.mark.parametrize("size", [(390, 740), (800, 600), (1920, 1080)])
def test_nothing_is_cut_off_in_windows_of_any_size(opened, cases, size):
    page = opened(cases["lenet"].path, viewport=dict(zip(("width", "height"), size, strict=True)))
    page.press("b", "n", "n")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("document.documentElement.scrollHeight <= innerHeight")
    for selector in ("#next", "#query", "#help", "#position", "#panel h2", ".box.present"):
        box = page.page.query_selector(selector).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]


def test_print_shows_graph_and_panel_in_light_colours(opened, cases):
    page = opened(cases["mlp"].path, color_scheme="dark")
    page.go("hidden")
    place = page.page.get_attribute("#world", "transform")
    assert page.page.pdf().startswith(b"%PDF")
    page.page.emulate_media(media="print")
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert page.run("document.documentElement.dataset.theme") == "light"
    assert not page.page.is_visible("footer")
    assert page.page.is_visible("#panel h2")
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert page.run("document.documentElement.dataset.theme") == "dark"
    assert page.page.get_attribute("#world", "transform") == place


# The file.


def test_no_request_can_leave_the_page(browser, cases):
    page = Opened(browser, cases["mlp"].path)
    blocked = page.run("""async () => {
        const blocked = [];
        document.addEventListener(
            "securitypolicyviolation", event => blocked.push(event.blockedURI));
        const image = new Image();
        image.src = "https://example.com/image.png";
        await fetch("https://example.com/data").catch(() => {});
        const script = document.createElement("script");
        script.src = "https://example.com/script.js";
        document.head.append(script);
        await new Promise(resolve => setTimeout(resolve, 200));
        return blocked.map(url => url.split("/").at(-1)).sort();
    }""")
    assert blocked == ["data", "image.png", "script.js"]
    page.close()


def test_the_sources_of_the_page_make_no_markup_from_text():
    assert len(SOURCES) > 8
    for name, source in SOURCES.items():
        assert len(source.splitlines()) <= 500, name
        if name.endswith(".js"):
            for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
                assert word not in source, (name, word)
            assert "</script" not in source
        assert "http:" not in source.replace("http://www.w3.org/", ""), name
        assert "https:" not in source, name


def test_three_hundred_boxes_are_stepped_and_moved_smoothly(opened, cases):
    page = opened(cases["large"].path)
    assert len(page.boxes()) >= 299
    assert overlaps(page) == []
    spent = page.run("""() => {
        const time = (count, act) => {
            const start = performance.now();
            for (let i = 0; i < count; i += 1) act(i);
            document.body.getBoundingClientRect();
            return (performance.now() - start) / count;
        };
        return {step: time(60, () => explorer.act.step(1)),
                pan: time(60, () => explorer.act.pan(3, 2)),
                zoom: time(60, i => explorer.act.zoom(i % 2 ? 1.1 : 1 / 1.1))};
    }""")
    assert spent["step"] < 100, spent  # ms, on a machine that does much else
    assert spent["pan"] < 30, spent
    assert spent["zoom"] < 60, spent  # the browser sets all text anew
