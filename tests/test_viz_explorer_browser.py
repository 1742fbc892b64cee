"""The page of the backprop explorer in a real browser: its steps, values, search and modules."""

import re

import numpy as np
import pytest
from explorer_pages import agrees, launch, make_cases, opening, overlaps, rectangles


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


# Stepping.


def walk(page, advance):
    """All steps from the start on: their texts and the boxes that they were at."""
    page.run("""() => {
        window.seen = [];
        new MutationObserver(() => seen.push([
            document.querySelector("#position").textContent,
            document.querySelector("#world .present")?.dataset.key,
        ])).observe(document.querySelector("#position"), {childList: true});
    }""")
    for _ in range(int(page.page.get_attribute("#slider", "max"))):
        advance()
    assert page.page.get_attribute("#next", "aria-disabled") == "true"
    return [tuple(step) for step in page.run("window.seen")]


def expected_steps(data):
    """Forward in the order of creation; backward, in reverse, where a gradient arrives."""
    nodes = data["nodes"]
    back = [node for node in reversed(nodes) if node["grad"] is not None or node["arrivals"]]
    forward = [(f"Forward {i + 1} / {len(nodes)}", f"n{n['id']}") for i, n in enumerate(nodes)]
    return forward + [
        (f"Backward {i + 1} / {len(back)}", f"n{n['id']}") for i, n in enumerate(back)
    ]


@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_the_keyboard_steps_through_to_the_end(opened, cases, name):
    page = opened(cases[name].path)
    assert page.text("#position") == "Start"
    assert walk(page, lambda: page.press("ArrowRight")) == expected_steps(page.data)
    page.press("ArrowRight")  # nothing lies behind the end
    assert page.present() == expected_steps(page.data)[-1][1]
    assert set(page.boxes(".back")) == {
        key for text, key in expected_steps(page.data) if "B" in text
    }
    page.press("ArrowLeft")
    assert page.present() == expected_steps(page.data)[-2][1]
    page.press("Home")
    assert page.text("#position") == "Start"
    assert page.boxes(".done") == []


@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_the_mouse_steps_through_to_the_end(opened, cases, name):
    page = opened(cases[name].path)
    assert walk(page, lambda: page.page.click("#next")) == expected_steps(page.data)
    page.page.click("#back")
    assert page.present() == expected_steps(page.data)[-2][1]
    page.page.click("#first")
    assert page.text("#position") == "Start"
    page.page.click("#last")
    assert page.present() == expected_steps(page.data)[-1][1]


@pytest.mark.parametrize("name", ["mlp", "lenet", "shared"])
def test_the_gradients_shown_are_those_of_the_tensors(opened, cases, name):
    page = opened(cases[name].path)
    page.press("End")
    for key, grad in cases[name].grads.items():
        page.go(key)
        assert agrees(page.value("grad"), grad), (key, page.value("grad"), grad)


def test_a_wrong_gradient_would_be_noticed(opened, cases):
    page = opened(cases["mlp"].path)
    page.go("hidden")
    grad = cases["mlp"].grads["hidden"]
    assert agrees(page.value("grad"), grad)
    assert not agrees(page.value("grad"), 1.01 * grad)
    assert not agrees(page.value("grad"), grad.T)


def test_contributions_add_up_to_the_gradient(opened, cases):
    page = opened(cases["shared"].path)
    page.go("h")
    assert page.text("#panel [data-role=sum]") == "g = g₁ + g₂"
    first, second = (np.array(page.value("arrival", i)["numbers"], float) for i in (0, 1))
    np.testing.assert_allclose(first + second, cases["shared"].grads["h"], rtol=1e-5)
    assert "used 2 times" in page.text("#panel")


def test_an_operation_shows_rule_local_derivative_and_what_it_passes_on(opened, cases):
    page = opened(cases["shared"].path)
    page.go("h", "forward")
    assert "tanh" in page.text("#panel [data-role=formula]")
    output = np.array(page.value("output")["numbers"], float)
    page.go("h")
    assert page.text("#panel [data-role=rule]").startswith("grad_x = ")
    local = np.array(page.value("local")["numbers"], float)
    np.testing.assert_allclose(local, 1 - output**2, rtol=1e-4, atol=1e-6)
    passed = np.array(page.value("passed")["numbers"], float)
    np.testing.assert_allclose(passed, local * cases["shared"].grads["h"], rtol=1e-4)


