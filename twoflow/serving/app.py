"""The HTTP routes of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from .. import __version__
from .._text import printable
from . import bodies
from .describing import describe_predictions
from .documentation import render_documentation
from .gate import Gate
from .page import render_page
from .prometheus import CONTENT_TYPE
from .refusal import Refusal, error_body
from .service import MOST_TOP, Service
from .uploads import Form

Result = TypeVar("Result")

#: What each value of a request must be.
_EXPECTED = {"top": f"an integer from 1 to {MOST_TOP}", "position": "an integer, the position of a class"}
#: What each status means; the sentence in the body says more.
_REASONS = {
    400: "The request is no HTTP/1.1, or its query cannot be understood.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "There is no such thing.",
    408: "The headers or the body took too long.",
    413: "The body is too large.",
    415: "The body is no form.",
    421: "The service is not called by this host name.",
    422: "The request cannot be understood.",
    429: "The client has too many images in work. Retry-After says when to try again.",
    431: "The headers are too large.",
    500: "The service failed; its log says why.",
    503: "The service is not ready, has too much to do, or is stopping. Retry-After says when to try again.",
}
_ALWAYS = (400, 408, 421, 431, 500, 503)
_POSTED = (403, 413, 415, 422, 429)
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "HTML.", "content": {"text/html": {"schema": {"type": "string"}}}}
}
_SAME_PAGE = "frame-ancestors 'none'"  # the rest of the page's policy is in the page


def make_app(
    service: Service, *, names: Sequence[str] | None = None, token: str = "", is_verbose: bool = False
) -> Gate:
    """Make the ASGI application of a service.

    Parameters
    ----------
    service : Service
    names : sequence of str, optional
        The host names by which it may be called. Default: any.
    token : str
        The bearer token. Default: "", for none.
    is_verbose : bool
        Whether to log each request. False by default.
    """
    app = FastAPI(
        title="twoflow", version=__version__, docs_url=None, redoc_url=None,
        description="Sorts photos into the classes of a model.",
        openapi_url=None,
    )
    gate = Gate(
        app, service.metrics, lambda: service.is_draining, limits=service.limits, names=names,
        token=token, is_verbose=is_verbose,
    )
    _add_errors(app)
    _add_open_routes(app, service)
    _add_model_routes(app, service, gate, bool(token))
    _add_posts(app, service, bool(token))
    _add_documents(app, bool(token))
    return gate


def _add_open_routes(app: FastAPI, service: Service) -> None:
    @app.get("/health", responses=_errors(), tags=["state"], summary="Whether the process lives")
    async def health() -> bodies.HealthBody:
        return bodies.HealthBody(status="ok", model=service.digest, version=__version__)

    @app.get("/ready", responses=_errors(), tags=["state"], summary="Whether the service takes work")
    async def ready() -> bodies.ReadyBody:
        if service.is_stopping:
            raise Refusal(503, "the service is stopping; ask another one")
        if not service.is_warm:
            raise Refusal(503, "the service is loading its model; try again later")
        return bodies.ReadyBody(ready=True)


def _add_model_routes(app: FastAPI, service: Service, gate: Gate, has_token: bool) -> None:
    locked = _locked(has_token)
    names = {target.name for target in service.card.targets}

    @app.get("/model", responses=_errors(*locked), tags=["model"], openapi_extra=_secured(has_token),
             summary="What the model answers, and what a request may hold")
    async def model() -> bodies.ModelBody:
        return service.describe()

    @app.get("/examples/{target:path}/{position}", response_class=Response, tags=["model"],
             openapi_extra=_secured(has_token), summary="A training photo of a class",
             responses={**_errors(*locked, 404, 422), 200: {"description": "A small JPEG.", "content": {
                 "image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}})
    async def example(target: str, position: int) -> Response:
        content = service.model_file.examples.get((target, position))
        if content is None:
            what = f"target {printable(target, 100)!r}" if target not in names else f"example of class {position}"
            raise Refusal(404, f"there is no {what}; see /model")
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    @app.get("/metrics", response_class=Response, tags=["state"], openapi_extra=_secured(has_token),
             summary="Counts and measures for Prometheus",
             responses={**_errors(*locked), 200: {"description": "Text, format 0.0.4.", "content": {
                 "text/plain": {"schema": {"type": "string"}}}}})
    async def metrics() -> Response:
        return Response(service.metrics_text(gate.n_active), headers={"Content-Type": CONTENT_TYPE})


def _add_posts(app: FastAPI, service: Service, has_token: bool) -> None:
    locked, most = _locked(has_token), service.limits.max_images
    label: dict[str, Any] = {"type": "string"}
    if service.corrections is not None and not service.corrections.allows_new:
        label["enum"] = service.corrections.labels

    @app.post(
        "/predict", tags=["model"], summary="Answer for one or several images", response_model=bodies.Predictions,
        responses=_errors(*locked, *_POSTED) | {422: {
            "model": bodies.NothingReadable | bodies.ErrorBody,
            "description": "The request cannot be understood, or no image can be read; then the body has the reasons.",
        }},
        openapi_extra=_secured(has_token) | _form({"images": {
            "type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1, "maxItems": most}}),
    )
    async def predict(
        request: Request,
        top: Annotated[int, Query(ge=1, le=MOST_TOP, description="How many of the likeliest classes to name.")] = 3,
    ) -> Response:
        client = _client(request)
        service.check_room(client)
        async with service.uploads.reading(request) as form:
            images = [file for file in form.files if file.field == "images"]
            if not images or len(images) != len(form.files) or form.fields:
                raise Refusal(422, f"expected one to {most:,} files in the field images and nothing else, got "
                                   f"{_found(form)}; correct the form")
            predictions = await _while_connected(request, service.predict(images, client))
        found = describe_predictions(predictions, service.card, top)
        if any(each.error is None for each in found):
            return _json(bodies.Predictions(model=service.digest, predictions=found))
        what = "the image" if len(found) == 1 else f"any of the {len(found):,} images"
        return _json(bodies.NothingReadable(
            model=service.digest, predictions=found,
            error=f"cannot read {what}: {found[0].error}",
        ), 422)

    @app.post(
        "/explain", tags=["model"], summary="The reasons for the answer to an image",
        response_model=bodies.ExplanationBody, responses=_errors(*locked, *_POSTED),
        openapi_extra=_secured(has_token) | _form({"image": {"type": "string", "format": "binary"}}),
    )
    async def explain(request: Request) -> Response:
        client = _client(request)
        service.check_room(client)
        service.check_explanations()
        async with service.uploads.reading(request) as form:
            if [file.field for file in form.files] != ["image"] or form.fields:
                raise Refusal(422, f"expected one file in the field image and nothing else, got {_found(form)}; "
                                   "correct the form")
            body = await _while_connected(request, service.explain(form.files[0], client))
        return _json(body)

    @app.post(
        "/corrections", tags=["model"], summary="Keep an image with its right label", status_code=201,
        response_model=bodies.CorrectionBody, responses=_errors(*locked, *_POSTED, 404),
        openapi_extra=_secured(has_token) | _form({
            "image": {"type": "string", "format": "binary"},
            "target": {"type": "string", "enum": [target.name for target in service.card.targets]}, "label": label}),
    )
    async def correct(request: Request) -> Response:
        client = _client(request)
        service.check_corrections()
        service.check_room(client)
        async with service.uploads.reading(request) as form:
            if [file.field for file in form.files] != ["image"] or set(form.fields) != {"target", "label"}:
                raise Refusal(422, "expected the file image and the fields target and label, got "
                                   f"{_found(form)}; correct the form")
            target, label = form.fields["target"], form.fields["label"]
            digest = await _while_connected(request, service.correct(form.files[0], target, label, client))
        return _json(bodies.CorrectionBody(image=digest, target=target, label=label), 201)


def _add_documents(app: FastAPI, has_token: bool) -> None:
    page = render_page()

    @app.get("/", response_class=Response, responses=_errors() | _PAGE, tags=["page"], summary="The page")
    async def show_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": _SAME_PAGE})

    @app.get("/docs", response_class=Response, responses=_errors() | _PAGE, tags=["page"],
             summary="These calls, as a page")
    async def show_documentation() -> Response:
        return HTMLResponse(documentation, headers={"Content-Security-Policy": _SAME_PAGE})

    @app.get("/openapi.json", responses={**_errors(), 200: {"description": "OpenAPI 3.1."}}, tags=["page"],
             summary="These calls, for programs")
    async def show_openapi() -> dict[str, Any]:
        return document

    document = app.openapi()
    # Here, because FastAPI leaves null out of the examples of a body.
    document["components"]["schemas"]["Predictions"]["examples"] = [bodies.EXAMPLE]
    if has_token:
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    documentation = render_documentation(document)


def _add_errors(app: FastAPI) -> None:
    """Make every error of FastAPI a sentence in JSON."""

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> Response:
        return _error(str(refusal), refusal.status, refusal.headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_values(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = first["loc"][-1]
        what = printable(f"{name}: expected {_EXPECTED[name]}, got {first['input']!r}", 300)
        return _error(f"{what}; see /docs", 422)

    @app.exception_handler(HTTPException)
    async def refuse_route(request: Request, error: HTTPException) -> Response:
        what = {404: "there is no such page", 405: "this page takes no such method"}.get(
            error.status_code, str(error.detail))
        return _error(f"{what}; see /docs", error.status_code, error.headers or {})

    @app.exception_handler(Exception)
    async def fail(request: Request, error: Exception) -> Response:
        # Starlette raises the error again, and the gate logs it. The client gets no details, which may hold paths.
        return _error("the service failed; its log says why", 500)

    @app.exception_handler(ClientDisconnect)
    async def leave(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it


async def _while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for the work, but cancel it if the client leaves."""
    task = asyncio.create_task(work)
    leaving = asyncio.ensure_future(request.receive())  # after the body comes nothing else
    try:
        await asyncio.wait([task, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for each in (task, leaving):
            each.cancel()


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": bodies.ErrorBody, "description": _REASONS[status]} for status in sorted({*statuses, *_ALWAYS})
    }


def _locked(has_token: bool) -> tuple[int, ...]:
    return (401,) if has_token else ()


def _secured(has_token: bool) -> dict[str, Any]:
    return {"security": [{"bearer": []}]} if has_token else {}


def _form(fields: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _found(form: Form) -> str:
    names = [printable(name, 40) for name in (*(file.field for file in form.files), *form.fields)]
    return ", ".join(names[:8]) or "an empty form"


def _error(message: str, status: int, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    return Response(error_body(message), status, dict(headers), "application/json")


def _json(body: BaseModel, status: int = 200) -> Response:
    return Response(body.model_dump_json(), status, media_type="application/json")
