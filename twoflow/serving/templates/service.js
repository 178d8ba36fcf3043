// Calls of the service, and what went wrong with one in words.

const PATIENCE_MS = 120000;

// The token, in memory only.
let token = "";

// What went wrong: a title, the service's own sentence or ours, and after how many seconds to try again, if known.
class Problem extends Error {
  constructor(title, detail, { status = 0, seconds = null } = {}) {
    super(detail);
    Object.assign(this, { title, status, seconds });
  }
}

const TITLES = {
  401: "The service asks for a token",
  408: "The connection is too slow",
  413: "The photo is too large",
  415: "This is not an image",
  422: "The photo cannot be read",
  429: "The service is busy",
  503: "The service is busy",
};
const CORRECTION_TITLES = {
  404: "Corrections are not kept",
  422: "The correction was not kept",
};
const REASON_TITLES = { 422: "There are no reasons for this answer" };
const OFFLINE = ["The service cannot be reached", "Check the connection, and try again."];
const SLOW = ["The service takes too long", "Try again later."];
const BROKEN = ["The answer cannot be understood", "Reload the page; if it happens again, tell whoever runs the service."];

const addressOf = (path) => new URL(path, document.baseURI).href;

// The response, whatever its status.
const call = async (path, { form = null, signal = null } = {}) => {
  const stop = new AbortController();
  const clock = setTimeout(() => stop.abort("slow"), PATIENCE_MS);
  signal?.addEventListener("abort", () => stop.abort("left"));
  try {
    return await fetch(addressOf(path), {
      method: form ? "POST" : "GET",
      body: form ?? undefined,
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      signal: stop.signal,
      cache: "no-store",
    });
  } catch {
    throw new Problem(...(stop.signal.reason === "slow" ? SLOW : OFFLINE));
  } finally {
    clearTimeout(clock);
  }
};

const problemOf = async (response, titles = TITLES) => {
  const body = await response.json().catch(() => null);
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Problem(
    titles[response.status] ?? (response.status < 500 ? "The service refused the request" : "The service failed"),
    typeof body?.error === "string" ? body.error : `It answered with status ${response.status}.`,
    { status: response.status, seconds: Number.isNaN(seconds) ? null : seconds },
  );
};

// The JSON of a response that is as it should be; `check` returns whether the rest of the page can use it.
const read = async (response, check, titles = TITLES) => {
  if (!response.ok) throw await problemOf(response, titles);
  const body = await response.json().catch(() => null);
  let fits = false;
  try { fits = check(body); } catch { /* a part is missing */ }
  if (!fits) throw new Problem(...BROKEN);
  return body;
};

const isText = (value) => typeof value === "string";
const isShare = (value) => value === null || (typeof value === "number" && value >= 0 && value <= 1.001);

const isModel = (model) => isText(model.title) && isText(model.digest) && model.limits.max_bytes > 0
  && model.limits.max_images > 0 && model.targets.length > 0
  && model.targets.every((target) => isText(target.name) && Array.isArray(target.classes)
    && (target.tree === null || (target.tree.levels.every(isText) && target.tree.nodes.every((path) => path.length))));

const isStep = (step) => isText(step.level) && step.path.length && isShare(step.confidence);
const isScope = (scope) => scope === null || (typeof scope.threshold === "number" && (scope.score === null || typeof scope.score === "number"));

const isAnswer = (answer) => isText(answer.target) && isText(answer.level) && isText(answer.reason)
  && answer.label !== undefined && isShare(answer.confidence) && Array.isArray(answer.path) && answer.steps.every(isStep) && isScope(answer.scope)
  && answer.top.every((each) => each.label !== undefined && isShare(each.confidence) && Number.isInteger(each.position));

const isPredictions = (body) => isText(body.model) && body.predictions.length === 1 && body.predictions.every((prediction) =>
  prediction.error ? isText(prediction.error) : prediction.answers.length > 0 && prediction.answers.every(isAnswer));

const isNumber = (value) => typeof value === "number";
const isImage = (value) => isText(value) && value.startsWith("data:image/");
const isNear = (near) => near.label !== undefined && isNumber(near.term) && (near.thumbnail === null || isImage(near.thumbnail));
const isReason = (reason) => isText(reason.target) && reason.label !== undefined && isNumber(reason.score) && isNumber(reason.constant)
  && isText(reason.method) && reason.sentences.every(isText) && reason.flows.every((flow) => isText(flow.name) && isNumber(flow.share))
  && (reason.map === null || (isImage(reason.map.image) && isNumber(reason.map.strongest)))
  && (reason.neighbors === null || (reason.neighbors.for_it.every(isNear) && reason.neighbors.against_it.every(isNear)
    && isNumber(reason.neighbors.rest) && isNumber(reason.neighbors.constant)));
const isExplanation = (body) => isImage(body.image) && body.reasons.length > 0 && body.reasons.every(isReason);

const askModel = async () => read(await call("model"), isModel);

// The prediction for a photo, and the digest of the model that made it.
const askPrediction = async (photo, signal) => {
  try {
    await photo.slice(0, 1).arrayBuffer();
  } catch {
    throw new Problem(TITLES[422], "expected a photo, got a folder, or a file that has changed; choose it again", { status: 422 });
  }
  const form = new FormData();
  form.append("images", photo, photo.name);
  const body = await read(await call("predict", { form, signal }), isPredictions);
  const [prediction] = body.predictions;
  if (prediction.error) throw new Problem(TITLES[422], prediction.error, { status: 422 });
  return [prediction, body.model];
};

// The reasons for the answer to a photo.
const askReasons = async (photo, signal) => {
  const form = new FormData();
  form.append("image", photo, photo.name);
  return read(await call("explain", { form, signal }), isExplanation, { ...TITLES, ...REASON_TITLES });
};

const sendCorrection = async (photo, target, label) => {
  const form = new FormData();
  form.append("image", photo, photo.name);
  form.append("target", target);
  form.append("label", label);
  const response = await call("corrections", { form });
  if (!response.ok) throw await problemOf(response, { ...TITLES, ...CORRECTION_TITLES });
};

// Example photos are fetched with the token, so their addresses cannot stand in the page. Each is fetched once.
const examples = new Map();
const askExample = (target, position) => {
  const path = `examples/${encodeURIComponent(target)}/${position}`;
  if (!examples.has(path)) {
    const found = call(path).then(async (response) => response.ok ? URL.createObjectURL(await response.blob()) : null)
      .catch(() => { examples.delete(path); return null; });
    examples.set(path, found);
  }
  return examples.get(path);
};
