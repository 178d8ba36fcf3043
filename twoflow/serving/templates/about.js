// What the model is, and how a program calls the service.

const fact = (name, ...what) => make("div", {}, make("dt", { textContent: name }), make("dd", {}, ...what));

const expected = (accuracy) => {
  const [low, high] = accuracy.interval ?? [null, null];
  const isKnown = typeof low === "number" && typeof high === "number";
  const interval = isKnown ? ` [${percent(low)}, ${percent(high)}]` : "";
  return `${percent(accuracy.accuracy)}${interval}`;
};

const expectedInWords = (accuracy, what = "of the answers for new photos") => {
  const interval = typeof accuracy.interval?.[0] === "number" ? `; in brackets, the ${percent(accuracy.confidence)} interval` : "";
  return `${expected(accuracy)} ${what}${interval}. Measured on ${printable(accuracy.source)}.`;
};

const showAbout = (model) => {
  const several = model.targets.length > 1;
  const n = model.targets.map((target) => {
    if (target.tree) return levelsInWords(target.tree);
    const number = counted(target.classes.length, "class", "classes");
    return several ? `${printable(target.name)} (${number})` : number;
  });
  const measured = several ? model.exact_match : model.targets[0].accuracy;
  const what = several ? "photos are expected to be right in all of these" : "answers are expected to be right";
  const right = measured ? `; ${expected(measured)} of the ${what}` : "";
  at("lead").textContent = `${printable(model.title)}: ${n.join(", ")}${right}.`;
  document.title = `${printable(model.title)}: classify photos`;

  const standing = model.targets.some((target) => target.tree)
    ? "none: the model itself decides when the answer is a broader class or “unknown”"
    : "none: the likeliest class is always the answer";
  const threshold = model.threshold === null ? standing
    : `${confidence(model.threshold)}: with less confidence, the answer is a broader class or “unknown”`;
  const isPartly = (target) => typeof target.n_labeled === "number" && target.n_labeled < model.n_images;
  at("facts").replaceChildren(
    fact("model", named(model.title)),
    ...(model.exact_match ? [fact("expected right, all targets", expectedInWords(model.exact_match, "of new photos"))] : []),
    ...model.targets.map((target) => fact(
      several ? `expected right, ${printable(target.name)}` : "expected right",
      target.accuracy ? expectedInWords(target.accuracy) : "not measured",
    )),
    fact("threshold", threshold),
    fact("trained", printable(model.created)),
    ...model.targets.filter(isPartly).map((target) => fact(
      `trained on, ${printable(target.name)}`, `${target.n_labeled} of ${model.n_images} photos, those with a label of it`,
    )),
    fact("digest", make("code", { textContent: printable(model.digest) })),
    fact("photos", `up to ${model.limits.max_images} at once, each up to ${megabytes(model.limits.max_bytes)}`),
  );
  at("classes").replaceChildren(...model.targets.map((target) => make(
    "details", {},
    make("summary", {}, ...(several ? [named(target.name), ": "] : []), target.tree ? "The tree of classes"
      : counted(target.classes.length, "class", "classes")),
    target.tree ? make("div", { className: "tree" }, listOf(target.tree))
      : make("ul", { className: "columns" }, ...target.classes.map((each) => make("li", {}, named(each)))),
  )));
  at("privacy").textContent = model.corrections
    ? "A photo is kept only if you correct its answer." : "Photos are not kept.";

  const header = model.token ? ' -H "Authorization: Bearer $TOKEN"' : "";
  at("curl").textContent = `curl${header} -F images=@photo.jpg ${addressOf("predict")}`;
  at("about").hidden = false;
};

at("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(at("curl").textContent);
    at("copied").textContent = "Copied.";
  } catch {
    // Without https, a page may not write to the clipboard.
    getSelection().selectAllChildren(at("curl"));
    at("copied").textContent = "Selected: press Ctrl+C to copy.";
  }
});
