"""What can stop a launch.

LaunchError
├── InvalidSetting      an environment variable has a value we cannot use
├── PortInUse           another program listens where one of ours should
├── DataDirInUse        the system of this folder already runs
├── ToolMissing         a program we need is not on this machine
├── StepFailed          a preparing command ended with an error
├── NeverReady          a service started but did not become ready in time
├── KeepsCrashing       a service ended again and again
└── DemoRefused         the running system did not take a demo payment: said, but the system stays up
"""

from pathlib import Path


class LaunchError(Exception):
    """One sentence for the person who typed `make run`: what is wrong and what to do."""


class InvalidSetting(LaunchError):
    def __init__(self, variable: str, value: str, expected: str) -> None:
        super().__init__(f"{variable} is {value!r}, but must be {expected}.")


class PortInUse(LaunchError):
    def __init__(self, port: int, service: str, variable: str) -> None:
        super().__init__(
            f"Port {port}, meant for the {service}, is in use: stop what listens there, or set {variable} to a free port."
        )


class DataDirInUse(LaunchError):
    def __init__(self, folder: Path, gateway_url: str) -> None:
        super().__init__(
            f"The system of {folder} already runs or starts, at {gateway_url}/graphiql: use it, or stop it with Ctrl-C "
            "where it was started. For a second one beside it, set another DATA_DIR and other ports."
        )


class ToolMissing(LaunchError):
    def __init__(self, tool: str, remedy: str) -> None:
        super().__init__(f"{tool} is missing: {remedy}")


class StepFailed(LaunchError):
    def __init__(self, step: str, status: int, log: Path, last_line: str) -> None:
        super().__init__(
            f"{step} failed with exit status {status} ({last_line}); the whole output is in {log}."
        )


class NeverReady(LaunchError):
    def __init__(self, service: str, seconds: float, log: Path) -> None:
        super().__init__(f"The {service} was not ready after {seconds:.0f} s; its log is {log}.")


class KeepsCrashing(LaunchError):
    def __init__(self, service: str, status: int, log: Path, last_line: str) -> None:
        super().__init__(
            f"The {service} keeps ending right after its start, with exit status {status} ({last_line}); its log is {log}."
        )


class DemoRefused(LaunchError):
    def __init__(self, answer: str) -> None:
        super().__init__(f"No demo payments this time; the answer was {answer}")
