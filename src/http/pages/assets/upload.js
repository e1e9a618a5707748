// Many pictures at once: each is sent by itself, two at a time, with its progress and what came of it. What
// fails keeps its place and can be sent again. Without this script a form sends one picture.
"use strict";

for (const form of document.querySelectorAll("form.upload")) {
  const AT_ONCE = 2;
  const PATIENCE = 20;
  const token = document.querySelector("meta[name=form-token]").content;
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  const place = form.querySelector(".editor");
  const list = document.createElement("ul");
  list.className = "files";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  form.append(status, list);
  let entries = [];
  let editor = null;
  input.multiple = true;
  // They are kept here, so that more can be added and none is lost.
  input.required = false;

  const of = (state) => entries.filter((entry) => entry.state === state);
  const button = (words, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  };

  const tell = (entry, words, tone = "dim", more = []) => {
    entry.said.textContent = words;
    entry.said.className = tone;
    entry.more.replaceChildren(...more.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  };

  // One picture alone can be given marks.
  const edit = () => {
    if (!place) return;
    const waiting = entries.filter((entry) => entry.state !== "done");
    const alone = waiting.length === 1 ? waiting[0] : null;
    if (editor && editor.file === alone?.file) return;
    if (editor) editor.close();
    editor = alone && alone.state === "waiting" ? marksEditor.open(place, alone.file, Number(form.dataset.mostMarks)) : null;
  };

  const count = () => {
    const [waiting, sending, failed, done] = ["waiting", "sending", "failed", "done"].map((state) => of(state).length);
    const parts = [[sending, "being sent"], [waiting, "waiting"], [failed, "not sent"], [done, "done"]];
    status.textContent = parts.filter(([n]) => n > 0).map(([n, words]) => `${n} ${words}`).join(", ");
    if (done > 0 && waiting + sending === 0) {
      const link = document.createElement("a");
      link.href = location.pathname + location.search;
      link.textContent = "Show the product as it is now";
      status.append(". ", link);
    }
  };

  const add = (files) => {
    for (const file of files) {
      const row = document.createElement("li");
      const [name, bar, said, more, acts] = ["div", "progress", "p", "ul", "div"].map((tag) => document.createElement(tag));
      const entry = { file, row, bar, said, more, acts, state: "waiting", tries: 0 };
      name.className = "name";
      name.textContent = file.name;
      bar.max = 1;
      bar.value = 0;
      bar.hidden = true;
      bar.setAttribute("aria-label", `Progress of ${file.name}`);
      row.append(name, bar, said, more, acts);
      list.append(row);
      acts.append(button("Take out", () => {
        entries = entries.filter((other) => other !== entry);
        row.remove();
        edit();
        count();
      }));
      tell(entry, "waits");
      entries.push(entry);
    }
    edit();
    count();
  };

  const failed = (entry, words) => {
    entry.state = "failed";
    entry.bar.hidden = true;
    tell(entry, words, "bad");
    entry.acts.replaceChildren(
      button("Send it again", () => {
        entry.state = "waiting";
        entry.tries = 0;
        tell(entry, "waits");
        pump();
      }),
      button("Take out", () => {
        entries = entries.filter((other) => other !== entry);
        entry.row.remove();
        edit();
        count();
      }),
    );
    pump();
  };

  const done = (entry, answer) => {
    entry.state = "done";
    entry.bar.hidden = true;
    entry.acts.replaceChildren();
    if (editor && editor.file === entry.file) {
      editor.close();
      editor = null;
    }
    if (answer.health) {
      const marks = answer.marks.length;
      const proposed = answer.marks.some((mark) => mark.proposed) ? ", proposed by Assay" : "";
      const words = answer.health.usable ? "enrolled and usable" : "enrolled, but not usable";
      const tone = answer.health.usable && answer.health.problems.length === 0 ? "good" : "bad";
      tell(entry, `${words}; ${marks} marks${proposed}`, tone, answer.health.problems);
    } else {
      tell(entry, `added to the item ${answer.item}`, "good");
    }
    pump();
  };

  const send = (entry) => {
    entry.state = "sending";
    entry.tries += 1;
    entry.acts.replaceChildren();
    const parts = new FormData();
    parts.append("image", entry.file);
    for (const field of form.querySelectorAll("select[name], input[name]:not([type=file], [type=hidden])")) {
      const value = field.value.trim();
      // Of countries each is a part of its own.
      const all = field.name === "markets" ? value.toUpperCase().split(/[\s,]+/) : [value];
      for (const one of all.filter((some) => some !== "")) parts.append(field.name, one);
    }
    if (editor && editor.file === entry.file) {
      const marks = editor.marks();
      if (marks.length > 0) parts.append("marks", JSON.stringify(marks));
    }
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.to);
    request.setRequestHeader("x-form-token", token);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) entry.bar.value = event.loaded / event.total;
      if (event.loaded === event.total) tell(entry, "is looked at");
    };
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // A proxy in between may answer in words of its own: the status says enough.
      }
      if (request.status === 201) {
        done(entry, answer);
        return;
      }
      const wait = Number(request.getResponseHeader("retry-after"));
      if ((request.status === 429 || request.status === 503) && wait > 0 && entry.tries < PATIENCE) {
        tell(entry, `the server is busy; sent again in ${wait} s`);
        setTimeout(() => send(entry), wait * 1000);
        return;
      }
      failed(entry, answer.detail ?? `the server answered ${request.status}`);
    };
    request.onerror = () => failed(entry, "the server could not be reached");
    entry.bar.hidden = false;
    entry.bar.value = 0;
    tell(entry, "is sent");
    request.send(parts);
  };

  const pump = () => {
    for (const entry of of("waiting")) {
      if (of("sending").length >= AT_ONCE) break;
      send(entry);
    }
    count();
  };

  input.addEventListener("change", () => {
    add(input.files);
    // So that the same file can be chosen again.
    input.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add(event.dataTransfer.files);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (of("waiting").length === 0) {
      status.textContent = "Choose pictures first.";
      input.focus();
      return;
    }
    pump();
  });
  addEventListener("beforeunload", (event) => {
    // What was chosen and not sent would have to be chosen again.
    if (entries.some((entry) => entry.state !== "done")) event.preventDefault();
  });
}
