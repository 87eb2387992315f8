"""RFC 8414: where everything is, for clients that set themselves up."""

from dataclasses import replace

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from tests.user_subgraph.service import Service


def test_the_metadata_are_valid_and_true(service: Service) -> None:
    response = service.http.get("/.well-known/oauth-authorization-server")
    told = response.get_json()

    AuthorizationServerMetadata(told).validate()
    assert told["issuer"] == service.settings.token_issuer
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert "profile:write" not in told["scopes_supported"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    for name, address in told.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            path = address.removeprefix(service.settings.public_url)
            allowed = service.http.options(path).headers["Allow"]
            assert allowed, path


def test_without_https_nothing_is_given(service: Service) -> None:
    """`PUBLIC_URL` is where the service is reached; on this machine alone plain HTTP will do."""
    far = Service(replace(service.settings, public_url="http://users.example"), service.clock)

    page = far.http.get("/oauth/authorize")
    token = far.http.post("/oauth/token", data={"grant_type": "client_credentials"})

    assert (page.status_code, token.status_code) == (400, 400)
    assert token.get_json() == {
        "error": "insecure_transport",
        "error_description": "There is no OAuth 2 but over https: PUBLIC_URL is neither that nor an address of this machine.",
    }
    far.close()
