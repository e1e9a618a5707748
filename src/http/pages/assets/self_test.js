// Runs a self-test and shows what would be flagged.
"use strict";

const selfTest = document.getElementById("self-test");
if (selfTest) {
  const form = selfTest.querySelector("form");
  const run = form.querySelector("button");
  const photos = form.querySelector("input");
  const result = selfTest.querySelector(".result");
  form.hidden = false;

  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const words = (name) => name.replaceAll("_", " ");
  const percent = (share) => `${Math.round(share * 100)} %`;
  const note = (text, tone) => result.replaceChildren(make("p", text, { class: `note ${tone}` }));

  const row = (kind) => {
    const line = document.createElement("tr");
    const cells = kind.applicable
      ? [String(kind.made), String(kind.flagged), percent(kind.share), kind.wilson_95.map(percent).join(" to "),
        Object.entries(kind.verdicts).map(([verdict, n]) => `${n} ${words(verdict)}`).join(", ")]
      : ["0", "–", "–", "–", "no reference can carry such an edit"];
    line.append(make("th", words(kind.kind), { scope: "row" }));
    cells.forEach((cell, n) => line.append(make("td", cell, n < 3 ? { class: "number" } : {})));
    return line;
  };

  const show = (answer) => {
    const table = document.createElement("table");
    const head = document.createElement("tr");
    for (const name of ["Photos of", "Made", "Flagged", "Share", "95 % interval", "Verdicts"]) head.append(make("th", name, { scope: "col" }));
    table.createTHead().append(head);
    table.createTBody().append(...[answer.unedited, ...answer.edits].map(row));
    const scroll = make("div", "", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Result of the self-test" });
    scroll.append(table);
    const { judged, stored, flagged } = answer.genuine_photos;
    const items = flagged.map((photo) => photo.item).join(", ");
    const genuine = `Of ${stored} genuine photos ${judged} could be judged, and ${flagged.length} would be flagged${items && `: ${items}`}.`;
    const barred = answer.authorised_photos;
    const never = barred.flagged.map((photo) => `${photo.note} (${words(photo.verdict)})`).join(", ");
    const authorised = barred.stored === 0 ? []
      : [make("p", `Of ${barred.stored} photos that must never be flagged ${barred.flagged.length} would be${never && `: ${never}. Enroll what they show as a variant, or add genuine photos of it`}.`,
        { class: barred.flagged.length > 0 ? "note bad" : "" })];
    result.replaceChildren(
      make("p", `At a budget of ${answer.calibration.budget * 100} %: flags of unedited prints would be false, flags of edited ones are wanted.`),
      scroll, make("p", genuine), ...authorised, make("p", answer.note, { class: "dim" }),
    );
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    run.disabled = true;
    const started = Date.now();
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", "The self-test runs");
    const told = make("p", "It runs, about as long as a check of as many photos.", { class: "dim" });
    const clock = make("p", "", { class: "dim", "aria-hidden": "true" });
    const ticking = setInterval(() => {
      clock.textContent = `${Math.round((Date.now() - started) / 1000)} s`;
    }, 1000);
    result.replaceChildren(bar, told, clock);
    try {
      const response = await fetch(selfTest.dataset.to, {
        method: "POST",
        headers: { "content-type": "application/json", "x-form-token": document.querySelector("meta[name=form-token]").content },
        body: JSON.stringify({ photos_per_kind: Number(photos.value) }),
      });
      const answer = await response.json();
      if (response.ok) show(answer);
      else note(answer.detail, "bad");
    } catch {
      note("The server could not be reached.", "bad");
    } finally {
      clearInterval(ticking);
      run.disabled = false;
    }
  });
}
