/* Where one looks: zoom and pan by wheel, fingers, drag and keys. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    const LEAST = 0.05;
    const MOST = 4;
    const READABLE = 0.8; // the zoom below which the small print in boxes is hard to read
    const MARGIN = 36;
    const ABOVE = 40; // room for the button in the corner
    const GLIDE = 220; // ms

    explorer.Camera = class {
        constructor(svg, world) {
            Object.assign(this, {
                svg,
                world,
                scale: 1,
                x: 0,
                y: 0,
                width: 1,
                height: 1,
                moved: false,
            });
            this.fingers = new Map();
            svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
            svg.addEventListener("pointerdown", (event) => this.down(event));
            svg.addEventListener("pointermove", (event) => this.move(event));
            for (const kind of ["pointerup", "pointercancel"])
                svg.addEventListener(kind, (event) => this.up(event));
            // A drag that began on a box is no click on it.
            svg.addEventListener(
                "click",
                (event) => {
                    if (this.moved) event.stopPropagation();
                },
                true,
            );
            // The focus stays where it is, so that the arrow keys go on stepping.
            svg.addEventListener("mousedown", (event) => event.preventDefault());
        }

        apply() {
            this.world.setAttribute(
                "transform",
                `translate(${this.x.toFixed(2)} ${this.y.toFixed(2)}) scale(${this.scale.toFixed(4)})`,
            );
        }

        extent(view) {
            this.width = view.width;
            this.height = view.height;
        }

        get size() {
            return [this.svg.clientWidth || 1, this.svg.clientHeight || 1];
        }

        /* What the list of modules covers on the left, while there is room for both. */
        get covered() {
            const { open, hidden, offsetWidth } = explorer.find("modules");
            return open && !hidden && offsetWidth < this.size[0] / 2 ? offsetWidth + 8 : 0;
        }

        /* Go to a place: at once, or gliding there. */
        go(x, y, scale, glide = false) {
            cancelAnimationFrame(this.frame);
            if (!glide || explorer.calm()) {
                Object.assign(this, { x, y, scale });
                this.apply();
                return;
            }
            const from = { x: this.x, y: this.y, scale: this.scale };
            const start = performance.now();
            const tick = (now) => {
                const part = Math.min(Math.max((now - start) / GLIDE, 0), 1);
                const eased = 1 - (1 - part) ** 3;
                this.x = from.x + (x - from.x) * eased;
                this.y = from.y + (y - from.y) * eased;
                this.scale = from.scale + (scale - from.scale) * eased;
                this.apply();
                if (part < 1) this.frame = requestAnimationFrame(tick);
            };
            this.frame = requestAnimationFrame(tick);
        }

        fitting() {
            const [width, height] = this.size;
            const room = [
                Math.max(width - this.covered - MARGIN, 40),
                Math.max(height - MARGIN - ABOVE, 40),
            ];
            return Math.max(LEAST, Math.min(room[0] / this.width, room[1] / this.height, 1.25));
        }

        fit(glide = true) {
            const [width, height] = this.size;
            const scale = this.fitting();
            this.go(
                (width + this.covered - this.width * scale) / 2,
                (height + ABOVE - this.height * scale) / 2,
                scale,
                glide,
            );
        }

        /* The whole graph if it is readable then, else its top, around the first box. */
        open(box) {
            const [width, height] = this.size;
            if (this.fitting() >= READABLE) {
                this.fit(false);
                return;
            }
            const [wide, high] = [this.width * READABLE, this.height * READABLE];
            const least = width - wide - MARGIN / 2;
            const x =
                wide < width
                    ? (width - wide) / 2
                    : Math.min(Math.max(width / 2 - box.x * READABLE, least), MARGIN / 2);
            this.go(x, Math.max((height - high) / 2, ABOVE + MARGIN / 2), READABLE);
            this.show(box, false);
        }

        zoom(factor, at = null) {
            const [width, height] = this.size;
            const [x, y] = at ?? [width / 2, height / 2];
            const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
            const part = scale / this.scale;
            this.go(x - (x - this.x) * part, y - (y - this.y) * part, scale, at === null);
        }

        pan(dx, dy) {
            this.go(this.x + dx, this.y + dy, this.scale);
        }

        /* Move so far that a box and what is beside it can be seen. */
        show(box, glide = true) {
            const [width, height] = this.size;
            const reach = (low, high, size, least = 0) => {
                if (low >= least && high <= size) return 0;
                // One that was out of sight comes to the middle, others only just inside.
                const isFar = high < least || low > size || high - low > size - least;
                if (isFar) return (size + least - low - high) / 2;
                return low < least ? least - low : size - high;
            };
            const around = Math.min(MARGIN * 2, height / 5);
            const left = this.x + (box.x - box.w / 2) * this.scale - MARGIN;
            const right = this.x + (box.x + box.w / 2) * this.scale + MARGIN;
            const top = this.y + (box.y - box.h / 2) * this.scale - around;
            const bottom = this.y + (box.y + box.h / 2) * this.scale + around;
            const [dx, dy] = [reach(left, right, width, this.covered), reach(top, bottom, height)];
            if (dx || dy) this.go(this.x + dx, this.y + dy, this.scale, glide);
        }

        /* Keep a box where it is on the screen while everything around it is laid out anew. */
        anchor(before, after) {
            if (!before || !after) return;
            this.pan((before.x - after.x) * this.scale, (before.y - after.y) * this.scale);
        }

        at(event) {
            const box = this.svg.getBoundingClientRect();
            return [event.clientX - box.left, event.clientY - box.top];
        }

        wheel(event) {
            event.preventDefault();
            const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
            if (event.shiftKey) this.pan(-(event.deltaX || event.deltaY) * unit, 0);
            // A pinch on a touchpad arrives as small turns of the wheel with Ctrl.
            else
                this.zoom(
                    Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)),
                    this.at(event),
                );
        }

        down(event) {
            if (event.button !== 0) return;
            if (!this.fingers.size) this.moved = false;
            this.fingers.set(event.pointerId, this.at(event));
            this.from = this.at(event);
        }

        move(event) {
            const before = this.fingers.get(event.pointerId);
            if (!before) return;
            const now = this.at(event);
            if (this.fingers.size === 1) {
                if (!this.moved && Math.hypot(now[0] - this.from[0], now[1] - this.from[1]) < 4)
                    return;
                if (!this.moved) this.svg.setPointerCapture(event.pointerId);
                this.moved = true;
                this.svg.classList.add("dragged");
                this.pan(now[0] - before[0], now[1] - before[1]);
            } else {
                this.moved = true;
                const [other] = [...this.fingers]
                    .filter(([id]) => id !== event.pointerId)
                    .map(([, at]) => at);
                const distance = (a, b) => Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1);
                this.zoom(distance(now, other) / distance(before, other), [
                    (now[0] + other[0]) / 2,
                    (now[1] + other[1]) / 2,
                ]);
                this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
            }
            this.fingers.set(event.pointerId, now);
        }

        up(event) {
            this.fingers.delete(event.pointerId);
            this.svg.classList.remove("dragged");
        }
    };
})();
