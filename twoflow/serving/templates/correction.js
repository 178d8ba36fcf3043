// The user says which class is right.

const UNKNOWN = "unknown";

// A list for each level of a tree; the next appears when a class with classes below it is chosen. Returns what
// `combobox` returns; the chosen class is the name of its path.
const levelByLevel = (tree, allowsNew) => {
  const element = make("div", {});
  const levels = [];  // a combobox each, with the path above it
  const add = (path) => {
    const depth = path.length;
    const classes = below(tree, path).map((each) => each.at(-1));
    if (depth >= tree.levels.length || !(classes.length || allowsNew)) return;
    if (!depth) classes.push(UNKNOWN);
    const text = `The right ${printable(tree.levels[depth])}${depth ? " (leave it empty if you are not sure)" : ""}`;
    const level = combobox(text, classes, allowsNew, { isOptional: depth > 0, changed: () => {
      for (const { element } of levels.splice(depth + 1)) element.remove();
      const label = level.chosen();
      level.input.setCustomValidity("");
      if (label !== null && label !== "" && !(depth === 0 && label === UNKNOWN)) add([...path, label]);
    } });
    levels.push(level);
    element.append(level.element);
  };
  add([]);
  const chosen = () => {
    const labels = levels.map((level) => level.chosen());
    const path = labels.filter((label) => label !== "");
    return labels.includes(null) ? null : tree.levels.length > 1 ? nameOf(path) : path[0];
  };
  return { element, input: levels[0].input, chosen };
};

// With `allowsNew`, the right class may be one that the model does not have.
const correction = (target, answer, photo, allowsNew) => {
  const box = make("div", { className: "correction" });
  const words = answer.level === target.name ? "This is wrong" : "Name the class";
  const button = make("button", { type: "button", textContent: words });
  button.setAttribute("aria-label", `${words}: ${printable(answer.target)} ${printable(answer.label)}`);
  button.addEventListener("click", () => {
    const choice = target.tree ? levelByLevel(target.tree, allowsNew)
      : combobox("The right class", target.classes, allowsNew);
    const send = make("button", { type: "submit", className: "main", textContent: "Send" });
    const cancel = make("button", { type: "button", textContent: "Cancel" });
    const note = (target.tree ? `Choose “${UNKNOWN}” for a photo of something else. ` : "")
      + (allowsNew ? "Choose a class, or write a new one. " : "")
      + "The photo and its right class will be kept, to train the next model.";
    const form = make(
      "form", {}, choice.element, make("p", { className: "note", textContent: note }),
      make("p", { className: "fields" }, send, cancel),
    );
    const close = () => { form.replaceWith(button); button.focus(); };
    cancel.addEventListener("click", close);
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    send.addEventListener("click", choice.chosen);  // before the browser judges the form
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const label = choice.chosen();
      send.disabled = true;
      form.querySelector(".problem")?.remove();
      try {
        await sendCorrection(photo, target.name, String(label));
        const thanks = make("p", { tabIndex: -1, className: "thanks" }, "Thank you. The photo is kept as ", ...crumbs(pathOf(target, label)), ".");
        form.replaceWith(thanks);
        thanks.focus();
        say(thanks.textContent);
      } catch (problem) {
        send.disabled = false;
        form.append(showProblem(problem));
        say(`${problem.title}. ${problem.message}`);
        if (problem.status === 401) askToken();
      }
    });
    button.replaceWith(form);
    choice.input.focus();
  });
  box.append(button);
  return box;
};
