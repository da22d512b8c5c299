"""Accounts, characters and tokens for the game, over HTTP: `/api/v1/openapi.json`."""

import json
import urllib.error
import urllib.request


class Problem(Exception):
    """The server's answer was an error; the text is its code and message."""


class Rest:
    def __init__(self, base):
        self.base, self.session = base.rstrip("/"), None

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.session:
            headers["Authorization"] = f"Bearer {self.session}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Problem(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def described(self):
        """The paths that the server's own description has."""
        return self.call("GET", "/api/v1/openapi.json")["paths"]

    def sign_up(self, name, password):
        self.call("POST", "/api/v1/accounts", {"name": name, "password": password})

    def log_in(self, name, password):
        credentials = {"name": name, "password": password}
        self.session = self.call("POST", "/api/v1/sessions", credentials)["token"]

    def new_character(self, name):
        return self.call("POST", "/api/v1/characters", {"name": name})

    def game_token(self, character):
        return self.call("POST", "/api/v1/game-token", {"character": character})
