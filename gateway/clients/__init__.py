"""What faces the clients.

exchange.py              one HTTP request as it is being answered: over the wire (http_protocol.py, http_exchange.py,
                         request_head.py), or from a program in whose process the gateway runs (asgi_exchange.py)
graphql_endpoint.py      `/graphql` over HTTP; graphql_over_http.py says what is well-formed
event_stream_response.py many answers to one request
websocket_endpoint.py    `/graphql` over a WebSocket: websocket_handshake.py, websocket_session.py
operators_endpoints.py   health and metrics; pages.py, GraphiQL and what else is built
access_token.py          who asks: token_claims.py, by the keys of issuer_keys.py
cross_origin.py          what pages may do; unambiguous_headers.py, what nobody may say
records.py               what is kept of each request
"""
