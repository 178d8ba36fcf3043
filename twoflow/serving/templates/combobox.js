// A list of classes that is searched by typing: the ARIA pattern "combobox with listbox popup".
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

let comboboxes = 0;

// Returns the element, its input, and a function for the chosen class. That is null if there is no such class, and the
// text itself if `allowsNew`. With `isOptional` it may be empty. `changed` is called after each change.
const combobox = (labelText, classes, allowsNew, { isOptional = false, changed = () => {} } = {}) => {
  const id = `combobox-${++comboboxes}`;
  const texts = classes.map(printable);
  const keys = texts.map((text) => text.toLowerCase());
  const input = make("input", { id, type: "text", autocomplete: "off", spellcheck: false, required: !isOptional });
  const list = make("ul", { id: `${id}-list`, hidden: true, className: "options" });
  const count = make("span", { className: "hidden" });
  const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
  for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", labelText);
  count.setAttribute("role", "status");
  const options = classes.map((each, place) => {
    const option = make("li", { id: `${id}-${place}` }, named(each));
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.place = place;
    return option;
  });
  list.append(...options);
  let active = null;

  const activate = (option) => {
    active?.setAttribute("aria-selected", "false");
    active = option;
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", option.id);
    // Only the list scrolls, never the page.
    if (option.offsetTop < list.scrollTop) list.scrollTop = option.offsetTop;
    list.scrollTop = Math.max(list.scrollTop, option.offsetTop + option.offsetHeight - list.clientHeight);
  };
  const open = (isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) activate(null);
  };
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let n = 0;
    options.forEach((option, place) => {
      option.hidden = !words.every((word) => keys[place].includes(word));
      n += !option.hidden;
    });
    activate(null);
    open(n > 0);
    count.textContent = counted(n, "class", "classes");
  };
  const choose = (option) => {
    input.value = texts[option.dataset.place];
    input.setCustomValidity("");
    open(false);
    changed();
  };
  const step = (by) => {
    if (list.hidden) filter();
    const shown = options.filter((option) => !option.hidden);
    if (!shown.length) return;
    const place = active ? shown.indexOf(active) + by : by > 0 ? 0 : -1;
    activate(shown.at(place % shown.length));
  };

  input.addEventListener("input", () => { input.setCustomValidity(""); filter(); changed(); });
  input.addEventListener("click", () => { if (list.hidden) filter(); });
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && active) choose(active);
    else if (event.key === "Escape" && !list.hidden) open(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // So that the input keeps the focus.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });

  const box = make("div", { className: "combobox" }, input, list, count);
  const element = make("div", {}, make("label", { htmlFor: id, textContent: labelText }), box);
  const chosen = () => {
    const place = texts.findIndex((text) => text.trim() === input.value.trim());
    const isMissing = place < 0 && !allowsNew && !(isOptional && !input.value.trim());
    input.setCustomValidity(isMissing ? "Choose a class from the list." : "");
    return isMissing ? null : classes[place] ?? input.value.trim();
  };
  return { element, input, chosen };
};
