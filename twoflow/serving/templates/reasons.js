// Why the model answered so: places of the photo, flows, and training images.

// The answer to a question that is asked once; after a problem it may be asked again.
const askOnce = (ask) => {
  let found = null;
  return () => {
    found ??= ask().catch((problem) => { found = null; throw problem; });
    return found;
  };
};

// A number with its sign; three digits, or three decimals.
const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(3)}`;
const precise = (value) => `${value > 0 ? "+" : ""}${Number(value.toPrecision(3))}`;

const sideOf = (value) => value > 0 ? "for" : "against";

// The photo as the model reads it, with the map over it, which can be switched off.
const looked = (reason, image) => {
  const photo = make("img", { src: image, alt: "The photo as the model reads it" });
  const stack = make("div", { className: "stack" }, photo);
  if (!reason.map) return make("div", { className: "looked" }, stack);
  stack.append(make("img", { src: reason.map.image, className: "over", alt: printable(reason.sentences.slice(0, -1).join(" ")) }));
  const toggle = make("input", { type: "checkbox", className: "toggle", checked: true });
  const end = precise(reason.map.strongest);
  const scale = make(
    "div", { className: "scale" }, make("span", { className: "colors" }),
    make("span", { textContent: `${end.replace("+", "-")} against` }), make("span", { textContent: "0" }),
    make("span", { textContent: `for ${end}` }),
  );
  scale.setAttribute("aria-hidden", "true");
  return make("div", { className: "looked" }, make("label", { className: "switch" }, toggle, "show what it looked at"), stack, scale);
};

const flowsOf = (reason) => {
  const constant = reason.method === "occlusion" ? "if all is covered" : "the same for every photo";
  const parts = [...reason.flows, { name: constant, share: reason.constant }];
  const most = Math.max(...parts.map((part) => Math.abs(part.share))) || 1;
  const lines = parts.map((part) => {
    const bar = make("span", { className: `part ${sideOf(part.share)}` });
    bar.style.width = `${48 * Math.abs(part.share) / most}%`;
    const middle = make("td", { className: "middle" }, bar);
    middle.setAttribute("aria-hidden", "true");
    return make("tr", {}, make("th", { scope: "row" }, named(part.name)), middle, make("td", { className: "figure", textContent: signed(part.share) }));
  });
  const sum = make(
    "tr", {}, make("th", { scope: "row", textContent: "score" }), make("td", {}),
    make("td", { className: "figure", textContent: reason.score.toFixed(3) }),
  );
  return make(
    "table", {}, make("caption", {}, "What each flow adds to the score of ", named(reason.label)), make("tbody", {}, ...lines, sum),
  );
};

const nearOf = (near, side, reason) => {
  if (!near.length) return [];
  const items = near.map((each) => make(
    "li", { className: side },
    each.thumbnail ? make("img", { src: each.thumbnail, alt: printable(each.label) }) : make("span", { className: "unreadable" }),
    named(each.label), make("span", { textContent: precise(each.term) }),
  ));
  const list = make("ul", { className: "near" }, ...items);
  list.setAttribute("role", "list");
  return [make("h4", {}, `Training images that spoke ${side} `, named(reason.label)), list];
};

const showReason = (reason, image, answer) => {
  const isOther = answer.level !== reason.target;
  const sentences = [...(isOther ? [`The reasons are those of the likeliest class, ${reason.label}.`] : []), ...reason.sentences];
  const words = make("div", { className: "why" }, ...sentences.map((each) => make("p", { textContent: printable(each) })), flowsOf(reason));
  if (reason.neighbors) {
    const { for_it, against_it, rest, constant, is_exact } = reason.neighbors;
    const approximate = is_exact ? "" : " The terms are approximate, because the model file keeps a short form of the training images.";
    words.append(
      ...nearOf(for_it, "for", reason), ...nearOf(against_it, "against", reason),
      make("p", { className: "note", textContent: `An image of another class speaks for it if the photo is unlike that image. All other training images together: ${signed(rest)}; the score of their mean: ${signed(constant)}.${approximate}` }),
    );
  }
  return make("div", { className: "explanation" }, looked(reason, image), words);
};

// A button that asks for the reasons of an answer, shows them and hides them.
const why = (answer, reasons) => {
  const place = make("div", { hidden: true, id: `why-${++lists}` });
  const button = make("button", { type: "button", textContent: "Why?" });
  const name = `${printable(answer.target)} ${printable(answer.label)}`;
  const turn = (isOpen) => {
    place.hidden = !isOpen;
    button.textContent = isOpen ? "Hide the reasons" : "Why?";
    button.setAttribute("aria-expanded", isOpen);
    button.setAttribute("aria-label", `${button.textContent.replace("?", "")}: ${name}`);
  };
  button.setAttribute("aria-controls", place.id);
  turn(false);
  const ask = async () => {
    place.replaceChildren(make("p", { className: "busy", textContent: "Looking for the reasons" }));
    say("Looking for the reasons");
    try {
      const body = await reasons();
      const reasonFor = (name) => body.reasons.find((each) => each.target === name);
      const reason = reasonFor(answer.level) || reasonFor(answer.target);
      if (!reason) throw new Problem(...BROKEN);
      place.replaceChildren(showReason(reason, body.image, answer));
      say(reason.sentences.map(printable).join(" "));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      place.replaceChildren(showProblem(problem, problem.status === 422 ? null : ask));
      say(`${problem.title}. ${problem.message}`);
      if (problem.status === 401) askToken(ask);
    }
  };
  button.addEventListener("click", () => {
    turn(place.hidden);
    if (!place.hidden && !place.querySelector(".explanation, .busy")) ask();
  });
  return make("div", { className: "reasons" }, button, place);
};
