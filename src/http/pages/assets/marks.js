// Drawing protected marks on a picture before it is sent: boxes by mouse, touch or keyboard, each with its
// name and its numbers beside the picture.
"use strict";

const marksEditor = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const UNITS = 1000;
  const STEP = 0.01;
  const LEAST = 0.01;
  const KINDS = [["text", "letters"], ["logo", "a figure"], ["ignored", "varies by design: not compared"]];

  const make = (name, attributes = {}, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...inside);
    return element;
  };
  const draw = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const inside = (value) => Math.min(Math.max(value, 0), 1);
  const round = (value) => Math.round(value * 10000) / 10000;

  // Opens it for a file within an element; `most` marks can be drawn.
  const open = (place, file, most) => {
    const marks = [];
    let made = 0;
    const image = make("img", { alt: "The picture that is to be enrolled", draggable: "false" });
    const over = draw("svg", { viewBox: `0 0 ${UNITS} ${UNITS}`, preserveAspectRatio: "none" });
    const drawing = make("div", { class: "drawing" }, image, over);
    const list = make("div");
    const add = make("button", { type: "button" }, "Add a mark");
    const told = make("p", { class: "dim", role: "status" });
    place.replaceChildren(
      make("h4", {}, "Protected marks"),
      make("p", { class: "dim" }, "Draw a box around each place that a forger must get right, or none: then Assay proposes some. " +
        "Drag to draw and to move. By keyboard: add one, then arrow keys move it, Shift and arrow keys resize it, Enter goes to its name, Delete removes it."),
      drawing, make("p", {}, add), told, list,
    );
    place.hidden = false;
    // Not an address of the file itself, which the policy of these pages allows nothing to load.
    const reader = new FileReader();
    reader.onload = () => { image.src = reader.result; };
    reader.readAsDataURL(file);
    image.onerror = () => { told.textContent = "This browser cannot show the picture; it can be enrolled all the same."; };

    const show = (mark) => {
      const { x0, y0, x1, y1 } = mark;
      const at = { x: x0 * UNITS, y: y0 * UNITS, width: (x1 - x0) * UNITS, height: (y1 - y0) * UNITS };
      for (const [key, value] of Object.entries(at)) mark.box.setAttribute(key, value);
      mark.box.setAttribute("class", `box ${mark.kind.value}`);
      mark.box.setAttribute("aria-label", `Mark ${mark.name.value || "without a name"}`);
      mark.handle.setAttribute("x", x1 * UNITS - 12);
      mark.handle.setAttribute("y", y1 * UNITS - 12);
      for (const [key, input] of Object.entries(mark.numbers)) {
        if (document.activeElement !== input) input.value = round(mark[key]);
      }
      mark.text.parentElement.hidden = mark.kind.value !== "text";
    };
    const remove = (mark) => {
      marks.splice(marks.indexOf(mark), 1);
      mark.box.remove();
      mark.handle.remove();
      mark.fields.remove();
      add.disabled = false;
      told.textContent = `${mark.name.value} is removed`;
      (marks.at(-1)?.box ?? add).focus();
    };
    const move = (mark, x, y) => {
      const dx = Math.min(Math.max(x, -mark.x0), 1 - mark.x1);
      const dy = Math.min(Math.max(y, -mark.y0), 1 - mark.y1);
      Object.assign(mark, { x0: mark.x0 + dx, x1: mark.x1 + dx, y0: mark.y0 + dy, y1: mark.y1 + dy });
      show(mark);
    };
    const resize = (mark, x1, y1) => {
      mark.x1 = inside(Math.max(x1, mark.x0 + LEAST));
      mark.y1 = inside(Math.max(y1, mark.y0 + LEAST));
      show(mark);
    };
    const begin = (x0, y0, x1, y1) => {
      made += 1;
      const mark = { x0, y0, x1, y1, numbers: {} };
      mark.box = draw("rect", { tabindex: 0, role: "button" });
      mark.handle = draw("rect", { class: "handle", width: 24, height: 24 });
      mark.name = make("input", { maxlength: 200, value: `mark ${made}`, required: "" });
      mark.kind = make("select", {}, ...KINDS.map(([value, words]) => make("option", { value }, words)));
      mark.text = make("input", { maxlength: 200 });
      mark.fields = make("fieldset", {}, make("legend", {}, `Mark ${made}`),
        make("label", { class: "wide" }, "Name", mark.name),
        make("label", { class: "wide" }, "It holds", mark.kind),
        make("label", { class: "wide" }, "What it reads, if you know", mark.text));
      for (const [key, words] of [["x0", "Left"], ["y0", "Top"], ["x1", "Right"], ["y1", "Bottom"]]) {
        const input = make("input", { type: "number", min: 0, max: 1, step: "any" });
        mark.numbers[key] = input;
        input.addEventListener("input", () => {
          if (input.value === "" || !input.checkValidity()) return;
          mark[key] = Number(input.value);
          show(mark);
        });
        mark.fields.append(make("label", {}, words, input));
      }
      const gone = make("button", { type: "button" }, "Remove this mark");
      gone.addEventListener("click", () => remove(mark));
      mark.fields.append(gone);
      for (const input of [mark.name, mark.kind]) input.addEventListener("input", () => show(mark));
      mark.box.addEventListener("keydown", (event) => {
        const ways = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
        const way = ways[event.key];
        if (way && event.shiftKey) resize(mark, mark.x1 + way[0], mark.y1 + way[1]);
        else if (way) move(mark, way[0], way[1]);
        else if (event.key === "Enter") mark.name.select();
        else if (event.key === "Delete" || event.key === "Backspace") remove(mark);
        else return;
        event.preventDefault();
      });
      over.append(mark.box, mark.handle);
      list.append(mark.fields);
      marks.push(mark);
      add.disabled = marks.length >= most;
      show(mark);
      return mark;
    };
    add.addEventListener("click", () => {
      begin(0.35, 0.4, 0.65, 0.6).box.focus();
      told.textContent = "A mark is added in the middle; arrow keys move it.";
    });

    let held = null;
    const at = (event) => {
      const frame = over.getBoundingClientRect();
      return [inside((event.clientX - frame.left) / frame.width), inside((event.clientY - frame.top) / frame.height)];
    };
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const [x, y] = at(event);
      const own = (part) => marks.find((mark) => mark[part] === event.target);
      if (own("handle")) held = { mark: own("handle"), way: "size" };
      else if (own("box")) held = { mark: own("box"), way: "move", x, y };
      else if (marks.length < most) held = { mark: null, way: "draw", x, y };
      else return;
      over.setPointerCapture(event.pointerId);
      if (held.mark) held.mark.box.focus();
      event.preventDefault();
    });
    over.addEventListener("pointermove", (event) => {
      if (!held) return;
      const [x, y] = at(event);
      if (held.way === "size") resize(held.mark, x, y);
      else if (held.way === "move") {
        move(held.mark, x - held.x, y - held.y);
        Object.assign(held, { x, y });
      } else {
        const corners = [Math.min(x, held.x), Math.min(y, held.y), Math.max(x, held.x), Math.max(y, held.y)];
        const small = corners[2] - corners[0] < LEAST || corners[3] - corners[1] < LEAST;
        // A mere click draws nothing.
        if (!held.mark && small) return;
        held.mark ??= begin(...corners);
        if (!small) [held.mark.x0, held.mark.y0, held.mark.x1, held.mark.y1] = corners;
        show(held.mark);
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      over.addEventListener(end, () => {
        if (held?.way === "draw" && held.mark) held.mark.box.focus();
        held = null;
      });
    }

    return {
      file,
      // As the interface takes them.
      marks: () => marks.map((mark) => {
        const { x0, y0, x1, y1 } = mark;
        const one = {
          name: mark.name.value.trim(),
          kind: mark.kind.value,
          region: [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map((corner) => corner.map(round)),
        };
        const text = mark.text.value.trim();
        if (one.kind === "text" && text) one.text = text;
        return one;
      }),
      close: () => {
        place.replaceChildren();
        place.hidden = true;
      },
    };
  };
  return { open };
})();
