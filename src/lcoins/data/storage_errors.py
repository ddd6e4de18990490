"""What went wrong with object storage, told in one line; and whether it is worth another try."""

_UNREACHED = {
    "ClientConnectionError",  # of aiohttp
    "ClientPayloadError",
    "ConnectionError",  # of Python and of botocore
    "FSTimeoutError",
    "HTTPClientError",  # of botocore
    "TimeoutError",
}
_NO_CREDENTIALS = {"CredentialRetrievalError", "DefaultCredentialsError", "NoCredentialsError"}
_NO_CREDENTIALS |= {"PartialCredentialsError", "ProfileNotFound"}
_S3 = "S3 reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE and AWS_ENDPOINT_URL"
_GOOGLE = "Google's libraries read GOOGLE_APPLICATION_CREDENTIALS, or what `gcloud auth application-default login` left"


class StorageError(OSError):
    """A file in object storage that cannot be read or written now."""


class Refused(StorageError):
    """A request that will never be answered as it should."""


def explained(error: BaseException, address: str) -> OSError:
    """The error to raise for one of fsspec or of a library below it, which ``address`` met."""
    if isinstance(error, StorageError):
        return error
    google = address.startswith("gs:")
    advice = _GOOGLE if google else _S3
    if isinstance(error, FileNotFoundError):
        missing = "the bucket does not exist" if "specified bucket" in str(error) else "no such file"
        missing = "no such file or bucket" if google else missing  # gcsfs does not say which
        return FileNotFoundError(f"{address}: {missing}; check the address{'' if google else ' and AWS_ENDPOINT_URL'}")
    if _names(error) & _NO_CREDENTIALS:
        return StorageError(f"{address}: no credentials are known ({_first_line(error)}); {advice}")
    if _is_forbidden(error):
        return StorageError(f"{address}: no permission ({_first_line(error)}); {advice}")
    if _names(error) & _UNREACHED:
        return StorageError(f"{address} cannot be reached ({_first_line(error)}); check the network and the address")
    return StorageError(f"{address}: {_first_line(error)}; try again later, or check the address")


def is_lasting(error: BaseException) -> bool:
    """Whether another try would end the same way."""
    status = _status(error)
    if isinstance(error, Refused | FileNotFoundError) or _is_forbidden(error) or _names(error) & _NO_CREDENTIALS:
        return True
    return status is not None and 400 <= status < 500 and status not in (408, 429)


def _is_forbidden(error: BaseException) -> bool:
    """Whether a server answered 401 or 403, of which gcsfs makes an OSError without a code."""
    return isinstance(error, PermissionError) or _status(error) in (401, 403) or str(error).startswith("Forbidden: ")


def _names(error: BaseException) -> set[str]:
    """The names of an error's classes: the libraries need not be loaded to tell them."""
    return {kind.__name__ for kind in type(error).__mro__}


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error of aiohttp or gcsfs carries."""
    status = getattr(error, "status" if hasattr(error, "status") else "code", None)
    return int(status) if isinstance(status, int) else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
