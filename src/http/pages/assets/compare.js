// Photo and reference side by side, laid over each other, or one after the other, moved and enlarged
// together. Both lie in one frame, so that one change serves both; what they are apart when they are moved
// together again stays as it is.
"use strict";

const viewer = document.getElementById("viewer");
if (viewer) {
  const panes = [...viewer.querySelectorAll(".pane")].map((element) => ({
    element,
    name: element.dataset.pane,
    window: element.querySelector(".window"),
    stage: element.querySelector(".stage"),
    zoom: 1,
    x: 0,
    y: 0,
  }));
  const wipe = document.getElementById("wipe");
  const button = (selector) => viewer.querySelector(selector);
  let locked = true;

  const draw = (pane) => {
    pane.stage.style.transform = `translate(${pane.x}px, ${pane.y}px) scale(${pane.zoom})`;
  };
  const covered = () => {
    const photo = panes.find((pane) => pane.name === "photo");
    if (!photo || !wipe) return;
    const over = viewer.dataset.mode === "over";
    wipe.parentElement.hidden = !over;
    photo.window.style.clipPath = over ? `inset(0 0 0 ${100 - wipe.value}%)` : "";
  };
  // Panes that lie over each other are always moved together.
  const moved = (pane) => {
    const together = locked || viewer.dataset.mode === "over" || viewer.dataset.mode === "blink";
    return together && pane.name !== "sent" ? panes.filter((other) => other.name !== "sent") : [pane];
  };
  const pan = (pane, x, y) => {
    for (const one of moved(pane)) {
      one.x += x;
      one.y += y;
      draw(one);
    }
  };
  // About a place in the pane, which stays where it is.
  const enlarge = (pane, factor, x, y) => {
    for (const one of moved(pane)) {
      const zoom = Math.min(Math.max(one.zoom * factor, 0.5), 40);
      const real = zoom / one.zoom;
      one.x = x - (x - one.x) * real;
      one.y = y - (y - one.y) * real;
      one.zoom = zoom;
      draw(one);
    }
  };
  const shown = () => {
    const mode = viewer.dataset.mode;
    return panes.filter((pane) => (mode === "sent") === (pane.name === "sent"));
  };
  const middle = (factor) => {
    const pane = shown()[0];
    const box = pane.window.getBoundingClientRect();
    const both = locked ? [pane] : shown();
    for (const one of both) enlarge(one, factor, box.width / 2, box.height / 2);
  };

  const act = {
    in: () => middle(1.4),
    out: () => middle(1 / 1.4),
    whole: () => {
      for (const pane of panes) {
        Object.assign(pane, { zoom: 1, x: 0, y: 0 });
        draw(pane);
      }
    },
    lock: (control) => {
      locked = !locked;
      control.setAttribute("aria-pressed", String(locked));
    },
    marks: (control) => {
      const off = viewer.classList.toggle("no-marks");
      control.setAttribute("aria-pressed", String(!off));
    },
    heat: (control) => {
      const on = viewer.classList.toggle("heated");
      control.setAttribute("aria-pressed", String(on));
    },
    differs: (control) => {
      const off = viewer.classList.toggle("no-differs");
      control.setAttribute("aria-pressed", String(!off));
    },
  };
  for (const control of viewer.querySelectorAll("[data-do]")) {
    control.addEventListener("click", () => act[control.dataset.do](control));
  }
  for (const control of viewer.querySelectorAll("button[data-mode]")) {
    control.addEventListener("click", () => {
      const mode = control.dataset.mode;
      // Blink is never automatic: each press shows the other picture.
      if (mode === "blink" && viewer.dataset.mode === "blink") viewer.classList.toggle("second");
      viewer.dataset.mode = mode;
      for (const other of viewer.querySelectorAll("button[data-mode]")) {
        other.setAttribute("aria-pressed", String(other === control));
      }
      if (mode === "over" || mode === "blink") {
        // What was apart side by side would not lie over each other.
        const [first, ...rest] = panes.filter((pane) => pane.name !== "sent");
        for (const pane of rest) {
          Object.assign(pane, { zoom: first.zoom, x: first.x, y: first.y });
          draw(pane);
        }
      }
      covered();
    });
  }
  if (wipe) wipe.addEventListener("input", covered);

  for (const pane of panes) {
    const held = new Map();
    const place = (event) => {
      const box = pane.window.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    pane.window.addEventListener("wheel", (event) => {
      // A page must still scroll: pictures are enlarged by the wheel only while Ctrl is held, or once they
      // are enlarged.
      if (!event.ctrlKey && pane.zoom === 1) return;
      event.preventDefault();
      const at = place(event);
      enlarge(pane, Math.exp(-event.deltaY / 400), at.x, at.y);
    }, { passive: false });
    pane.window.addEventListener("pointerdown", (event) => {
      pane.window.setPointerCapture(event.pointerId);
      held.set(event.pointerId, place(event));
    });
    pane.window.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      const now = place(event);
      const other = [...held].find(([id]) => id !== event.pointerId);
      if (other) {
        // Two fingers: their distance enlarges.
        const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
        enlarge(pane, far(now, other[1]) / far(before, other[1]), (now.x + other[1].x) / 2, (now.y + other[1].y) / 2);
      } else {
        pan(pane, now.x - before.x, now.y - before.y);
      }
      held.set(event.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pane.window.addEventListener(end, (event) => held.delete(event.pointerId));
    }
    pane.window.addEventListener("dblclick", (event) => {
      const at = place(event);
      enlarge(pane, 2, at.x, at.y);
    });
    pane.element.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 120 : 24;
      const way = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
      if (!way) return;
      event.preventDefault();
      pan(pane, way[0], way[1]);
    });
    pane.stage.querySelector("img").addEventListener("dragstart", (event) => event.preventDefault());
  }
  // The other key of the same button, on keyboards where + needs Shift.
  document.addEventListener("keydown", (event) => {
    if (event.key === "=" && !event.ctrlKey && !(event.target instanceof HTMLTextAreaElement)) button("[data-do=in]").click();
  });
}
