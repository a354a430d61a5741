"""Words of messages."""


def shortened(names, most=5, rest="more", separator=", "):
    """Names as one text, of many the first, and how many there are besides."""
    names = list(map(str, names))
    return separator.join(names[:most]) + (f" and {len(names) - most} {rest}" if len(names) > most else "")


def distinct(numbers):
    """Numbers as texts with as many digits as are needed to tell them apart."""
    texts = [f"{number:g}" for number in numbers]
    return texts if len(set(texts)) == len(set(numbers)) else [str(number) for number in numbers]
