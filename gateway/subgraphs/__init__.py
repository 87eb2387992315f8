"""What faces the subgraphs.

client.py                one fetch, as one request; answer.py, what came of it
transport.py             the seam to the network; carriers.py, what is behind it
connection_pool.py       the lean way, with connection.py; httpx_transport.py, the way through proxies and tests
shared_requests.py       equal queries under way travel once
passed_headers.py        headers of their answers that clients get
events.py                a subscription's events, by sse.py or ws.py
readiness.py             whether they answer at all
"""
