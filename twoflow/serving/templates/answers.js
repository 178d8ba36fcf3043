// What the model answers for one photo.

const DECISIONS = { approved: "good", denied: "warm", review: "" };

const shareOf = (share) => make("span", { className: "share", textContent: share === null ? "" : confidence(share) });

const barOf = (share) => {
  const bar = make("span", { className: "track", hidden: share === null });
  bar.setAttribute("aria-hidden", "true");
  const part = make("span", { className: "bar" });
  part.style.width = `${Math.min(100, share * 100)}%`;
  if (share !== null) bar.append(part);
  return bar;
};

let lists = 0;

const captionOf = (text) => make("p", { className: "note caption", id: `likely-${++lists}`, textContent: text });

// A likely class: an example photo of it, its name, its confidence as a bar and as a number.
const likely = (each, target) => {
  const line = make("li", {});
  if (target?.has_examples) {
    const frame = make("span", { className: "example" });
    askExample(target.name, each.position).then((address) => {
      if (address) frame.append(make("img", { src: address, alt: `Example of ${printable(each.label)}` }));
    });
    line.append(frame);
  }
  const words = make(
    "span", { className: "what" }, make("span", { className: "class" }, ...crumbs(pathOf(target, each.label))),
    barOf(each.confidence),
  );
  line.append(words, shareOf(each.confidence));
  return line;
};

// In one sentence, for a screen reader.
const inWords = (answer) => {
  const share = answer.confidence === null || !answer.level ? "" : `, confidence ${confidence(answer.confidence)}`;
  const label = answer.path.length ? pathInWords(answer.path) : printable(answer.label);
  return `${printable(answer.target)}: ${label}${share}. ${answer.reason}`.trim();
};

// One target's answer. `model` is that of the service; `photo` is the file; `reasons` asks for the reasons of all targets.
const showAnswer = (answer, photo, model, reasons) => {
  const target = model.targets.find((each) => each.name === answer.target);
  const isBroader = answer.level !== "" && answer.level !== answer.target;
  const label = make("p", { className: "label" }, ...crumbs(answer.path.length ? answer.path : [answer.label]));
  if (answer.level) label.append(" ", shareOf(answer.confidence));
  label.classList.toggle("warm", !answer.level);
  const heading = make("h3", { className: "target" }, ...crumbs(target?.tree?.levels ?? [answer.target]));
  const section = make("section", { className: "answer-of" }, heading, label);
  if (isBroader) section.append(make("p", { className: "kind" }, "a broader class, of the level ", named(answer.level)));
  if (answer.reason) section.append(make("p", { className: "reason", textContent: printable(answer.reason) }));
  const isSure = answer.top.some((each) => each.confidence !== null);
  if (answer.steps.length) {
    const caption = captionOf("The likeliest class of each level and its confidence");
    section.append(caption, stepsOf(answer, caption.id));
  }
  if (answer.scope) section.append(scopeOf(answer.scope) ?? "");
  const what = answer.steps.length ? "Likeliest paths" : "Likeliest classes";
  const caption = captionOf(isSure ? `${what} and their confidence` : `${what}; this model has no confidences`);
  const list = make("ol", { className: "likely" });
  list.setAttribute("role", "list");  // Safari takes the role from a list without marks
  list.setAttribute("aria-labelledby", caption.id);
  list.append(...answer.top.map((each) => likely(each, target)));
  section.append(caption, list);
  section.append(why(answer, reasons));
  if (model.corrections && target) section.append(correction(target, answer, photo, model.new_labels));
  return section;
};

const showDecision = (decision) => make(
  "p", { className: "decision" },
  make("strong", { className: DECISIONS[decision.name] ?? "", textContent: printable(decision.name) }),
  decision.rule ? make("span", { className: "note", textContent: ` ${printable(decision.rule)}` }) : null,
);

const showProblem = (problem, again) => {
  const wait = problem.seconds ? ` Wait ${counted(problem.seconds, "second")}, then try again.` : "";
  const box = make(
    "div", { className: "problem" },
    make("p", {}, make("strong", { textContent: problem.title })),
    make("p", { textContent: printable(problem.message) + wait }),
  );
  if (again) {
    const button = make("button", { type: "button", textContent: "Try again" });
    button.addEventListener("click", again);
    box.append(button);
  }
  return box;
};
