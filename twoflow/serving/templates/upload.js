// From photos to answers.

let model = null;
let batch = null;  // the photos that are shown: what stops their requests, and the addresses of their images

// Asks for the token, and then repeats all that failed for the lack of it.
const waiting = [];
const askToken = (...again) => {
  waiting.push(...again);
  if (token) at("token-problem").textContent = "The token was not accepted.";
  at("token").hidden = false;
  at("token-input").focus();
};
at("token").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = at("token-input").value.trim();
  at("token-input").value = "";
  at("token").hidden = true;
  for (const again of waiting.splice(0)) await again();
  if (at("token").hidden && document.activeElement === document.body) at("choose").focus();
});

const complain = (problem, again = null) => {
  at("problem").replaceChildren(showProblem(problem, again));
  at("problem").hidden = false;
  say(`${problem.title}. ${problem.message}`);
};
const stopComplaining = () => { at("problem").hidden = true; };

const start = async () => {
  stopComplaining();
  try {
    const found = await askModel();
    if (found.token && !token) return askToken(start);
    model = found;
    showAbout(model);
    at("upload").hidden = false;
  } catch (problem) {
    if (problem.status === 401) askToken(start);
    else complain(problem, start);
  }
};

// The photo as it is now seen; the browser turns it as its EXIF data say.
const showPhoto = (photo) => {
  const address = URL.createObjectURL(photo);
  batch.addresses.push(address);
  const image = make("img", { src: address, alt: printable(photo.name) });
  image.addEventListener("error", () => image.replaceWith(
    make("span", { className: "unreadable", textContent: "no preview" }),
  ));
  return make(
    "figure", { className: "photo" }, image,
    make("figcaption", {}, make("bdi", { className: "file", textContent: printable(photo.name), title: printable(photo.name) })),
  );
};

const showCount = () => {
  const { photos, answered } = batch;
  const all = counted(photos.length, "photo");
  at("results-title").textContent = photos.length === 1 ? "Answer" : answered < photos.length
    ? `${answered.toLocaleString("en")} of ${all} answered` : `Answers for ${all}`;
};

const answerOne = async (photo, result, mine) => {
  const place = result.lastElementChild;
  place.replaceChildren(make("p", { className: "busy", textContent: "Looking at the photo" }));
  result.setAttribute("aria-busy", "true");
  const again = () => answerOne(photo, result, mine);
  const prefix = mine.photos.length > 1 ? `${printable(photo.name)}. ` : "";
  try {
    if (photo.size + ENVELOPE > model.limits.max_bytes) throw new Problem(TITLES[413], tooLarge(photo), { status: 413 });
    const [prediction, digest] = await askPrediction(photo, mine.stop.signal);
    if (digest !== model.digest) {  // the service has started with another model since
      examples.clear();
      model = await askModel();
      showAbout(model);
    }
    if (mine !== batch) return;
    const reasons = askOnce(() => askReasons(photo, mine.stop.signal));
    place.replaceChildren(
      ...(prediction.decision ? [showDecision(prediction.decision)] : []),
      ...prediction.answers.map((answer) => showAnswer(answer, photo, model, reasons)),
    );
    const decision = prediction.decision ? `${prediction.decision.name}. ` : "";
    say(prefix + decision + prediction.answers.map(inWords).join(" "));
    if (photo === mine.photos[0]) place.querySelector(".label").scrollIntoView({ block: "nearest" });
  } catch (problem) {
    if (mine !== batch) return;
    if (!(problem instanceof Problem)) throw problem;
    const isFinal = [413, 415, 422].includes(problem.status);
    place.replaceChildren(showProblem(problem, isFinal ? null : again));
    say(`${prefix}${problem.title}. ${problem.message}`);
    if (problem.status === 401) askToken(again);
  } finally {
    result.removeAttribute("aria-busy");
  }
};

// What a request adds to its photo, at most, in bytes.
const ENVELOPE = 2000;

// A smaller copy might get another answer than the photo, so none is made.
const tooLarge = (photo) => `expected at most ${megabytes(model.limits.max_bytes)}, got ${megabytes(photo.size)}; `
  + "choose a smaller photo";

const take = async (files) => {
  const photos = [...files];
  if (!model || !photos.length) return;
  stopComplaining();
  if (photos.length > model.limits.max_images) {
    return complain(new Problem("Too many photos", `expected at most ${counted(model.limits.max_images, "photo")} at once, `
      + `got ${photos.length.toLocaleString("en")}; choose fewer. None was sent.`));
  }
  batch?.stop.abort();
  batch?.addresses.forEach((address) => URL.revokeObjectURL(address));
  const mine = { photos, answered: 0, addresses: [], stop: new AbortController() };
  batch = mine;
  const results = photos.map((photo) => {
    const result = make("li", { className: "result" }, showPhoto(photo), make("div", { className: "answers" }));
    result.setAttribute("aria-label", printable(photo.name));
    return result;
  });
  at("list").replaceChildren(...results);
  document.body.classList.add("answering");
  at("results").hidden = false;
  showCount();
  at("results").scrollIntoView({ block: "nearest" });
  for (const [i, photo] of photos.entries()) {
    if (mine !== batch) return;
    await answerOne(photo, results[i], mine);
    if (mine !== batch) return;
    mine.answered++;
    showCount();
  }
};

for (const id of ["choose", "camera"]) {
  at(id).addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";  // so that the same photo can be chosen again
  });
}
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) {
    event.preventDefault();
    take(event.clipboardData.files);
  }
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const isOver = kind === "dragover" || kind === "dragenter" || (kind === "dragleave" && event.relatedTarget !== null);
    at("drop").classList.toggle("over", isOver);
    if (kind === "drop") take(event.dataTransfer.files);
  });
}

start();
