"""The exceptions for a format without a layout (`Refused`) and with several layouts (`Ambiguous`)."""


class Refused(Exception):
    """The format is invalid, is not part of the dialect, has another size, or has several layouts.

    `kind` is "syntax", "limit", "dialect", "size", "no standard size", "user type", "too large" or "ambiguous".
    """

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Ambiguous(Refused):
    """The format has several layouts. `layouts` lists them."""

    def __init__(self, layouts):
        super().__init__("ambiguous", f"{len(layouts)} layouts")
        self.layouts = layouts
