"""Numbers of things in sentences for people."""


def counted(number: int, thing: str) -> str:
    """How many there are of a thing, whose plural takes an s.

    >>> counted(1, "photo"), counted(0, "photo"), counted(1200, "bad row")
    ('1 photo', '0 photos', '1,200 bad rows')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
