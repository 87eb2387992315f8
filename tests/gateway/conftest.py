"""For all tests of the gateway."""

from tests.contract.overheard import no_secret_is_logged  # noqa: F401 - a fixture for each test
