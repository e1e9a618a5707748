// Keys for what every page has: a control is pressed by the key that it shows. Without scripts all of it
// works by mouse and by Tab.
"use strict";

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=range])"));

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target instanceof HTMLElement && event.target.closest("form");
    if (form && form.id === "decide") {
      form.requestSubmit();
      event.preventDefault();
    }
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const control = [...document.querySelectorAll("[data-key]")].find((c) => c.dataset.key === event.key);
  if (control) {
    event.preventDefault();
    if (control.matches("textarea, input[type=text], input[type=search]")) control.focus();
    else control.click();
    if (control.matches("input[type=radio]")) control.focus();
  }
});

// Rows of the queue, by j and k.
const queue = document.getElementById("queue");
if (queue) {
  const rows = [...queue.tBodies[0].rows];
  let here = -1;
  const go = (to) => {
    if (to < 0 || to >= rows.length) return;
    if (here >= 0) rows[here].classList.remove("here");
    here = to;
    rows[here].classList.add("here");
    rows[here].querySelector("a.open").focus();
    rows[here].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") go(here + 1);
    else if (event.key === "k") go(Math.max(here - 1, 0));
    else if (event.key === "/") {
      event.preventDefault();
      document.querySelector("input[type=search]").focus();
    }
  });
}

// A link may bring a key behind its `#`, which browsers send to no server: it is filled in and taken out of
// the address.
const signIn = document.getElementById("sign-in");
if (signIn) {
  const take = () => {
    if (!location.hash.startsWith("#assay_")) return;
    signIn.elements.key.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname + location.search);
    signIn.requestSubmit();
  };
  take();
  // The page may be open already when the link is followed.
  addEventListener("hashchange", take);
}
