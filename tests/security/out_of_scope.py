"""The rows of the security requirements that are not ours to keep, each with its reason."""

OUT_OF_SCOPE: dict[str, str] = {
    "R-HT-10": "No OAuth revocation endpoint is offered; `POST /logout` ends a session, and its tokens with it.",
    "R-HT-11": "No introspection endpoint is offered; resource servers verify tokens by the published keys.",
    "R-HT-12": "No authorization server metadata is published: this is a first-party sign-in, and no more.",
}