def test_data_has_no_gradient_and_says_why(opened, cases):
    page = opened(cases["mlp"].path)
    page.go("hidden")
    before = page.text("#position")
    page.page.click(f"[data-key=n{page.node('x')['id']}]")
    assert "does not require a gradient" in page.text("#panel")
    assert page.text("#position") == before  # looked at, not stepped to
    page.page.click("text=Back to the present step")
    assert page.text("#panel h2").startswith("hidden")


def test_play_goes_to_the_end_and_pause_stops(opened, cases):
    page = opened(cases["shared"].path)
    page.page.select_option("#speed", "4")
    page.press("Space")
    assert page.page.get_attribute("#play", "aria-label") == "Pause"
    page.page.wait_for_function("() => document.querySelector('#slider').value > 1")
    page.press("Space")
    assert page.page.get_attribute("#play", "aria-label") == "Play"
    stopped = page.text("#position")
    page.page.wait_for_timeout(600)
    assert page.text("#position") == stopped
    last = int(page.page.get_attribute("#slider", "max"))
    page.run("value => { const s = document.querySelector('#slider'); s.value = value; "
             "s.dispatchEvent(new Event('input')); }", last - 1)  # fmt: skip
    page.page.click("#play")
    page.page.wait_for_function("() => document.querySelector('#play').ariaLabel === 'Play'")
    assert page.page.get_attribute("#next", "aria-disabled") == "true"


def test_the_slider_steps_by_keys_and_says_the_step(opened, cases):
    page = opened(cases["shared"].path)
    page.page.focus("#slider")
    page.press("ArrowRight", "ArrowRight")
    assert page.page.get_attribute("#slider", "aria-valuetext") == page.text("#position")
    assert page.text("#position").startswith("Forward 2 /")
    page.press("End")
    assert page.page.get_attribute("#next", "aria-disabled") == "true"


def test_the_address_keeps_the_step(opened, cases):
    page = opened(cases["mlp"].path)
    page.go("hidden")
    page.press("ArrowRight")
    key, text = page.present(), page.text("#position")
    assert re.fullmatch(r"#backward-\d+", page.run("location.hash"))
    page.page.reload()
    page.page.wait_for_selector("html.ready")
    assert (page.present(), page.text("#position")) == (key, text)


def test_an_address_without_a_step_is_the_start(opened, cases):
    for place in ("#backward-9999", "#sideways-1", "#forward--1", "#%00<b>"):
        assert opened(cases["mlp"].path, place).text("#position") == "Start", place


# Jumping, searching, collapsing.


def test_a_click_and_enter_jump_to_a_node(opened, cases):
    page = opened(cases["mlp"].path)
    key = f"n{page.node('hidden')['id']}"
    page.page.click(f"[data-key={key}]")
    assert page.present() == key
    page.page.focus(f"[data-key={key}]")
    page.press("ArrowDown")
    below = page.run("document.activeElement.dataset.key")
    assert below != key
    assert page.present() == key  # the focus moved, the step did not
    page.press("Enter")
    assert page.present() == below
    page.press("ArrowUp")
    assert page.run("document.activeElement.dataset.key") == key


def test_a_link_in_the_panel_goes_to_its_node(opened, cases):
    page = opened(cases["mlp"].path)
    page.go("hidden", "forward")
    page.page.focus("#panel .part .link")
    page.press("Enter")
    assert page.present() != f"n{page.node('hidden')['id']}"
    assert page.run("document.activeElement.id") == "panel"  # the link itself is gone


def test_search_counts_what_it_finds(opened, cases):
    page = opened(cases["mlp"].path)
    table = {
        "weight": 3,
        "0.weight": 1,
        "LINEAR": 9,
        "relu": 2,
        "hidden": 1,
        "linear bias": 3,
        "max(x": 2,
        "nothing": 0,
        "<b>": 0,
        "  ": None,
    }
    for query, found in table.items():
        page.page.fill("#query", query)
        count = {None: "", 0: "no match", 1: "1 match"}.get(found, f"{found} matches")
        assert (query, page.text("#found")) == (query, count)
        assert (query, len(page.boxes(".found"))) == (query, found or 0)


