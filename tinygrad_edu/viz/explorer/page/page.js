/* The page: reads the data, and joins picture, panel, steps, search and list of modules. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { find } = explorer;
    const say = (...words) => explorer.say(...words);

    const HASH = /^#(forward|backward)-(\d+)$/;
    const STORED = "tinygrad_edu-theme";

    let picture;
    let camera;
    let player;
    let search;
    let view;
    const graph = () => explorer.graph;

    // Theme and language.

    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    let chosen = null; // otherwise the theme of the system
    let printing = false;
    explorer.theme = () => (printing ? "light" : (chosen ?? (dark.matches ? "dark" : "light")));

    const setTheme = (theme) => {
        chosen = theme;
        try {
            localStorage.setItem(STORED, theme);
        } catch {
            // A page from disk may have no storage: then the theme holds until it is closed.
        }
        speak();
    };

    const storedTheme = () => {
        try {
            return localStorage.getItem(STORED);
        } catch {
            return null;
        }
    };

    /* Put the words of the language everywhere, and show all that consists of words again. */
    const speak = () => {
        document.documentElement.lang = explorer.language;
        document.documentElement.dataset.theme = explorer.theme();
        for (const node of document.querySelectorAll("[data-word]"))
            node.textContent = say(node.dataset.word);
        for (const node of document.querySelectorAll("[data-label]")) {
            node.setAttribute("aria-label", say(node.dataset.label));
            if (node.matches("button")) node.title = say(node.dataset.label);
        }
        find("query").placeholder = say("search");
        const title = explorer.plain(graph().data.title);
        find("title").textContent = title;
        document.title = `${title} · ${say("page")}`;
        const language = find("language");
        language.textContent = say("otherLanguage");
        language.lang = explorer.language === "en" ? "ja" : "en";
        const theme = say(explorer.theme() === "dark" ? "themeDark" : "themeLight");
        find("theme").title = theme;
        find("theme").setAttribute("aria-label", theme);
        explorer.fillKeys(find("keys"));
        redraw();
    };

    // What is seen.

    /* Lay the boxes out anew, after modules were collapsed or expanded. */
    const rebuild = (kept) => {
        const anchor = view && (player.looked ?? player.step.box);
        view = graph().view();
        explorer.lay(graph(), view);
        camera.extent(view);
        player.enter(view, kept);
        if (anchor)
            camera.anchor(anchor, player.step.box ?? view.boxOf.get(anchor.nodes.at(-1).id));
        redraw();
    };

    const redraw = () => {
        const focused = picture.boxAt(document.activeElement);
        picture.draw(view);
        if (focused) picture.focus(view.boxOf.get(focused.nodes.at(-1).id));
        find("module-count").textContent = `(${graph().modules.size})`;
        find("modules").hidden = graph().modules.size === 0;
        explorer.showTree(find("tree"), graph());
        const steps = player.steps.length - 1;
        const slider = find("slider");
        slider.max = String(steps);
        find("forward-part").style.flexGrow = String(view.forward.length);
        find("backward-part").style.flexGrow = String(view.backward.length);
        slider.style.setProperty("--turn", `${(100 * view.forward.length) / Math.max(steps, 1)}%`);
        show();
    };

    /* Show the present step everywhere. */
    const show = () => {
        const { step, looked } = player;
        const panel = find("panel");
        const same = panel.dataset.at === `${step.phase} ${(looked ?? step.box)?.key}`;
        const place = panel.scrollTop;
        picture.mark(step, looked);
        const inside = panel.contains(document.activeElement);
        explorer.showPanel(panel, view, step, looked);
        // The link that was followed is gone.
        if (inside && document.activeElement !== panel) panel.focus({ preventScroll: true });
        panel.scrollTop = same ? place : 0;
        panel.dataset.at = `${step.phase} ${(looked ?? step.box)?.key}`;
        const words = explorer.stepInWords(step);
        find("position").textContent = words;
        const slider = find("slider");
        slider.value = String(player.position);
        slider.setAttribute("aria-valuetext", words);
        slider.style.setProperty(
            "--at",
            `${(100 * player.position) / Math.max(player.steps.length - 1, 1)}%`,
        );
        for (const id of ["first", "back"])
            find(id).setAttribute("aria-disabled", String(player.position === 0));
        for (const id of ["next", "last"])
            find(id).setAttribute(
                "aria-disabled",
                String(player.position === player.steps.length - 1),
            );
        const play = find("play");
        play.classList.toggle("playing", player.playing);
        play.setAttribute("aria-label", say(player.playing ? "pause" : "play"));
        play.title = say(player.playing ? "pause" : "play");
        showFound();
    };

    const showFound = () => {
        find("found").textContent = search.inWords;
        picture.ring(
            new Set(search.matches.map((node) => view.boxOf.get(node.id))),
            view.boxOf.get(search.matches[search.at]?.id),
        );
    };

    const announce = (text) => {
        find("live").textContent = text;
    };

    /* After a step: show it, move to it, say it, and keep it in the address. */
    const stepped = () => {
        const { step, looked, kept } = player;
        show();
        const box = looked ?? step.box;
        if (box) camera.show(box);
        announce(explorer.tell(view, step, looked));
        const hash = kept ? `#${kept.phase}-${kept.node}` : "#start";
        try {
            history.replaceState(null, "", hash);
        } catch {
            // Not allowed where the page is shown inside another one, such as a notebook.
        }
    };

    const stepInHash = () => {
        const match = HASH.exec(location.hash);
        const node = match && graph().nodes[Number(match[2])];
        return node ? { phase: match[1], node: node.id } : null;
    };

    // What one can do. Buttons, keys, boxes and links all come here.

    explorer.act = {
        jump: (box) => player.jump(box),
        look: (box) => player.look(box),
        goTo: (id) => {
            const node = graph().nodes[id];
            if (graph().hiddenIn(node)) {
                graph().reveal(graph().chainOf(node));
                rebuild(player.kept);
            }
            player.jump(view.boxOf.get(id));
        },
        goToModule: (module) => {
            const [first] = graph()
                .members.get(module.id)
                .filter((node) => node.inputs.length);
            if (first) player.jump(view.boxOf.get(first.id));
        },
        toggle: (module) => {
            if (!module) return;
            const kept = player.kept;
            graph().toggle(module);
            rebuild(kept);
            camera.show(
                player.step.box ?? view.boxOf.get(graph().members.get(module.id).at(-1).id),
            );
            const name = explorer.plain(explorer.labelOf(module), 60);
            announce(
                say(graph().collapsed.has(module.id) ? "sayCollapsed" : "sayExpanded", {
                    name,
                    n: view.boxes.length,
                }),
            );
        },
        togglePresent: () => {
            const box = player.looked ?? player.step.box;
            if (box) explorer.act.toggle(box.module ?? graph().chainOf(box.node)[0]);
        },
        toggleAll: (collapse) => {
            const kept = player.kept;
            if (collapse) graph().collapseAll();
            else graph().expandAll();
            rebuild(kept);
            announce(say("sayAll", { n: view.boxes.length }));
            const box = player.step.box;
            if (box) camera.show(box);
            else camera.open(view.forward[0]);
        },
        step: (by) => player.to(player.position + by),
        first: () => player.to(0),
        last: () => player.to(player.steps.length - 1),
        loss: () => player.toBackward(),
        play: () => {
            if (player.playing) {
                player.pause();
                announce(say("sayPaused"));
            } else {
                player.play();
                announce(say("sayPlaying"));
            }
        },
        stop: () => {
            if (player.playing) explorer.act.play();
        },
        speed: (by) => {
            const select = find("speed");
            select.selectedIndex = Math.min(
                Math.max(select.selectedIndex + by, 0),
                select.options.length - 1,
            );
            player.speed = Number(select.value);
        },
        match: (by) => {
            const node = search.move(by);
            if (node) explorer.act.goTo(node.id);
            showFound();
        },
        clearSearch: () => {
            find("query").value = "";
            search.clear();
            showFound();
        },
        zoom: (factor) => camera.zoom(factor),
        pan: (dx, dy) => camera.pan(dx, dy),
        fit: () => camera.fit(),
        language: () => {
            explorer.language = explorer.language === "en" ? "ja" : "en";
            speak();
        },
        theme: () => setTheme(explorer.theme() === "dark" ? "light" : "dark"),
        help: () => {
            const dialog = find("help-dialog");
            if (dialog.open) dialog.close();
            else dialog.showModal();
        },
        modules: () => {
            find("modules").open = !find("modules").open;
            if (find("modules").open) find("modules").querySelector("summary").focus();
        },
        /* From box to box: up to an input, down to a user, sideways in the order of the steps. */
        neighbour: (element, direction) => {
            const box = picture.boxAt(element);
            const near = {
                up: box.into.at(0)?.from,
                down: box.out.at(0)?.to,
                left: view.boxes[box.order - 1],
                right: view.boxes[box.order + 1],
            }[direction];
            if (!near) return;
            camera.show(near);
            picture.focus(near);
        },
        jumpTo: (element) => {
            const box = picture.boxAt(element);
            player.jump(box);
            picture.focus(box);
        },
    };

    const wire = () => {
        const { act } = explorer;
        const clicks = {
            first: act.first,
            back: () => act.step(-1),
            play: act.play,
            next: () => act.step(1),
            last: act.last,
            "zoom-in": () => act.zoom(1.3),
            "zoom-out": () => act.zoom(1 / 1.3),
            fit: act.fit,
            "collapse-all": () => act.toggleAll(true),
            "expand-all": () => act.toggleAll(false),
            language: act.language,
            theme: act.theme,
            help: act.help,
            "next-match": () => act.match(1),
            "previous-match": () => act.match(-1),
        };
        for (const [id, action] of Object.entries(clicks))
            find(id).addEventListener("click", action);
        find("slider").addEventListener("input", (event) => player.to(Number(event.target.value)));
        find("speed").addEventListener("change", (event) => {
            player.speed = Number(event.target.value);
        });
        find("search").addEventListener("submit", (event) => event.preventDefault());
        find("query").addEventListener("input", (event) => {
            search.find(event.target.value);
            showFound();
            const [match] = search.matches;
            if (match) camera.show(view.boxOf.get(match.id));
            if (search.query.trim())
                announce(
                    say("sayMatches", {
                        n: search.matches.length,
                        query: explorer.plain(search.query, 60),
                    }),
                );
        });
        explorer.wireKeys(act);
        dark.addEventListener("change", () => speak());
        find("modules").addEventListener("toggle", () => {
            const box = player.looked ?? player.step.box;
            if (box) camera.show(box);
        });
        window.addEventListener("hashchange", () => {
            const kept = stepInHash();
            if (kept) player.to(player.find(kept.phase, view.boxOf.get(kept.node)));
        });
        window.addEventListener("resize", () => {
            const box = player.looked ?? player.step.box;
            if (box) camera.show(box, false);
        });
        // On paper the whole graph in dark on light, and the panel below it.
        let screen = null;
        window.addEventListener("beforeprint", () => {
            printing = true;
            speak();
            screen = { x: camera.x, y: camera.y, scale: camera.scale };
            find("graph").setAttribute("viewBox", `0 0 ${camera.width} ${camera.height}`);
            camera.go(0, 0, 1);
        });
        window.addEventListener("afterprint", () => {
            printing = false;
            speak();
            find("graph").removeAttribute("viewBox");
            if (screen) camera.go(screen.x, screen.y, screen.scale);
        });
    };

    const start = () => {
        const data = JSON.parse(find("data").textContent);
        explorer.language = data.language === "ja" ? "ja" : "en";
        explorer.graph = new explorer.Graph(data);
        const theme = storedTheme();
        if (theme === "light" || theme === "dark") chosen = theme;
        picture = new explorer.Picture(find("world"), explorer.act);
        camera = new explorer.Camera(find("graph"), find("world"));
        player = new explorer.Player(stepped);
        search = new explorer.Search(explorer.graph);
        view = explorer.graph.view();
        explorer.lay(explorer.graph, view);
        camera.extent(view);
        player.enter(view, stepInHash());
        wire();
        speak();
        camera.open(view.forward[0]);
        if (player.step.box) camera.show(player.step.box, false);
        document.documentElement.classList.add("ready");
    };

    document.addEventListener("DOMContentLoaded", start);
})();
