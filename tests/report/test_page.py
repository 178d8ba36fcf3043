"""What all pages have in common."""

import re

import pytest
from jinja2 import UndefinedError

from twoflow.report import page


@pytest.fixture
def templates(monkeypatch):
    """Templates of the test's own, beside those of the package."""
    from jinja2 import ChoiceLoader, DictLoader

    own: dict[str, str] = {}
    environment = page._environment(page.__package__)
    monkeypatch.setattr(environment, "loader", ChoiceLoader([DictLoader(own), environment.loader]))
    return own


def test_text_of_every_origin_is_escaped(templates):
    templates["test.html"] = "{% extends 'base.html' %}{% block title %}{{ name }}{% endblock %}"
    html = page.render("test.html", name="<script>alert('x')</script> \" & \n \u202e")
    assert "<script>" not in html
    assert html.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &#34; &amp; \n \\u202e") == 2
    assert html.replace("\n", "").isprintable()


def test_a_page_asks_for_nothing(templates):
    templates["test.html"] = "{% extends 'base.html' %}"
    html = page.render("test.html")
    for word in ("http:", "https:", "<script", "@import", "url("):
        assert word not in html


def test_a_page_may_do_nothing_but_show(templates):
    templates["test.html"] = "{% extends 'base.html' %}"
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page.render("test.html"))[1]
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data:", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'"
    ]


def test_a_missing_value_is_an_error(templates):
    templates["test.html"] = "{{ missing }}"
    with pytest.raises(UndefinedError, match="missing"):
        page.render("test.html")