def test_search_goes_from_match_to_match_and_around(opened, cases):
    page = opened(cases["mlp"].path)
    page.press("/")
    page.page.keyboard.type("weight")
    matches = page.boxes(".found")
    seen = []
    for _ in range(4):
        page.press("Enter")
        seen.append(page.present())
    assert seen == [*matches, matches[0]]
    assert page.text("#found") == "1 of 3"
    page.press("Shift+Enter")
    assert page.present() == matches[2]
    page.page.click("#next-match")
    assert page.present() == matches[0]
    page.press("/", "Escape")
    assert page.text("#found") == ""
    assert page.boxes(".found") == []


def test_search_opens_the_module_that_hides_a_match(opened, cases):
    page = opened(cases["lenet"].path)
    page.press("Shift+C", "/")
    page.page.keyboard.type("classifier.2.bias")
    assert page.text("#found") == "1 match"
    assert page.boxes(".found") == [f"m{page.module('classifier')['id']}"]
    page.press("Enter")
    assert page.present() == f"n{page.node('classifier.2.bias')['id']}"


def test_a_collapsed_module_is_one_box_and_one_step(opened, cases):
    page = opened(cases["lenet"].path)
    places = rectangles(page)
    assert overlaps(page) == []
    module = page.module("features")
    inside = {f"n{node['id']}" for node in page.data["nodes"] if "features." in node["name"]}
    page.page.click("#modules summary")
    page.page.click("#modules button.knob[aria-label='Collapse features: Sequential']")
    key = f"m{module['id']}"
    assert key in page.boxes()
    assert not inside & set(page.boxes())
    assert overlaps(page) == []
    steps = [step for _, step in walk(page, lambda: page.press("n"))]
    assert steps.count(key) == 2  # once forward, once backward
    assert "3×1×28×28 → 3×16×5×5" in page.page.text_content(f"[data-key={key}]")
    page.page.click(f"[data-key={key}] .open")
    assert len(page.boxes()) == len(page.data["nodes"])
    page.press("Home")
    page.press("0")
    assert len(rectangles(page)) == len(places)
    assert overlaps(page) == []


def test_collapsing_keeps_the_step_and_the_keyboard_does_it_too(opened, cases):
    page = opened(cases["lenet"].path)
    page.go("features.3.weight")
    page.press("c")  # its innermost module
    key = f"m{page.module('features.3')['id']}"
    assert page.present() == key
    assert page.text("#position").startswith("Backward")
    page.press("c")  # and expanded again, at the node that is reached last going forward
    assert page.present().startswith("n")
    page.press("Shift+C")
    assert set(page.boxes()) >= {f"m{page.module(p)['id']}" for p in ("features", "classifier")}
    page.press("Shift+E")
    assert len(page.boxes()) == len(page.data["nodes"])


def test_arrows_of_a_collapsed_module_end_at_its_borders(opened, cases):
    page = opened(cases["lenet"].path)
    page.press("Shift+C")
    assert page.run("""() => {
        const view = explorer.graph.view();
        explorer.lay(explorer.graph, view);
        return view.arrows.every(({from, to, points}) =>
            Math.abs(points[0][0] - from.x) <= from.w / 2 && points[0][1] === from.y + from.h / 2 &&
            Math.abs(points.at(-1)[0] - to.x) <= to.w / 2 && points.at(-1)[1] === to.y - to.h / 2 &&
            from.order < to.order && from.y < to.y);
    }""")
    shown = page.run("document.querySelectorAll('.arrow').length")
    assert shown == len(page.boxes()) - 1  # a chain, but for labels beside it


