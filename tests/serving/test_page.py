"""The page of the service as a file."""

import base64
import hashlib
import re

from twoflow.serving.page import render_page


def test_the_page_runs_its_own_script_only_and_calls_its_own_service_only():
    html = render_page()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', html)[1]
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data: blob:", "style-src 'unsafe-inline'", "base-uri 'none'",
        "form-action 'none'", "connect-src 'self'", f"script-src 'sha256-{digest}'",
    ]


def test_the_page_names_no_address_but_relative_ones():
    html = re.sub(r"//.*", "", render_page())  # comments name their sources
    assert not re.search(r"https?:|@import|url\(", html)
    assert not re.search(r"""(?:src|href)=["']/""", html)


def test_text_from_outside_never_becomes_html():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|setHTML", render_page())


def test_without_javascript_the_page_says_what_to_do():
    said = re.search(r"<noscript>(.*?)</noscript>", render_page(), re.DOTALL)[1]
    assert "needs JavaScript" in said and 'href="docs"' in said


def test_the_page_is_the_same_each_time_and_in_every_folder(tmp_path, monkeypatch):
    first = render_page()
    monkeypatch.chdir(tmp_path)
    assert render_page() == first
