// The user says which class is right.

// With `allowsNew`, the right class may be one that the model does not have.
const correction = (target, answer, photo, allowsNew) => {
  const box = make("div", { className: "correction" });
  const words = answer.level === target.name ? "This is wrong" : "Name the class";
  const button = make("button", { type: "button", textContent: words });
  button.setAttribute("aria-label", `${words}: ${printable(answer.target)} ${printable(answer.label)}`);
  button.addEventListener("click", () => {
    const choice = combobox("The right class", target.classes, allowsNew);
    const send = make("button", { type: "submit", className: "main", textContent: "Send" });
    const cancel = make("button", { type: "button", textContent: "Cancel" });
    const note = (allowsNew ? "Choose a class, or write a new one. " : "")
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
        const thanks = make("p", { tabIndex: -1, className: "thanks" }, "Thank you. The photo is kept as ", named(label), ".");
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