def test_a_collapsed_module_shows_what_goes_through_it(opened, cases):
    page = opened(cases["mlp"].path)
    page.press("Shift+C")
    key = f"m{page.module('0')['id']}"
    page.page.click(f"[data-key={key}]")
    assert page.value("input")["shape"].startswith("6×4 ")
    assert page.value("output")["shape"].startswith("6×5 ")
    page.press("b")
    page.page.click(f"[data-key={key}]")
    shown = page.run("[...document.querySelectorAll('#panel [data-role=parameter] td[title]')]"
                     ".map(cell => Number(cell.title))")  # fmt: skip
    grads = cases["mlp"].grads
    expected = np.concatenate([grads["0.weight"].ravel(), grads["0.bias"]])
    np.testing.assert_allclose(shown, expected, rtol=1e-6)


# Values.


def show_value(page, value):
    """The view of a value that is made here: its cells, its pixels, its words."""
    return page.run(
        """value => {
            const view = explorer.valueView(value, "v");
            document.getElementById("panel").replaceChildren(view);
            const canvas = view.querySelector("canvas.map");
            const pixels = canvas
                ? [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
                : [];
            return {
                text: view.textContent,
                cells: [...view.querySelectorAll("td[title]")].map(cell => cell.textContent),
                colours: [...view.querySelectorAll("td[title]")].map(c => c.style.backgroundColor),
                tables: view.querySelectorAll("table").length,
                label: canvas?.getAttribute("aria-label"),
                pixels: pixels.filter((_, i) => i % 4 < 3),
            };
        }""",
        value,
    )


def stats(size=1, nonfinite=0):
    zero = {"min": 0, "max": 0, "mean": 0, "std": 0, "norm": 0}
    return {**zero, "zeros": 0, "nonfinite": nonfinite, "size": size}


def test_small_values_are_tables_with_every_number(opened, cases):
    page = opened(cases["shared"].path)
    numbers = [1.5, -0.25, 0, "nan", "inf", "-inf", 1.25e-7, -1234567.0]
    value = {"shape": [2, 2, 2], "dtype": "float32", "numbers": numbers, "image": None}
    shown = show_value(page, {**value, "stats": stats(8, 3)})
    assert shown["tables"] == 2
    assert "[0, :, :]" in shown["text"]
    minus = "\N{MINUS SIGN}"
    assert shown["cells"][2:6] == ["0", "NaN", "∞", f"{minus}∞"]
    assert shown["cells"][6:] == [f"1.25e{minus}7", f"{minus}1.23e6"]
    assert shown["colours"][2] == ""  # zero has no colour


@pytest.mark.parametrize("shape", [[2, 1], [2], []])
def test_truth_values_are_written_as_python_writes_them(opened, cases, shape):
    page = opened(cases["shared"].path)
    numbers = [True, False][: 2 if shape else 1]
    value = {"shape": shape, "dtype": "bool", "numbers": numbers, "image": None}
    shown = show_value(page, {**value, "stats": stats(len(numbers))})
    assert ["True" in shown["text"], "False" in shown["text"]] == [True, bool(shape)]


def test_a_heat_map_is_centred_at_zero_and_marks_what_is_not_finite(opened, cases):
    page = opened(cases["shared"].path)
    image = {"rows": 1, "columns": 4, "values": "Af+AAA==", "low": -2.0, "high": 2.0, "note": None}
    value = {"shape": [1000], "dtype": "float32", "numbers": None, "image": image}
    shown = show_value(page, {**value, "stats": stats(1000, 7)})
    low, high, zero, odd = np.array(shown["pixels"]).reshape(4, 3)
    assert low[1] < low[0]  # purple
    assert low[1] < low[2]
    assert high[1] > high[0]  # green
    assert high[1] > high[2]
    assert np.ptp(zero) < 5  # neutral
    assert zero.min() > 240
    assert odd.tolist() == [230, 159, 0]
    assert "NaN or infinite7" in shown["text"]
    assert shown["label"].endswith("1 rows by 4 columns, from \N{MINUS SIGN}2 to 2")


def test_missing_values_say_why(opened, cases):
    page = opened(cases["shared"].path)
    for code, words in {
        "not kept": "keep_values",
        "changed": "changed in place",
        "some other reason": "some other reason",
    }.items():
        shown = page.run("code => explorer.valueView(null, 'v', code).textContent", code)
        assert words in shown
