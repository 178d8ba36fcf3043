// The tree of a model's classes: paths from the broadest level down.

// The labels of a path, from broad to fine.
const crumbs = (path) => path.flatMap((label, place) => place
  ? [make("span", { className: "to", textContent: " › " }), named(label)] : [named(label)]);

const pathInWords = (path) => path.map(printable).join(", ");

// The name of a path, as the service writes it: a slash in a label is escaped.
const nameOf = (path) => path.map((label) => String(label).replace(/[\\/]/g, "\\$&")).join("/");

// The path of a class by its name; the name itself if no tree has it.
const pathOf = (target, name) => {
  const tree = target?.tree;
  return tree && tree.levels.length > 1 ? tree.nodes.find((path) => nameOf(path) === String(name)) ?? [name] : [name];
};

// The classes below a path, by tree.
const families = new WeakMap();
const below = (tree, path) => {
  if (!families.has(tree)) {
    families.set(tree, Map.groupBy(tree.nodes, (each) => JSON.stringify(each.slice(0, -1))));
  }
  return families.get(tree).get(JSON.stringify(path)) ?? [];
};

// How many classes each level has, the broadest first.
const levelsInWords = (tree) => tree.levels.map((level, depth) => {
  const n = tree.nodes.filter((path) => path.length === depth + 1).length;
  return `${printable(level)} (${counted(n, "class", "classes")})`;
}).join(", ");

// All classes as nested lists.
const listOf = (tree, path = []) => {
  const classes = below(tree, path);
  if (!classes.length) return null;
  const list = make("ul", {}, ...classes.map((each) => make("li", {}, named(each.at(-1)), listOf(tree, each))));
  list.setAttribute("role", "list");
  return list;
};

// The likeliest class of one level: a bar, the confidence, and whether it is part of the answer.
const step = (each, before) => {
  const fits = before.every((label, place) => each.path[place] === label);
  const words = make(
    "span", { className: "what" }, make("span", { className: "note" }, named(each.level)),
    make("span", { className: "class" }, ...crumbs(fits ? each.path.slice(before.length) : each.path)), barOf(each.confidence),
  );
  const mark = make("span", { className: each.answered ? "mark good" : "mark", textContent: each.answered ? "answered" : "not answered" });
  return make("li", {}, words, make("span", { className: "share" }, shareOf(each.confidence), mark));
};

const stepsOf = (answer, captionId) => {
  const list = make("ol", { className: "likely steps" });
  list.setAttribute("role", "list");
  list.setAttribute("aria-labelledby", captionId);
  let before = [];
  for (const each of answer.steps) {
    list.append(step(each, before));
    before = each.path;
  }
  return list;
};

// How much the photo looks like the training photos. The number has no unit, so it is written beside the least one.
const scopeOf = ({ score, threshold }) => {
  if (score === null) return null;
  const [is, so] = score < threshold ? ["below", "nothing that the model knows"] : ["at least", "something that the model knows"];
  const [shown, least] = [score, threshold].map((each) => Number(each.toPrecision(3)));
  const text = `Likeness to the training photos: ${shown}, ${is} ${least}: ${so}.`;
  return make("p", { className: "note scope", textContent: text });
};
