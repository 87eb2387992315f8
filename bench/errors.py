"""What keeps a comparison from being made.

BenchError
├── WrkMissing            there is no wrk
├── GatewayNotStarted     a gateway ended, or did not answer in time
├── WrongAnswer           a gateway answered something else than direct execution does
├── RequestsFailed        requests under load were not answered, or not wholly
├── SystemNotStarted      the payment system ended, or did not say in time that it is ready
└── PaymentNotMade        a payment did not succeed, or its events were not worked on in time
"""

from pathlib import Path


class BenchError(Exception):
    """The message is for the person at the terminal."""


class WrkMissing(BenchError):
    def __init__(self) -> None:
        super().__init__("wrk is needed to send the requests: install it with `apt-get install wrk`.")


class GatewayNotStarted(BenchError):
    def __init__(self, gateway: str, log: Path) -> None:
        super().__init__(f"{gateway} did not start; its log {log} ends with:\n{log.read_text()[-2000:]}")


class WrongAnswer(BenchError):
    def __init__(self, gateway: str, workload: str, answer: str) -> None:
        super().__init__(f"{gateway} gives a wrong answer to {workload}: {answer[:1000]}")


class RequestsFailed(BenchError):
    def __init__(self, gateway: str, workload: str, what: str) -> None:
        super().__init__(f"{gateway} under {workload}: {what}")


class SystemNotStarted(BenchError):
    def __init__(self, log: Path) -> None:
        super().__init__(f"the system did not start; its log {log} ends with:\n{log.read_text()[-2000:]}")


class PaymentNotMade(BenchError):
    def __init__(self, what: str) -> None:
        super().__init__(f"a payment was not made: {what[:1000]}")
